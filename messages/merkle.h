/*
 * Merkle trees over memory, as the machines of sessions and their clients know
 * them.  Pure.  An inner node is the Keccak-256 of its two children; sizes are
 * told by their logarithms to base 2, of bytes.
 *
 * Of memory the leaves are words of eight bytes, each hashed (log2 3); a tree
 * of 2^64 bytes has 61 levels above them.  Memory that nobody wrote is zero,
 * and roots of such trees ("pristine") are known ahead.  An epoch has trees of
 * their own (merkle_epoch.h).
 */
#ifndef MESSAGES_MERKLE_H
#define MESSAGES_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH 32
#define MERKLE_WORD 3    /* log2: what a leaf of memory covers */
#define MERKLE_MEMORY 64 /* log2: all of it */
#define MERKLE_LEVELS 61 /* from one to the other */

struct merkle_hash {
	unsigned char byte[MERKLE_HASH];
};

bool merkle_is_same(const struct merkle_hash *, const struct merkle_hash *);

/* Of 2^log2 bytes of zeroes, log2 from 3 to 64; borrowed. */
const struct merkle_hash *merkle_pristine(unsigned log2);

/* out may be either. */
void merkle_parent(const struct merkle_hash *left,
    const struct merkle_hash *right, struct merkle_hash *out);

/*
 * n pairs of children, one behind the other, to their n parents, which may take
 * their place: four at a time.
 */
void merkle_parents(const struct merkle_hash *children, size_t n,
    struct merkle_hash *out);

/*
 * Of 2^log2 bytes of memory that begin with these and are zero behind them.
 * It costs what is there, and a little for each level.
 */
void merkle_memory(const void *, size_t len, unsigned log2,
    struct merkle_hash *out);

/* ---- proofs ---- */

/*
 * That a part of a tree is what it is said to be.  sibling[0] is the child of
 * the root, the last one is beside the target; there are log2_root -
 * log2_target of them.
 */
struct merkle_proof {
	uint64_t address;
	unsigned log2_target, log2_root;
	struct merkle_hash target, root;
	struct merkle_hash sibling[MERKLE_LEVELS];
};

/* The root that follows from target, address and siblings; ours to compare. */
void merkle_proof_root(const struct merkle_proof *, struct merkle_hash *out);

#endif
