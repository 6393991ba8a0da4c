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
#include "runtime/core_drain.h"
#include "runtime/core_run.h"
#include "runtime/dns_msgs.h"
#include "runtime/function_binary.h"
#include "runtime/pipes.h"

/* From the trigger to a machine that can be talked to. */
#define LAUNCH_NS (60 * CLOCK_SECOND)
/* How long a server that does not listen yet is left alone. */
#define RETRY_NS (2 * CLOCK_SECOND / 1000)

enum state {
	RUN_PREPARING, /* its assembly is made */
	RUN_STARTING,  /* CREATE is asked */
	RUN_KNOCKING,  /* its server does not listen yet */
	RUN_ADMITTED,
	RUN_ENDED, /* the machine is gone; its export may be packed yet */
};

struct core_run {
	struct core *core;
	struct core_run *next;
	uint64_t number;
	uint32_t serial; /* of front; 0: nothing more is told */
	bool left;       /* front needs the machine no longer */
	char hash[ITEM_HASH_MAX];
	enum state state;
	uint64_t started_ns;
	struct core_assembly *assembly;
	struct core_machine machine;
	struct loop_timer deadline, retry;
	int to, from;  /* front's ends, until it has them */
	bool knocking; /* a CONNECT is on its way, and comes back to it */
	bool told;     /* ADMITTED or REFUSED was sent */
	struct core_drain out, err;
	struct launch_created created;
	struct launch_exited exited;
};

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
free_run(struct core_run *r)
{
	struct core *c = r->core;
	struct core_run **at = &c->runs;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	c->nruns--;
	loop_timer_stop(c->loop, &r->deadline);
	loop_timer_stop(c->loop, &r->retry);
	core_launcher_unfollow(&c->launcher, &r->machine);
	core_drain_close(&r->out);
	core_drain_close(&r->err);
	fd_close(&r->to);
	fd_close(&r->from);
	if (r->assembly != NULL)
		core_program_give_back(r->assembly);
	free(r);
	core_run_is_over(c);
}

static void
tell_refused(struct core_run *r, const struct err *why)
{
	buf_auto struct buf b = { 0 };

	if (r->told)
		return;
	r->told = true;
	front_msgs_put_refused(&b, why, NULL);
	if (r->serial != 0)
		frame_link_send(&r->core->front, FRONT_REFUSED, r->serial, &b,
		    NULL, 0);
	r->serial = 0;
	/* Anybody can ask for what is not there, as often as he likes. */
	if (why->code != ERR_NOT_FOUND)
		core_log("%s: run %" PRIu64 ": refused: %s", r->hash, r->number,
		    why->text);
}

static void
kill_machine(struct core_run *r, enum launch_cause cause)
{
	if (r->machine.serial != 0)
		core_launcher_kill(&r->core->launcher, r->machine.serial,
		    cause);
}

/* Nothing runs, or what runs must end: the end of the machine is the run's. */
static void
give_up(struct core_run *r, const struct err *why)
{
	tell_refused(r, why);
	r->left = true;
	if (r->state == RUN_PREPARING)
		return; /* its assembly comes yet, and ends it */
	if (r->machine.serial == 0)
		free_run(r);
	else
		kill_machine(r, LAUNCH_CAUSE_STOP);
}

/* ---- what a machine writes beside its work ---- */

static void finish_if_over(struct core_run *r);

static void
wrote_too_much(void *arg)
{
	kill_machine(arg, LAUNCH_CAUSE_OUTPUT);
}

static void
stream_over(void *arg)
{
	finish_if_over(arg);
}

/* fd is taken over. */
static int
start_drain(struct core_run *r, struct core_drain *d, int fd,
    enum grant_limit limit, struct err *e)
{
	return core_drain_start(d, r->core->loop, fd,
	    r->assembly->machine.grant.limit[limit], wrote_too_much,
	    stream_over, r, e);
}

/* ---- the end ---- */

static void
log_end(const struct core_run *r)
{
	static const char *const causes[LAUNCH_CAUSES] = { "", ", wall time",
		", cpu time", ", output", ", stopped", ", disk" };
	static const char *const ends[LAUNCH_ENDS] = { "exit", "signal",
		"no exec", "no start", "lost" };
	const struct launch_exited *x = &r->exited;
	char *tail = str_printable(r->err.tail, r->err.len, CORE_DRAIN_TAIL);
	bool well = x->end == LAUNCH_END_EXIT && x->code == 0;

	core_log("%s: run %" PRIu64 ": %s %u%s%s, %.1f ms, %.1f MiB%s%s",
	    r->hash, r->number, ends[x->end], x->code, causes[x->cause],
	    x->oom_kills > 0 ? ", out of memory" : "", (double)x->wall_ns / 1e6,
	    (double)x->memory_peak / (1 << 20),
	    well || r->err.len == 0 ? "" : ": ",
	    well || r->err.len == 0 ? "" : tail);
	free(tail);
}

static void
packed(void *arg, struct frame *f, const struct err *why, const char *problems)
{
	struct core_run *r = arg;
	char digest[65];

	(void)problems;
	if (f == NULL) {
		core_log("%s: run %" PRIu64 ": export: %s", r->hash, r->number,
		    why->text);
	} else {
		buf_get_str(&f->body, digest, sizeof(digest));
		core_log("%s: run %" PRIu64 ": export %s", r->hash, r->number,
		    digest);
	}
	free_run(r);
}

/* Every task is dead, and what they wrote is read. */
static void
finish_if_over(struct core_run *r)
{
	buf_auto struct buf b = { 0 };

	if (r->state != RUN_ENDED || r->knocking || r->out.fd != -1 ||
	    r->err.fd != -1)
		return;
	log_end(r);
	if (!r->assembly->facts.has_export ||
	    r->exited.end != LAUNCH_END_EXIT) {
		free_run(r);
		return;
	}
	if (!core_prepare_holds(&r->core->prepare, &r->assembly->made)) {
		core_log("%s: run %" PRIu64 ": export: the preparer that held "
			 "it is gone",
		    r->hash, r->number);
		free_run(r);
		return;
	}
	buf_put_u32(&b, r->assembly->made.serial);
	core_prepare_ask(&r->core->prepare,
	    &(struct core_prepare_ask){ .type = PREPARE_PACK,
		.body = &b,
		.fd = -1,
		.bound = &r->assembly->made },
	    packed, r);
}

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
	r->state = RUN_ENDED;
	loop_timer_stop(r->core->loop, &r->deadline);
	loop_timer_stop(r->core->loop, &r->retry);
	forget_names(r);
	if (!r->told) {
		err_set(&why, ERR_GUEST, "the machine ended before it served");
		tell_refused(r, &why);
	}
	front_msgs_put_ended(&b, &end);
	if (r->serial != 0)
		frame_link_send(&r->core->front, FRONT_ENDED, r->serial, &b,
		    NULL, 0);
	r->serial = 0;
	finish_if_over(r);
}

/* ---- the start ---- */

static void
admit(struct core_run *r)
{
	const struct front_admitted a = { r->assembly->facts.interface,
		r->assembly->machine.grant.limit[GRANT_BODY] };
	const int fds[2] = { r->to, r->from };
	buf_auto struct buf b = { 0 };

	loop_timer_stop(r->core->loop, &r->deadline);
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
		finish_if_over(r);
	} else if (r->left) {
		kill_machine(r, LAUNCH_CAUSE_STOP);
	} else if (f != NULL) {
		r->to = fd_take(&f->fds[0]);
		admit(r);
	} else if (why->code == ERR_BUSY) {
		loop_timer_set(r->core->loop, &r->retry,
		    clock_mono_ns() + RETRY_NS, knock, r);
	} else if (why->code != ERR_NOT_FOUND) {
		give_up(r, why); /* else: its end is on its way */
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
		give_up(r, why);
		return;
	}
	launch_msgs_get_created(&f->body, &r->created);
	if (!buf_ok(&f->body) || f->nfds != (m->resolver ? 2 : 1)) {
		err_set(&e, ERR_SYSTEM, "launcher: malformed frame");
		give_up(r, &e);
		return;
	}
	serve_names(r, f);
	if (r->left) {
		kill_machine(r, LAUNCH_CAUSE_STOP);
	} else if (r->assembly->facts.interface == ALEPH_BINARY) {
		r->state = RUN_KNOCKING;
		knock(r);
	} else {
		admit(r);
	}
}

/* The machine's ends; closed once they are passed on. */
struct ends {
	int in, out, err, channel_in, channel_out;
};

static int
make_ends(struct core_run *r, struct ends *t, struct err *e)
{
	enum aleph_interface kind = r->assembly->facts.interface;
	int out = -1, err = -1;

	if (kind == ALEPH_EXEC) {
		if (pipes_make(&t->in, &r->to, false, e) == -1 ||
		    pipes_make(&r->from, &t->out, true, e) == -1)
			return -1;
	} else {
		t->in = pipes_nothing(e);
		if (t->in == -1 || pipes_make(&out, &t->out, true, e) == -1 ||
		    start_drain(r, &r->out, out, GRANT_STDOUT, e) == -1)
			return -1;
	}
	if (pipes_make(&err, &t->err, true, e) == -1 ||
	    start_drain(r, &r->err, err, GRANT_STDERR, e) == -1)
		return -1;
	if (kind == ALEPH_ASGI &&
	    (pipes_make(&t->channel_in, &r->to, false, e) == -1 ||
		pipes_make(&r->from, &t->channel_out, true, e) == -1))
		return -1;
	return 0;
}

static size_t
list_fds(const struct core_run *r, const struct ends *t, int fds[FRAME_FDS_MAX])
{
	const struct core_assembly *a = r->assembly;
	size_t n = 0;

	fds[n++] = t->in;
	fds[n++] = t->out;
	fds[n++] = t->err;
	fds[n++] = a->args;
	if (a->machine.channel) {
		fds[n++] = t->channel_in;
		fds[n++] = t->channel_out;
	}
	for (size_t i = 0; i < a->machine.nmounts; i++)
		if (a->machine.mount[i].kind != MACHINE_TMPFS)
			fds[n++] = a->source[i];
	return n;
}

static int
create(struct core_run *r, struct err *e)
{
	struct ends t = { -1, -1, -1, -1, -1 };
	struct core_launcher *l = &r->core->launcher;
	buf_auto struct buf b = { 0 };
	int fds[FRAME_FDS_MAX];
	int status = make_ends(r, &t, e);

	if (status == 0) {
		buf_put_u32(&b, r->assembly->tenant->number);
		machine_put(&b, &r->assembly->machine);
		core_launcher_follow(l, &r->machine,
		    core_launcher_next_serial(l), ended, r);
		core_launcher_ask(l, LAUNCH_CREATE, r->machine.serial, &b, fds,
		    list_fds(r, &t, fds), created, r);
	}
	fd_close(&t.in);
	fd_close(&t.out);
	fd_close(&t.err);
	fd_close(&t.channel_in);
	fd_close(&t.channel_out);
	return status;
}

static void
assembled(void *arg, struct core_assembly *a, const struct err *cause)
{
	struct core_run *r = arg;
	struct err why;

	r->assembly = a;
	r->state = RUN_STARTING;
	if (a == NULL)
		why = *cause;
	else if (r->left)
		err_set(&why, ERR_TIMEOUT, "nobody waits for it any more");
	else if (!a->facts.on_http)
		err_set(&why, ERR_DENIED,
		    "on.http is false: it takes no calls over HTTP");
	else if (a->machine.resolver && r->core->dns.sock == -1)
		err_set(&why, ERR_BUSY, "the resolver starts again");
	else if (create(r, &why) == 0)
		return;
	give_up(r, &why);
}

static void
too_late(void *arg)
{
	struct err why;

	err_set(&why, ERR_TIMEOUT, "it did not start in %u s",
	    (unsigned)(LAUNCH_NS / CLOCK_SECOND));
	give_up(arg, &why);
}

static void
refuse_at_once(struct core *c, uint32_t serial, const struct err *why)
{
	buf_auto struct buf b = { 0 };

	front_msgs_put_refused(&b, why, NULL);
	frame_link_send(&c->front, FRONT_REFUSED, serial, &b, NULL, 0);
}

void
core_run_start(struct core *c, uint32_t serial, const char *hash)
{
	struct core_run *r;
	struct err why;

	if (c->draining || c->nruns >= CORE_RUNS_MAX) {
		err_set(&why, ERR_BUSY,
		    c->draining ? "the node is about to stop"
				: "%d functions run already",
		    CORE_RUNS_MAX);
		refuse_at_once(c, serial, &why);
		return;
	}
	r = calloc(1, sizeof(*r));
	invariant(r != NULL);
	*r = (struct core_run){ .core = c,
		.next = c->runs,
		.number = ++c->last_run,
		.serial = serial,
		.started_ns = clock_real_ns(),
		.to = -1,
		.from = -1,
		.out = CORE_DRAIN_CLOSED,
		.err = CORE_DRAIN_CLOSED };
	str_copy(r->hash, sizeof(r->hash), hash);
	c->runs = r;
	c->nruns++;
	loop_timer_set(c->loop, &r->deadline, clock_mono_ns() + LAUNCH_NS,
	    too_late, r);
	core_program_want(&c->programs, hash, assembled, r);
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

void
core_run_left(struct core *c, uint32_t serial)
{
	struct core_run *r = find(c, serial);

	if (r != NULL)
		leave(r);
}

void
core_run_front_gone(struct core *c)
{
	for (struct core_run *r = c->runs; r != NULL; r = r->next)
		if (!r->left) {
			r->serial = 0;
			leave(r);
		}
}

void
core_run_dns_gone(struct core *c)
{
	for (struct core_run *r = c->runs; r != NULL; r = r->next)
		if (r->assembly != NULL && r->assembly->machine.resolver)
			kill_machine(r, LAUNCH_CAUSE_STOP);
}

struct value *
core_run_list(const struct core *c)
{
	static const char *const states[] = { "preparing", "starting",
		"knocking", "serving", "ended" };
	struct value *list = value_new(VALUE_LIST), *v;

	for (const struct core_run *r = c->runs; r != NULL; r = r->next) {
		v = value_add(list, value_new(VALUE_MAP));
		value_set_int(v, "run", (int64_t)r->number);
		value_set_text(v, "item_hash", r->hash);
		value_set_text(v, "state", states[r->state]);
		value_set_int(v, "started_ns", (int64_t)r->started_ns);
	}
	return list;
}

void
core_run_fini(struct core *c)
{
	while (c->runs != NULL)
		free_run(c->runs);
}
