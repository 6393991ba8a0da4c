/*
 * The content root of a file (docs/state.md): a Merkle tree over its pages of
 * 4096 bytes, filled up with zeroes.  Pure.
 */
#ifndef MESSAGES_PAGES_H
#define MESSAGES_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "messages/merkle.h"

#define PAGES_SIZE ((size_t)4096)
#define PAGES_LEVELS 52 /* 2^64 bytes */

/* As pages come: what is whole, from the left; one of each size at most. */
struct pages {
	uint64_t len;   /* bytes */
	size_t waiting; /* of them in tail: less than four pages */
	unsigned char tail[4 * PAGES_SIZE];
	uint64_t leaves;
	struct merkle_hash whole[PAGES_LEVELS + 1]; /* [k]: of 2^k pages */
};

void pages_begin(struct pages *);
void pages_add(struct pages *, const void *, size_t);

/* The same as so many zeroes, at little cost. */
void pages_add_zeroes(struct pages *, uint64_t);

void pages_end(struct pages *, struct merkle_hash *root);

/* All at once. */
void pages_root(const void *, size_t, struct merkle_hash *root);

#endif
