/*
 * What becomes a job beside cron: messages that functions subscribed to, and
 * asynchronous calls.  An answer says that it is in the journal.
 */
#ifndef RUNTIME_CORE_EVENTS_H
#define RUNTIME_CORE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "messages/prepare_msgs.h"

struct core;
struct err;
struct frame;
struct value;

#define CORE_EVENTS_MAX 64 /* messages that wait to be matched */

/* What became of a message. */
struct core_events_done {
	enum prepare_news news;
	char id[ITEM_HASH_MAX];
	uint32_t nfunctions; /* that subscribed to it, and have a job each */
	/* PREPARE_NEWS_FORGET: whose it is, and hashes, each with a newline. */
	char owner[PREPARE_SENDER_MAX], forgets[PREPARE_FORGETS_MAX];
	struct value *answer; /* for whoever posted it */
};

/* done is NULL if nothing became of it, and why says why. */
typedef void core_events_fn(void *arg, const struct core_events_done *done,
    const struct err *why, const char *problems);

/*
 * Matches a message, a file that is taken over, with what functions subscribed
 * to.  fn is called once, later, when the jobs are in the journal.
 */
int core_events_match(struct core *, int *message, bool feed, core_events_fn *,
    void *arg, struct err *);

/* FRONT_EVENT, FRONT_ASYNC, FRONT_CALLED. */
int core_events_hear(void *core, struct frame *, struct err *);
int core_events_hear_async(void *core, struct frame *, struct err *);
int core_events_hear_called(void *core, struct frame *, struct err *);

/* Another function may have subscribed. */
void core_events_published(struct core *);

void core_events_close(struct core *);

#endif
