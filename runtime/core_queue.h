/*
 * Admission: a run is started when there is room for what its machine may use
 * at most (policy/quota.h).  Else it waits, in order, for as long as the policy
 * says; one that does not fit does not hold up those that do.
 */
#ifndef RUNTIME_CORE_QUEUE_H
#define RUNTIME_CORE_QUEUE_H

#include <stddef.h>

#include "policy/quota.h"

struct ceiling_node;
struct core;
struct core_run;

struct core_queue {
	struct quota quota;
	struct core_run *first, **last;
	size_t len;
};

/* What the policy does not limit, the host does: memory and CPU. */
void core_queue_open(struct core_queue *, const struct ceiling_node *);
void core_queue_close(struct core_queue *);

/* core_run_go_on() or core_run_give_up() is called for it, now or later. */
void core_queue_enter(struct core_queue *, struct core_run *);

/* It is over: out of the queue, and what it held is somebody else's. */
void core_queue_leave(struct core_queue *, struct core_run *);

#endif
