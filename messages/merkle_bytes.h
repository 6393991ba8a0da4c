/*
 * Memory that changes here and there (merkle.h): what is hashed anew is what
 * was written, and its way up.
 */
#ifndef MESSAGES_MERKLE_BYTES_H
#define MESSAGES_MERKLE_BYTES_H

#include <stddef.h>

#include "base/buf.h"
#include "messages/merkle.h"

#define MERKLE_BYTES_BLOCK 6 /* log2: of what is hashed anew */

struct merkle_bytes_run {
	size_t from, to; /* blocks; to is not one of them */
};

/* Zero is empty memory. */
struct merkle_bytes {
	struct buf data;
	struct {
		struct merkle_hash *node;
		size_t size;
	} level[MERKLE_LEVELS];       /* from blocks up */
	struct merkle_bytes_run *run; /* written since */
	size_t nruns, runs_size;
};

void merkle_bytes_fini(struct merkle_bytes *);

/* In its middle; it is that long already. */
void merkle_bytes_write(struct merkle_bytes *, size_t at, const void *,
    size_t len);

/* All of it; what is as it was costs a look. */
void merkle_bytes_set(struct merkle_bytes *, const void *, size_t len);

/* Of 2^log2 bytes; it is no longer than that. */
void merkle_bytes_root(struct merkle_bytes *, unsigned log2,
    struct merkle_hash *out);

#endif
