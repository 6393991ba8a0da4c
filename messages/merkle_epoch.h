/*
 * The trees of an epoch: for each input 32 bytes, in the order in which they
 * come, that are put in as they are and not hashed (log2 5), below a root of
 * 2^37 bytes.  An entry that has not come yet is the Keccak-256 of 32 zeroes,
 * which is not the root of 32 bytes of memory (merkle.h).
 */
#ifndef MESSAGES_MERKLE_EPOCH_H
#define MESSAGES_MERKLE_EPOCH_H

#include <stddef.h>
#include <stdint.h>

#include "messages/merkle.h"

#define MERKLE_EPOCH_ENTRY 5
#define MERKLE_EPOCH_ROOT 37
#define MERKLE_EPOCH_LEVELS (MERKLE_EPOCH_ROOT - MERKLE_EPOCH_ENTRY)
#define MERKLE_EPOCH_MAX (UINT64_C(1) << MERKLE_EPOCH_LEVELS)

/* Zero is an empty one.  What stands in it is its own. */
struct merkle_epoch {
	uint64_t len; /* entries */
	struct {
		struct merkle_hash *node; /* whole ones, from the left */
		size_t len, size;
	} level[MERKLE_EPOCH_LEVELS + 1]; /* [0]: entries */
	struct merkle_hash edge[MERKLE_EPOCH_LEVELS + 1];
};

void merkle_epoch_fini(struct merkle_epoch *);

/* One more; there are fewer than MERKLE_EPOCH_MAX. */
void merkle_epoch_add(struct merkle_epoch *, const struct merkle_hash *);

void merkle_epoch_root(const struct merkle_epoch *, struct merkle_hash *out);

/* Of the entry with that index, in the tree as it is now. */
void merkle_epoch_prove(const struct merkle_epoch *, uint64_t index,
    struct merkle_proof *out);

/* The same, in the tree as it was when that entry was its last. */
void merkle_epoch_prove_then(const struct merkle_epoch *, uint64_t index,
    struct merkle_proof *out);

#endif
