#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "messages/aleph.h"
#include "messages/front_msgs.h"
#include "runtime/core.h"
#include "runtime/core_run_parts.h"
#include "runtime/core_warm.h"
#include "runtime/core_warm_parts.h"
#include "runtime/exchange.h"
#include "runtime/function_binary.h"

#define RETRY_NS (2 * CLOCK_SECOND / 1000)
#define CONNECT_NS (10 * CLOCK_SECOND) /* for a server that is busy */

void
core_warm_call_free(struct core_warm_call *c)
{
	struct core_warm_function *w = c->of;
	struct core_warm_call **at = &w->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	w->ncalls--;
	loop_timer_stop(w->all->core->loop, &c->timer);
	if (c->run != NULL)
		c->run->ncalls--;
	free(c);
}

void
core_warm_call_refuse(struct core_warm_call *c, const struct err *why)
{
	buf_auto struct buf b = { 0 };

	front_msgs_put_refused(&b, why, NULL);
	if (c->serial != 0)
		frame_link_send(&c->of->all->core->front, FRONT_REFUSED,
		    c->serial, &b, NULL, 0);
	if (c->asked) {
		c->serial = 0;
		c->left = true; /* until its connection comes */
	} else {
		core_warm_call_free(c);
	}
}

void
core_warm_call_end(struct core_warm_call *c, enum launch_cause cause)
{
	const struct front_ended end = { (uint8_t)cause, LAUNCH_END_EXIT, 0,
		false };
	buf_auto struct buf b = { 0 };

	front_msgs_put_ended(&b, &end);
	if (c->serial != 0)
		frame_link_send(&c->of->all->core->front, FRONT_ENDED,
		    c->serial, &b, NULL, 0);
	core_warm_call_free(c);
}

bool
core_warm_call_waits(const struct core_warm_function *w)
{
	for (const struct core_warm_call *c = w->calls; c != NULL; c = c->next)
		if (c->run == NULL && !c->asked && !c->left)
			return true;
	return false;
}

void
core_warm_call_refuse_waiting(struct core_warm_function *w,
    const struct err *why)
{
	struct core_warm_call *next;

	for (struct core_warm_call *c = w->calls; c != NULL; c = next) {
		next = c->next;
		if (c->run == NULL && !c->asked && !c->left)
			core_warm_call_refuse(c, why);
	}
}

/* It runs longer than its function may: what it does ends, too. */
static void
too_long(void *arg)
{
	struct core_warm_call *c = arg;
	struct core_run *r = c->run;
	struct core_warm_function *w = c->of;

	if (w->run == r) {
		core_warm_kept_close(w);
		w->run = NULL;
		w->serving = false;
	}
	core_warm_call_end(c, LAUNCH_CAUSE_WALL);
	core_warm_end(r, LAUNCH_CAUSE_WALL);
}

static void
admit(struct core_warm_call *c, int fd, enum exchange_life life)
{
	struct core *core = c->of->all->core;
	const struct front_admitted a = { c->run->assembly->facts.interface,
		c->run->assembly->machine.grant.limit[GRANT_BODY],
		(uint8_t)life };
	buf_auto struct buf b = { 0 };

	front_msgs_put_admitted(&b, &a);
	frame_link_send(&core->front, FRONT_ADMITTED, c->serial, &b, &fd, 1);
	c->admitted = true;
	if (c->job != 0)
		core_jobs_set_begun(&core->jobs, c->job, true);
	metrics_observe(&core->metrics.start, clock_mono_ns() - c->began_ns);
	loop_timer_set(core->loop, &c->timer, clock_mono_ns() + c->of->wall_ns,
	    too_long, c);
}

static void connect_call(void *arg);

static void
connected(void *arg, struct frame *f, const struct err *why)
{
	struct core_warm_call *c = arg;
	struct core_warm_function *w = c->of;
	struct err gone;

	c->asked = false;
	if (c->left || c->run == NULL) {
		if (c->left)
			core_warm_call_free(c);
		core_warm_look(w);
		core_warm_drop(w);
	} else if (f != NULL) {
		admit(c, f->fds[0], EXCHANGE_FIRST);
	} else if (why->code == ERR_BUSY &&
	    clock_mono_ns() - c->began_ns < CONNECT_NS) {
		loop_timer_set(w->all->core->loop, &c->timer,
		    clock_mono_ns() + RETRY_NS, connect_call, c);
	} else {
		err_set(&gone, ERR_GUEST, "the function takes no calls");
		core_warm_call_refuse(c, why->code == ERR_BUSY ? why : &gone);
		core_warm_look(w);
	}
}

static void
connect_call(void *arg)
{
	struct core_warm_call *c = arg;
	buf_auto struct buf b = { 0 };

	c->asked = true;
	buf_put_u32(&b, FUNCTION_BINARY_PORT);
	core_launcher_ask(&c->of->all->core->launcher, LAUNCH_CONNECT,
	    c->run->machine.serial, &b, NULL, 0, connected, c);
}

void
core_warm_call_attach(struct core_warm_call *c)
{
	fd_auto int fd = -1;

	c->run = c->of->run;
	c->run->ncalls++;
	c->run->served++;
	fd = c->may_be_next ? core_warm_kept_take(c->of) : -1;
	if (fd != -1)
		admit(c, fd, EXCHANGE_NEXT);
	else
		connect_call(c);
}
