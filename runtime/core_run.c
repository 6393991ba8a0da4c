#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/front_msgs.h"
#include "messages/value.h"
#include "runtime/core.h"
#include "runtime/core_run_parts.h"
#include "runtime/core_warm.h"
#include "runtime/dns_msgs.h"
#include "runtime/function_binary.h"

/* From the trigger to a machine that can be talked to. */
#define LAUNCH_NS (60 * CLOCK_SECOND)
/* How long a server that does not listen yet is left alone. */
#define RETRY_NS (2 * CLOCK_SECOND / 1000)

/* ---- ends ---- */

static struct core_run *
find(struct core *c, uint32_t serial)
{
	struct core_run *r = c->runs;

	while (r != NULL && (serial == 0 || r->serial != serial))
		r = r->next;
	return r;
}

static void
tell_refused(struct core_run *r, const struct err *why)
{
	buf_auto struct buf b = { 0 };

	if (r->told)
		return;
	r->told = r->refused = true;
	if (r->warm != NULL)
		r->why = *why;
	front_msgs_put_refused(&b, why, NULL);
	if (r->serial != 0)
		frame_link_send(&r->core->front, FRONT_REFUSED, r->serial, &b,
		    NULL, 0);
	r->serial = 0;
	if (r->recorded) {
		r->failed = true;
		r->why = *why;
	} else {
		core_audit_refused(&r->core->audit, "run", r->hash, why);
	}
	/* Anybody can ask for what is not there, as often as he likes. */
	if (why->code != ERR_NOT_FOUND)
		core_log("%s: run %s: refused: %s", r->hash, r->id, why->text);
}

static void
kill_machine(struct core_run *r, enum launch_cause cause)
{
	if (r->machine.serial != 0)
		core_launcher_kill(&r->core->launcher, r->machine.serial,
		    cause);
}

/* Nothing runs, or what runs must end: the end of the machine is the run's. */
void
core_run_give_up(struct core_run *r, const struct err *why)
{
	tell_refused(r, why);
	r->left = true;
	if (r->state == RUN_PREPARING || r->state == RUN_RECORDING)
		return; /* its assembly or its record comes yet, and ends it */
	if (r->machine.serial == 0)
		core_run_end_free(r);
	else
		kill_machine(r, LAUNCH_CAUSE_STOP);
}

/* ---- the end ---- */

static void
forget_names(const struct core_run *r)
{
	if (r->assembly->machine.resolver)
		frame_link_send(&r->core->dns, DNS_MSGS_FORGET,
		    (uint32_t)r->number, NULL, NULL, 0);
}

static void
ended(void *arg, const struct launch_exited *x)
{
	struct core_run *r = arg;
	struct front_ended end = { x->cause, x->end, x->code,
		x->oom_kills > 0 };
	buf_auto struct buf b = { 0 };
	struct err why;

	r->exited = *x;
	r->ran = true;
	r->state = RUN_ENDED;
	loop_timer_stop(r->core->loop, &r->deadline);
	loop_timer_stop(r->core->loop, &r->retry);
	forget_names(r);
	if (!r->told) {
		err_set(&why, ERR_GUEST, "the machine ended before it served");
		tell_refused(r, &why);
	}
	if (r->warm != NULL)
		core_warm_ended(r, x);
	front_msgs_put_ended(&b, &end);
	if (r->serial != 0)
		frame_link_send(&r->core->front, FRONT_ENDED, r->serial, &b,
		    NULL, 0);
	core_run_end_finish(r);
}

/* ---- the start ---- */

static void
admit(struct core_run *r)
{
	const struct front_admitted a = { r->assembly->facts.interface,
		r->assembly->machine.grant.limit[GRANT_BODY], 0 };
	const int fds[2] = { r->to, r->from };
	buf_auto struct buf b = { 0 };

	loop_timer_stop(r->core->loop, &r->deadline);
	metrics_observe(&r->core->metrics.start, clock_mono_ns() - r->began_ns);
	front_msgs_put_admitted(&b, &a);
	frame_link_send(&r->core->front, FRONT_ADMITTED, r->serial, &b, fds,
	    r->from == -1 ? 1 : 2);
	r->told = true;
	r->state = RUN_ADMITTED;
	fd_close(&r->to);
	fd_close(&r->from);
}

static void knock(void *arg);

static void
knocked(void *arg, struct frame *f, const struct err *why)
{
	struct core_run *r = arg;

	r->knocking = false;
	if (r->state == RUN_ENDED) {
		core_run_end_finish(r);
	} else if (r->left) {
		kill_machine(r, LAUNCH_CAUSE_STOP);
	} else if (f != NULL && r->warm != NULL) {
		loop_timer_stop(r->core->loop, &r->deadline);
		r->told = true;
		r->state = RUN_ADMITTED;
		core_warm_serves(r);
	} else if (f != NULL) {
		r->to = fd_take(&f->fds[0]);
		admit(r);
	} else if (why->code == ERR_BUSY) {
		loop_timer_set(r->core->loop, &r->retry,
		    clock_mono_ns() + RETRY_NS, knock, r);
	} else if (why->code != ERR_NOT_FOUND) {
		core_run_give_up(r, why); /* else: its end is on its way */
	}
}

static void
knock(void *arg)
{
	struct core_run *r = arg;
	buf_auto struct buf b = { 0 };

	r->knocking = true;
	buf_put_u32(&b, FUNCTION_BINARY_PORT);
	core_launcher_ask(&r->core->launcher, LAUNCH_CONNECT, r->machine.serial,
	    &b, NULL, 0, knocked, r);
}

static void
serve_names(struct core_run *r, struct frame *f)
{
	buf_auto struct buf b = { 0 };

	if (!r->assembly->machine.resolver)
		return;
	dns_msgs_put_serve(&b, &r->core->ceiling.dns,
	    &r->assembly->machine.grant.egress);
	frame_link_send(&r->core->dns, DNS_MSGS_SERVE, (uint32_t)r->number, &b,
	    &f->fds[1], 1);
}

static void
created(void *arg, struct frame *f, const struct err *why)
{
	struct core_run *r = arg;
	const struct machine *m = &r->assembly->machine;
	struct err e;

	if (f == NULL) {
		core_launcher_unfollow(&r->core->launcher, &r->machine);
		core_run_give_up(r, why);
		return;
	}
	launch_msgs_get_created(&f->body, &r->created);
	if (!buf_ok(&f->body) || f->nfds != (m->resolver ? 2 : 1)) {
		err_set(&e, ERR_SYSTEM, "launcher: malformed frame");
		core_run_give_up(r, &e);
		return;
	}
	r->created_it = true;
	serve_names(r, f);
	if (r->left) {
		kill_machine(r, LAUNCH_CAUSE_STOP);
	} else if (r->warm != NULL ||
	    r->assembly->facts.interface == ALEPH_BINARY) {
		r->state = RUN_KNOCKING;
		knock(r);
	} else {
		admit(r);
	}
}

static int
create(struct core_run *r, struct err *e)
{
	struct pipes_ends t = PIPES_NO_ENDS;
	struct core_launcher *l = &r->core->launcher;
	buf_auto struct buf b = { 0 };
	int fds[FRAME_FDS_MAX];
	int status = core_run_ends_make(r, &t, e);

	if (status == 0) {
		buf_put_u32(&b, r->assembly->tenant->number);
		machine_put(&b, &r->assembly->machine);
		core_launcher_follow(l, &r->machine,
		    core_launcher_next_serial(l), ended, r);
		core_launcher_ask(l, LAUNCH_CREATE, r->machine.serial, &b, fds,
		    pipes_list(&t, r->assembly->args, &r->assembly->machine,
			r->assembly->source, fds),
		    created, r);
	}
	pipes_close_ends(&t);
	return status;
}

/* It stands in the audit log: only now anything of it is started. */
static void
recorded(void *arg, const struct err *cause)
{
	struct core_run *r = arg;
	struct err why;

	r->state = RUN_STARTING;
	r->recorded = cause == NULL;
	if (cause != NULL && r->job != 0)
		core_jobs_set_begun(&r->core->jobs, r->job, false);
	if (cause != NULL)
		err_set(&why, ERR_BUSY, "%s", cause->text);
	else if (r->left)
		err_set(&why, ERR_TIMEOUT, "nobody waits for it any more");
	else if (create(r, &why) == 0)
		return;
	core_run_give_up(r, &why);
}

void
core_run_go_on(struct core_run *r)
{
	const struct core_audit_run run = { r->id, r->hash, r->assembly->owner,
		r->kind, r->key, r->job,
		r->warm == NULL ? NULL : &r->assembly->machine.grant };

	r->state = RUN_RECORDING;
	if (r->job != 0)
		core_jobs_set_begun(&r->core->jobs, r->job, true);
	core_audit_admitted(&r->core->audit, &run, r->assembly, recorded, r);
}

/* The message's seconds are a call's: this one's time is what the admin allows.
 * Each call comes over a connection.  No other run has this assembly. */
static int
live_long(struct core_run *r, struct err *e)
{
	const struct grant *most = &r->core->ceiling.grant;
	struct machine *m = &r->assembly->machine;

	if (m->grant.net == GRANT_NET_NONE)
		return err_set(e, ERR_DENIED,
		    "a machine that serves many calls needs the loopback");
	m->grant.limit[GRANT_WALL] = most->limit[GRANT_WALL];
	m->grant.limit[GRANT_CPU_TIME] = most->limit[GRANT_CPU_TIME];
	m->channel = false;
	return 0;
}

static void
assembled(void *arg, struct core_assembly *a, const struct err *cause)
{
	struct core_run *r = arg;
	struct err why;

	r->assembly = a;
	r->state = RUN_STARTING;
	if (a == NULL) {
		why = *cause;
	} else if (r->left) {
		err_set(&why, ERR_TIMEOUT, "nobody waits for it any more");
	} else if (!a->facts.on_http && r->job == 0 && r->warm == NULL) {
		err_set(&why, ERR_DENIED,
		    "on.http is false: it takes no calls over HTTP");
	} else if (a->machine.resolver && r->core->dns.sock == -1) {
		err_set(&why, ERR_BUSY, "the resolver starts again");
	} else if (r->warm == NULL || live_long(r, &why) == 0) {
		core_queue_enter(&r->core->queue, r);
		return;
	}
	core_run_give_up(r, &why);
}

static void
too_late(void *arg)
{
	struct err why;

	err_set(&why, ERR_TIMEOUT, "it did not start in %u s",
	    (unsigned)(LAUNCH_NS / CLOCK_SECOND));
	core_run_give_up(arg, &why);
}

void
core_run_refuse(struct core *c, const struct core_run_trigger *t,
    const struct err *why)
{
	buf_auto struct buf b = { 0 };

	core_audit_refused(&c->audit, "run", t->hash, why);
	front_msgs_put_refused(&b, why, NULL);
	frame_link_send(&c->front, FRONT_REFUSED, t->serial, &b, NULL, 0);
}

static bool
has_room(const struct core *c, struct err *e)
{
	if (!c->draining && c->nruns < CORE_RUNS_MAX)
		return true;
	err_set(e, ERR_BUSY,
	    c->draining ? "the node is about to stop"
			: "%d functions run already",
	    CORE_RUNS_MAX);
	return false;
}

/* It may be over when this returns. */
static void
begin(struct core *c, const struct core_run_trigger *t,
    struct core_warm_function *w)
{
	struct core_run *r;

	r = calloc(1, sizeof(*r));
	invariant(r != NULL);
	*r = (struct core_run){ .core = c,
		.next = c->runs,
		.number = ++c->last_run,
		.serial = t->serial,
		.kind = t->kind,
		.job = t->job,
		.warm = w,
		.started_ns = clock_real_ns(),
		.began_ns = clock_mono_ns(),
		.to = -1,
		.from = -1,
		.out = CORE_DRAIN_CLOSED,
		.err = CORE_DRAIN_CLOSED };
	str_copy(r->hash, sizeof(r->hash), t->hash);
	str_copy(r->key, sizeof(r->key), t->key == NULL ? "" : t->key);
	snprintf(r->id, sizeof(r->id), "%u-%" PRIu64, c->life, r->number);
	c->runs = r;
	c->nruns++;
	loop_timer_set(c->loop, &r->deadline, clock_mono_ns() + LAUNCH_NS,
	    too_late, r);
	if (w != NULL)
		core_warm_began(r);
	core_program_want(&c->programs, t->hash, assembled, r);
}

void
core_run_start(struct core *c, const struct core_run_trigger *t)
{
	struct err why;

	if (!has_room(c, &why)) {
		core_run_refuse(c, t, &why);
		return;
	}
	begin(c, t, NULL);
}

int
core_run_start_warm(struct core *c, const struct core_run_trigger *t,
    struct core_warm_function *w, struct err *e)
{
	if (!has_room(c, e))
		return -1;
	begin(c, t, w);
	return 0;
}

static void
leave(struct core_run *r)
{
	struct err why;

	r->left = true;
	err_set(&why, ERR_TIMEOUT, "nobody waits for it any more");
	tell_refused(r, &why);
	if (r->state == RUN_ADMITTED || r->state == RUN_KNOCKING)
		kill_machine(r, LAUNCH_CAUSE_STOP);
}

/* Front has nothing to do with it any more.  r may be gone. */
static void
go_if_over(struct core_run *r)
{
	if (r->state == RUN_QUEUED)
		core_run_end_free(r); /* nothing of it was begun */
	else
		core_run_end_finish(r);
}

void
core_run_left(struct core *c, uint32_t serial, const struct front_left *facts)
{
	struct core_run *r = find(c, serial);

	if (r == NULL || r->left)
		return;
	r->heard = true;
	r->facts = *facts;
	leave(r);
	go_if_over(r);
}

/* A reply that has begun breaks off: its machine is what ends it. */
static void
stop_run(struct core_run *r, const struct err *why)
{
	if (r->state == RUN_ADMITTED)
		kill_machine(r, LAUNCH_CAUSE_STOP);
	else
		core_run_give_up(r, why);
}

int
core_run_stop(struct core *c, const char *id, struct err *e)
{
	struct core_run *r = c->runs;
	struct err why;

	while (r != NULL && strcmp(r->id, id) != 0)
		r = r->next;
	if (r == NULL || r->state == RUN_ENDED)
		return err_set(e, ERR_NOT_FOUND, "%s: no such run", id);
	err_set(&why, ERR_BUSY, "the operator stopped it");
	stop_run(r, &why);
	return 0;
}

void
core_run_end(struct core_run *r, enum launch_cause cause)
{
	struct err why;

	if (r->state == RUN_ADMITTED) {
		kill_machine(r, cause);
	} else if (r->state != RUN_ENDED) {
		err_set(&why, ERR_BUSY, "the node needs it no longer");
		core_run_give_up(r, &why);
	}
}

void
core_run_forget(struct core *c, const char *hash)
{
	struct core_run *r, *next;
	struct err why;

	err_set(&why, ERR_NOT_FOUND, "its owner took it back");
	for (r = c->runs; r != NULL; r = next) {
		next = r->next;
		if (r->state != RUN_ENDED && strcmp(r->hash, hash) == 0)
			stop_run(r, &why);
	}
}

void
core_run_front_gone(struct core *c)
{
	struct core_run *r, *next;

	for (r = c->runs; r != NULL; r = next) {
		next = r->next;
		r->serial = 0;
		if (r->warm != NULL)
			continue;
		if (!r->left)
			leave(r);
		go_if_over(r);
	}
}

void
core_run_dns_gone(struct core *c)
{
	for (struct core_run *r = c->runs; r != NULL; r = r->next)
		if (r->assembly != NULL && r->assembly->machine.resolver)
			kill_machine(r, LAUNCH_CAUSE_STOP);
}

const char *
core_run_state_name(const struct core_run *r)
{
	static const char *const states[] = { "preparing", "queued",
		"recording", "starting", "knocking", "serving", "ended" };

	return states[r->state];
}

struct value *
core_run_list(const struct core *c)
{
	struct value *list = value_new(VALUE_LIST), *v;

	for (const struct core_run *r = c->runs; r != NULL; r = r->next) {
		v = value_add(list, value_new(VALUE_MAP));
		value_set_text(v, "run", r->id);
		value_set_text(v, "item_hash", r->hash);
		value_set_text(v, "trigger", r->kind);
		value_set_text(v, "state", core_run_state_name(r));
		if (r->warm != NULL)
			value_set_int(v, "calls", r->ncalls);
		value_set_int(v, "started_ns", (int64_t)r->started_ns);
	}
	return list;
}

void
core_run_fini(struct core *c)
{
	struct core_run *r;

	while ((r = c->runs) != NULL) {
		if (!r->failed && !r->ran) {
			r->failed = true;
			err_set(&r->why, ERR_SYSTEM,
			    "the node stopped before it ended");
		}
		if (r->state == RUN_RECORDING) {
			core_audit_forget(&c->audit, r);
			r->recorded = true;
		}
		core_run_end_free(r);
	}
}
