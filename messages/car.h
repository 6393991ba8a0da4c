/*
 * Archives of content-addressed blocks (CAR version 1, the specification of
 * IPLD), in any order: where each block is.  What it is called is believed as
 * little as the rest; whoever takes a block hashes it.
 */
#ifndef MESSAGES_CAR_H
#define MESSAGES_CAR_H

#include <stddef.h>
#include <stdint.h>

#include "messages/cid.h"

struct err;

#define CAR_BLOCK_MAX (4 << 20) /* bytes; exchanges of blocks end at 2 MiB */
#define CAR_BLOCKS_MAX (1 << 20)

/* All n bytes from there on, or -1. */
struct car_source {
	int (*read)(void *arg, void *out, size_t n, uint64_t at, struct err *);
	void *arg;
	uint64_t size;
};

struct car_block {
	unsigned char digest[SHA256_LEN];
	uint64_t at;
	uint32_t len;
};

struct car {
	const struct car_source *source;
	struct car_block *block; /* by digest */
	size_t n;
};

/* ERR_GUEST: malformed.  car_fini() in any case. */
int car_open(struct car *, const struct car_source *, struct err *);
void car_fini(struct car *);

/* NULL: it is not there. */
const struct car_block *car_find(const struct car *, const struct cid *);

#endif
