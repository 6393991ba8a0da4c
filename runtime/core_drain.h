/*
 * A stream of a machine that core reads beside its work: counted, bounded, and
 * its end kept for the operator.
 */
#ifndef RUNTIME_CORE_DRAIN_H
#define RUNTIME_CORE_DRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"

struct err;

#define CORE_DRAIN_TAIL 1024

/* What core does with it; arg is each function's. */
struct core_drain_fns {
	void (*heard)(void *arg, const char *data, size_t len);
	void (*too_much)(void *arg);
	void (*over)(void *arg); /* nobody can write it any more */
};

struct core_drain {
	struct loop *loop;
	int fd; /* -1: closed */
	struct loop_watch watch;
	uint64_t total, limit;
	size_t len;
	char tail[CORE_DRAIN_TAIL]; /* the last bytes */
	const struct core_drain_fns *fns;
	void *arg;
};

#define CORE_DRAIN_CLOSED                          \
	{                                          \
		.fd = -1, .watch = LOOP_WATCH_NONE \
	}

/* fd is taken over, also on failure. */
int core_drain_start(struct core_drain *, struct loop *, int fd, uint64_t limit,
    const struct core_drain_fns *, void *arg, struct err *);
void core_drain_close(struct core_drain *);

#endif
