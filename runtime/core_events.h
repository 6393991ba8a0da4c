/*
 * What becomes a job beside cron: messages that functions subscribed to, and
 * asynchronous calls.  An answer says that it is in the journal.
 */
#ifndef RUNTIME_CORE_EVENTS_H
#define RUNTIME_CORE_EVENTS_H

struct core;
struct err;
struct frame;

#define CORE_EVENTS_MAX 64 /* messages that wait to be matched */

/* FRONT_EVENT, FRONT_ASYNC, FRONT_CALLED. */
int core_events_hear(void *core, struct frame *, struct err *);
int core_events_hear_async(void *core, struct frame *, struct err *);
int core_events_hear_called(void *core, struct frame *, struct err *);

/* Another function may have subscribed. */
void core_events_published(struct core *);

void core_events_close(struct core *);

#endif
