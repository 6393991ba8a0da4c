#include <sys/sysinfo.h>

#include "base/clock.h"
#include "base/err.h"
#include "policy/ceiling.h"
#include "runtime/core.h"
#include "runtime/core_program.h"
#include "runtime/core_queue.h"
#include "runtime/core_run_parts.h"

/* Of the host's memory; the rest is for the node and what else is there. */
#define MEMORY_SHARE 80
/* Machines seldom use all that they may. */
#define CPU_OVERCOMMIT 32

static void
set_unless(uint64_t *limit, uint64_t n)
{
	if (*limit == 0)
		*limit = n;
}

void
core_queue_open(struct core_queue *q, const struct ceiling_node *n)
{
	uint64_t *host = q->quota.limits.limit[QUOTA_HOST];
	struct sysinfo s;

	*q = (struct core_queue){ .quota = { .limits = n->quota } };
	q->last = &q->first;
	if (sysinfo(&s) == 0)
		set_unless(&host[QUOTA_MEMORY],
		    (uint64_t)s.totalram * s.mem_unit / 100 * MEMORY_SHARE);
	set_unless(&host[QUOTA_CPU],
	    (uint64_t)get_nprocs() * 100 * CPU_OVERCOMMIT);
	set_unless(&host[QUOTA_RUNS], CORE_RUNS_MAX);
}

void
core_queue_close(struct core_queue *q)
{
	quota_fini(&q->quota);
}

static void
unlink_run(struct core_queue *q, struct core_run *r)
{
	struct core_run **at = &q->first;

	while (*at != NULL && *at != r)
		at = &(*at)->after;
	if (*at == NULL)
		return;
	*at = r->after;
	if (q->last == &r->after)
		q->last = at;
	q->len--;
	loop_timer_stop(r->core->loop, &r->patience);
}

/* 1: it has room; 0: it may have later; -1: it has none. */
static int
try_one(struct core_queue *q, struct core_run *r, struct err *why)
{
	if (quota_take(&q->quota, &r->need, why) == 0) {
		r->holds = true;
		return 1;
	}
	return why->code == ERR_DENIED ? -1 : 0;
}

static void
waited_long_enough(void *arg)
{
	struct core_run *r = arg;
	struct core_queue *q = &r->core->queue;
	struct err why;

	unlink_run(q, r);
	if (try_one(q, r, &why) == 1)
		core_run_go_on(r);
	else
		core_run_give_up(r, &why);
}

static void
read_need(struct core_run *r)
{
	const struct grant *g = &r->assembly->machine.grant;

	r->need = (struct quota_need){ r->assembly->owner, r->hash,
		{ 1, g->limit[GRANT_MEMORY], g->limit[GRANT_CPU],
		    g->limit[GRANT_PIDS] } };
}

void
core_queue_enter(struct core_queue *q, struct core_run *r)
{
	const struct ceiling_node *n = &r->core->ceiling.node;
	struct err why;
	int room;

	read_need(r);
	room = try_one(q, r, &why);
	if (room == 1) {
		core_run_go_on(r);
	} else if (room == -1 || q->len >= n->queue || n->wait_ns == 0) {
		core_run_give_up(r, &why);
	} else {
		r->state = RUN_QUEUED;
		r->after = NULL;
		*q->last = r;
		q->last = &r->after;
		q->len++;
		loop_timer_set(r->core->loop, &r->patience,
		    clock_mono_ns() + n->wait_ns, waited_long_enough, r);
	}
}

/* In order; each that goes on may change the rest, so from the start again. */
static void
serve(struct core_queue *q)
{
	struct core_run *r = q->first;
	struct err ignored;

	while (r != NULL) {
		if (try_one(q, r, &ignored) != 1) {
			r = r->after;
			continue;
		}
		unlink_run(q, r);
		core_run_go_on(r);
		r = q->first;
	}
}

void
core_queue_leave(struct core_queue *q, struct core_run *r)
{
	unlink_run(q, r);
	if (!r->holds)
		return;
	r->holds = false;
	quota_give(&q->quota, &r->need);
	serve(q);
}
