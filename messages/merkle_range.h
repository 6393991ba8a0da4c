/*
 * The hashes of one kind of output, as they lie in a range of a machine's
 * memory, one behind the other and zero behind the last, and proofs of each:
 * of 32 bytes of memory, that is of four words (merkle.h), below the range.
 */
#ifndef MESSAGES_MERKLE_RANGE_H
#define MESSAGES_MERKLE_RANGE_H

#include <stddef.h>
#include <stdint.h>

#include "messages/merkle.h"

#define MERKLE_RANGE_ENTRY 5 /* log2 of an entry's bytes */

struct merkle_range {
	uint64_t address;
	unsigned log2; /* of the range, from MERKLE_RANGE_ENTRY on */
	size_t len;    /* entries */
	struct merkle_hash root;
	struct merkle_hash *node; /* level by level, entries' first */
};

/* There is room for so many. */
void merkle_range_make(struct merkle_range *, uint64_t address, unsigned log2,
    const struct merkle_hash *entries, size_t len);
void merkle_range_fini(struct merkle_range *);

/* Of the entry with that index, at its place in the machine. */
void merkle_range_prove(const struct merkle_range *, size_t index,
    struct merkle_proof *out);

#endif
