/*
 * The feed of messages that the policy names, by cella-fetch: each is matched
 * with what functions subscribed to, and what owners say of that which is here
 * is published.  A message is taken only when what became of it is written
 * down; how far that is, is too, for the next core.
 */
#ifndef RUNTIME_CORE_FEED_H
#define RUNTIME_CORE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "runtime/metrics.h"

struct core;
struct core_feed_heard;
struct err;
struct frame;

struct core_feed {
	struct core *core;
	bool up;
	uint32_t
	    generation; /* of cella-fetch: others' messages are not taken */
	unsigned heard; /* messages that are not taken */
	struct core_feed_heard *first;
	struct loop_timer stamp;
	struct metrics_feed *counts;
};

void core_feed_init(struct core_feed *, struct core *);
void core_feed_close(struct core_feed *);

/* Another cella-fetch is there, and is told to follow it. */
void core_feed_attach(struct core_feed *);

/* FETCH_FED, FETCH_HEARD. */
int core_feed_hear(struct core_feed *, struct frame *, struct err *);

/* Cella-fetch is gone. */
void core_feed_gone(struct core_feed *);

#endif
