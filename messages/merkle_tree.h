/*
 * All of memory, of which some parts are known and the rest is zero: hashed
 * once, and then any number of proofs for the price of a walk.
 */
#ifndef MESSAGES_MERKLE_TREE_H
#define MESSAGES_MERKLE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "messages/merkle.h"

/* Aligned to its size. */
struct merkle_part {
	uint64_t address;
	unsigned log2;
	struct merkle_hash hash;
};

struct merkle_tree_node;

struct merkle_tree {
	struct merkle_tree_node *node; /* from 1; the first is the root */
	size_t len, size;
};

/* Parts are sorted by address and do not overlap. */
void merkle_tree_make(struct merkle_tree *, const struct merkle_part *,
    size_t n);
void merkle_tree_fini(struct merkle_tree *);

const struct merkle_hash *merkle_tree_root(const struct merkle_tree *);

/* Of a part, or of what some of them make up, or none of them touches. */
void merkle_tree_prove(const struct merkle_tree *, uint64_t address,
    unsigned log2_target, struct merkle_proof *out);

#endif
