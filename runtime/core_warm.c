#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/front_msgs.h"
#include "runtime/core.h"
#include "runtime/core_run_parts.h"
#include "runtime/core_warm.h"
#include "runtime/core_warm_parts.h"
#include "runtime/function_binary.h"
#include "runtime/journal.h"

#define CALLS_MAX 256 /* of one function, at a time */
#define HEALTH_NS (10 * CLOCK_SECOND)
#define UNHEALTHY 3 /* in a row */
#define FIRST_PAUSE (CLOCK_SECOND)
#define LAST_PAUSE (64 * CLOCK_SECOND)
#define LONG_ENOUGH (60 * CLOCK_SECOND) /* what then fails is no start */

/* ---- functions ---- */

static struct core_warm_function *
find(struct core_warm *all, const char *hash)
{
	struct core_warm_function *w = all->first;

	while (w != NULL && strcmp(w->hash, hash) != 0)
		w = w->next;
	return w;
}

static struct core_warm_function *
find_or_add(struct core_warm *all, const struct prepare_program *p)
{
	struct core_warm_function *w = find(all, p->hash);

	if (w != NULL)
		return w;
	w = calloc(1, sizeof(*w));
	invariant(w != NULL);
	*w = (struct core_warm_function){ .all = all,
		.next = all->first,
		.on_http = p->on_http,
		.persistent = p->persistent,
		.wall_ns = p->wall_ns };
	memcpy(w->hash, p->hash, sizeof(w->hash));
	all->first = w;
	return w;
}

/* Nothing is left that would have to be remembered. */
void
core_warm_drop(struct core_warm_function *w)
{
	struct core_warm_function **at = &w->all->first;

	if (w->nruns > 0 || w->calls != NULL || w->asking ||
	    (w->persistent && !w->forgotten && !w->all->core->draining))
		return;
	loop_timer_stop(w->all->core->loop, &w->timer);
	core_warm_kept_close(w);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	free(w);
}

/* ---- machines ---- */

void
core_warm_end(struct core_run *r, enum launch_cause cause)
{
	/* Nobody needs it: it did what it was for. */
	r->facts.complete = cause == LAUNCH_CAUSE_STOP;
	r->heard = true;
	core_run_end(r, cause);
}

/* Its time is over soon: the next one starts meanwhile. */
static bool
is_old(const struct core_warm_function *w)
{
	uint64_t life = w->run->assembly->machine.grant.limit[GRANT_WALL];

	return clock_mono_ns() - w->since_ns > life / 10 * 9;
}

/* It takes no calls any more, and ends when it has none. */
static void
retire(struct core_warm_function *w)
{
	struct core_run *r = w->run;

	core_warm_kept_close(w);
	w->run = NULL;
	w->serving = false;
	if (r != NULL && r->ncalls == 0)
		core_warm_end(r, LAUNCH_CAUSE_STOP);
}

static void
too_idle(void *arg)
{
	struct core_warm_function *w = arg;

	retire(w);
	core_warm_drop(w);
}

static void start_run(void *arg);
static void check_health(void *arg);

/* What is to be done next, and when. */
void
core_warm_look(struct core_warm_function *w)
{
	struct core *c = w->all->core;
	bool wanted = w->persistent && !w->forgotten && !c->draining;

	if (w->run == NULL && (wanted || core_warm_call_waits(w)) &&
	    w->timer.place == 0) {
		/* In a turn of its own: it may fail at once, and take the
		 * function with it. */
		loop_timer_set(c->loop, &w->timer, 0, start_run, w);
	} else if (w->serving && wanted) {
		loop_timer_set(c->loop, &w->timer, clock_mono_ns() + HEALTH_NS,
		    check_health, w);
	} else if (w->serving && w->run->ncalls == 0) {
		loop_timer_set(c->loop, &w->timer,
		    clock_mono_ns() +
			(c->draining || w->forgotten
				? 0
				: c->ceiling.node.warm_idle_ns),
		    too_idle, w);
	} else if (w->serving) {
		loop_timer_stop(c->loop, &w->timer);
	}
}

static void
start_run(void *arg)
{
	struct core_warm_function *w = arg;
	const struct core_run_trigger t = { .hash = w->hash,
		.kind = w->persistent ? "persistent" : "warm" };
	struct err why;

	if (core_run_start_warm(w->all->core, &t, w, &why) == 0)
		return;
	core_warm_call_refuse_waiting(w, &why);
	if (w->persistent)
		loop_timer_set(w->all->core->loop, &w->timer,
		    clock_mono_ns() + FIRST_PAUSE, start_run, w);
	core_warm_drop(w);
}

/* ---- health ---- */

static void
heard(void *arg, struct frame *f, const struct err *why)
{
	struct core_warm_function *w = arg;

	(void)why;
	w->asking = false;
	if (w->serving)
		w->unhealthy = f != NULL ? 0 : w->unhealthy + 1;
	if (w->serving && w->unhealthy >= UNHEALTHY) {
		core_log("%s: its server does not answer: ended", w->hash);
		w->run->facts.complete = false;
		core_run_end(w->run, LAUNCH_CAUSE_STOP);
		return;
	}
	core_warm_look(w);
	core_warm_drop(w);
}

/* A server that takes no connection serves nobody. */
static void
check_health(void *arg)
{
	struct core_warm_function *w = arg;
	buf_auto struct buf b = { 0 };

	if (is_old(w)) {
		retire(w);
		core_warm_look(w);
		return;
	}
	if (w->asking) {
		core_warm_look(w);
		return;
	}
	w->asking = true;
	buf_put_u32(&b, FUNCTION_BINARY_PORT);
	core_launcher_ask(&w->all->core->launcher, LAUNCH_CONNECT,
	    w->run->machine.serial, &b, NULL, 0, heard, w);
}

/* ---- what runs tell ---- */

void
core_warm_began(struct core_run *r)
{
	r->warm->run = r;
	r->warm->nruns++;
}

void
core_warm_serves(struct core_run *r)
{
	struct core_warm_function *w = r->warm;
	struct core_warm_call *next;

	if (w->run != r) { /* it was retired before it served */
		core_warm_end(r, LAUNCH_CAUSE_STOP);
		return;
	}
	w->serving = true;
	w->unhealthy = 0;
	w->since_ns = clock_mono_ns();
	for (struct core_warm_call *c = w->calls; c != NULL; c = next) {
		next = c->next;
		if (c->run == NULL && !c->asked && !c->left)
			core_warm_call_attach(c);
	}
	core_warm_look(w);
}

void
core_warm_ended(struct core_run *r, const struct launch_exited *x)
{
	struct core_warm_function *w = r->warm;
	struct core_warm_call *c, *next;
	struct err why;

	if (w->run == r) {
		core_warm_kept_close(w);
		w->serving = false;
		loop_timer_stop(w->all->core->loop, &w->timer);
	}
	err_set(&why, ERR_GUEST, "the machine ended before it served");
	for (c = w->calls; c != NULL; c = next) {
		next = c->next;
		if (c->run != r)
			continue;
		if (c->admitted)
			core_warm_call_end(c,
			    x->cause == LAUNCH_CAUSE_WALL ? LAUNCH_CAUSE_STOP
							  : x->cause);
		else
			core_warm_call_refuse(c, &why);
	}
	/* What is asked for comes back, and finds no run. */
	for (c = w->calls; c != NULL; c = c->next)
		if (c->run == r)
			c->run = NULL;
	r->ncalls = 0;
}

/* As long as it fails at once it is left alone, longer each time. */
static void
plan_again(struct core_warm_function *w, const struct core_run *r)
{
	uint64_t now = clock_mono_ns();

	if (now - r->began_ns > LONG_ENOUGH)
		w->pause_ns = 0;
	w->pause_ns = w->pause_ns == 0 ? FIRST_PAUSE : 2 * w->pause_ns;
	if (w->pause_ns > LAST_PAUSE)
		w->pause_ns = LAST_PAUSE;
	loop_timer_set(w->all->core->loop, &w->timer, now + w->pause_ns,
	    start_run, w);
}

void
core_warm_over(struct core_run *r)
{
	struct core_warm_function *w = r->warm;
	struct err why = r->why;

	if (!r->refused)
		err_set(&why, ERR_GUEST, "the machine ended before it served");
	w->nruns--;
	if (w->run == r) {
		core_warm_kept_close(w);
		w->run = NULL;
		w->serving = false;
		core_warm_call_refuse_waiting(w, &why); /* for this one */
		if (w->persistent && !w->forgotten && !w->all->core->draining)
			plan_again(w, r);
	}
	core_warm_look(w);
	core_warm_drop(w);
}

/* ---- for core ---- */

/* What a machine that serves many calls needs: a server, and a loopback. */
static bool
can_stay(const struct core *c, uint8_t interface)
{
	/* A binary function brings it with it: policy/decide.c. */
	return interface == ALEPH_BINARY ||
	    (interface == ALEPH_ASGI && c->ceiling.tier != GRANT_STRICT &&
		c->ceiling.grant.net != GRANT_NET_NONE);
}

static bool
is_warm(const struct core *c, const char *hash, uint8_t interface,
    bool persistent)
{
	const struct ceiling_node *n = &c->ceiling.node;

	if (!can_stay(c, interface))
		return false;
	if (persistent || n->warm_all)
		return true;
	for (size_t i = 0; i < n->nwarm; i++)
		if (strcmp(n->warm[i], hash) == 0)
			return true;
	return false;
}

/* NULL: it is none of these, or nobody published it. */
static struct core_warm_function *
know(struct core_warm *all, const char *hash)
{
	static struct prepare_program p; /* a large one */
	struct core_warm_function *w = find(all, hash);
	struct err ignored;
	uint8_t interface;
	bool persistent;

	if (w != NULL && !w->forgotten)
		return w;
	/* Most launches are of these: the journal need not be asked. */
	if (core_program_knows(&all->core->programs, hash, &interface,
		&persistent) &&
	    !is_warm(all->core, hash, interface, persistent))
		return NULL;
	if (journal_find_program(all->core->journal, hash, &p, &ignored) ==
		-1 ||
	    !is_warm(all->core, hash, p.interface, p.persistent))
		return NULL;
	return find_or_add(all, &p);
}

static int
may_take(const struct core_warm_function *w, const struct core_run_trigger *t,
    struct err *e)
{
	if (!w->on_http && t->job == 0)
		return err_set(e, ERR_DENIED,
		    "on.http is false: it takes no calls over HTTP");
	if (w->all->core->draining)
		return err_set(e, ERR_BUSY, "the node is about to stop");
	if (w->ncalls >= CALLS_MAX)
		return err_set(e, ERR_BUSY, "%d calls are with it already",
		    CALLS_MAX);
	return 0;
}

bool
core_warm_takes(struct core_warm *all, const struct core_run_trigger *t)
{
	struct core_warm_function *w = know(all, t->hash);
	struct core_warm_call *c;
	struct err why;

	if (w == NULL)
		return false;
	if (may_take(w, t, &why) == -1) {
		core_run_refuse(all->core, t, &why);
		core_warm_drop(w);
		return true;
	}
	c = calloc(1, sizeof(*c));
	invariant(c != NULL);
	*c = (struct core_warm_call){ .of = w,
		.next = w->calls,
		.serial = t->serial,
		.job = t->job,
		.may_be_next = t->next,
		.began_ns = clock_mono_ns() };
	w->calls = c;
	w->ncalls++;
	if (w->serving && is_old(w))
		retire(w);
	if (w->serving) {
		if (!w->persistent)
			loop_timer_stop(all->core->loop, &w->timer);
		core_warm_call_attach(c);
	} else if (w->run == NULL) {
		/* Somebody waits: at once, whatever failed before. */
		loop_timer_stop(all->core->loop, &w->timer);
		core_warm_look(w);
	}
	return true;
}

/* The machine that it was with may have nothing more to do. */
static void
release(struct core_warm_function *w, struct core_run *r)
{
	if (r != NULL && r != w->run && r->ncalls == 0)
		core_warm_end(r, LAUNCH_CAUSE_STOP);
	core_warm_look(w);
	core_warm_drop(w);
}

static void
leave(struct core_warm_call *c)
{
	struct core_warm_function *w = c->of;
	struct core_run *r = c->run;
	struct err why;

	if (c->admitted) {
		core_warm_call_end(c, LAUNCH_CAUSE_SELF);
	} else {
		err_set(&why, ERR_TIMEOUT, "nobody waits for it any more");
		core_warm_call_refuse(c, &why);
	}
	release(w, r);
}

bool
core_warm_left(struct core_warm *all, uint32_t serial,
    const struct front_left *facts, int *connection)
{
	for (struct core_warm_function *w = all->first; w != NULL; w = w->next)
		for (struct core_warm_call *c = w->calls; c != NULL;
		     c = c->next)
			if (c->serial == serial && serial != 0) {
				if (c->run != NULL) {
					c->run->facts.bytes_in +=
					    facts->bytes_in;
					c->run->facts.bytes_out +=
					    facts->bytes_out;
				}
				if (connection != NULL && c->admitted &&
				    c->run == w->run && w->serving)
					core_warm_kept_add(w, connection);
				leave(c);
				return true;
			}
	return false;
}

void
core_warm_front_gone(struct core_warm *all)
{
	struct core_warm_function *w, *next;
	bool asking;

	for (w = all->first; w != NULL; w = next) {
		struct core_warm_call *c, *after;

		next = w->next;
		/* One of them may be the last, and the function go with it. */
		asking = w->asking;
		w->asking = true;
		for (c = w->calls; c != NULL; c = after) {
			after = c->next;
			c->serial = 0;
			if (!c->left)
				leave(c);
		}
		w->asking = asking;
		core_warm_drop(w);
	}
}

void
core_warm_published(struct core_warm *all, const struct prepare_program *p)
{
	if (p->persistent && is_warm(all->core, p->hash, p->interface, true))
		core_warm_look(find_or_add(all, p));
}

static int
load(void *arg, const struct prepare_program *p, uint64_t published_ns)
{
	struct core_warm *all = arg;

	(void)published_ns;
	if (p->persistent && is_warm(all->core, p->hash, p->interface, true))
		(void)find_or_add(all, p);
	return 0;
}

/* The preparers come later: what is asked of them waits. */
int
core_warm_open(struct core_warm *all, struct core *c, struct err *e)
{
	*all = (struct core_warm){ .core = c };
	if (journal_each_program(c->journal, load, all, e) == -1)
		return -1;
	for (struct core_warm_function *w = all->first; w != NULL; w = w->next)
		loop_timer_set(c->loop, &w->timer, 0, start_run, w);
	return 0;
}

void
core_warm_forget(struct core_warm *all, const char *hash)
{
	struct core_warm_function *w = find(all, hash);

	if (w == NULL)
		return;
	w->forgotten = true;
	loop_timer_stop(all->core->loop, &w->timer);
	core_warm_drop(w);
}

void
core_warm_refresh(struct core_warm *all)
{
	struct core_warm_function *w, *next;

	for (w = all->first; w != NULL; w = next) {
		next = w->next;
		if (!w->serving)
			continue;
		loop_timer_stop(all->core->loop, &w->timer);
		retire(w);
		core_warm_look(w);
	}
}

void
core_warm_drain(struct core_warm *all)
{
	struct core_warm_function *w, *next;

	for (w = all->first; w != NULL; w = next) {
		next = w->next;
		loop_timer_stop(all->core->loop, &w->timer);
		if (w->run != NULL && !w->serving)
			core_run_end(w->run, LAUNCH_CAUSE_STOP);
		else
			core_warm_look(w);
	}
}

void
core_warm_close(struct core_warm *all)
{
	struct core_warm_function *w;

	while ((w = all->first) != NULL) {
		while (w->calls != NULL)
			core_warm_call_free(w->calls);
		all->first = w->next;
		loop_timer_stop(all->core->loop, &w->timer);
		core_warm_kept_close(w);
		free(w);
	}
}
