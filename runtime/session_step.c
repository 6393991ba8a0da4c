#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "runtime/session_work.h"

#define MS UINT64_C(1000000)
#define PAUSE_NS (1000 * MS) /* until what could not be kept is tried again */

/* ---- time ---- */

void
session_step_timer(struct session *s, uint64_t at_ns)
{
	s->all->ops->set_timer(s->all->owner, s, at_ns);
}

uint64_t
session_step_after(uint64_t ns, uint64_t ms)
{
	return clock_add(ns, ms > UINT64_MAX / MS ? UINT64_MAX : ms * MS);
}

static uint64_t
now(const struct session *s)
{
	return s->all->ops->now(s->all->owner);
}

static void
set_deadline(struct session *s, uint64_t ms)
{
	session_step_timer(s, session_step_after(now(s), ms));
}

static void
set_run_timer(struct session *s, uint64_t at, uint64_t cycles)
{
	session_step_timer(s,
	    clock_add(at, session_run_wait(&s->run, at, cycles)));
}

/* ---- the machine gets something ---- */

static void
begin_run(struct session *s)
{
	const struct session_deadlines *d = &s->deadlines;
	const struct session_cycles *c = &s->cycles;
	uint64_t at = now(s), cycles = s->all->ops->cycles(s->all->owner, s);

	s->run = s->is_query
	    ? (struct session_run){ .max = c->max_inspect,
		      .increment = c->inspect_increment,
		      .deadline_ns = session_step_after(0, d->inspect),
		      .increment_deadline_ns =
			  session_step_after(0, d->inspect_increment) }
	    : (struct session_run){ .max = c->max_advance,
		      .increment = c->advance_increment,
		      .deadline_ns = session_step_after(0, d->advance),
		      .increment_deadline_ns =
			  session_step_after(0, d->advance_increment) };
	session_run_begin(&s->run, at, cycles);
	set_run_timer(s, at, cycles);
}

static void
give(struct session *s, const struct session_input *i)
{
	const struct session_given g = { .request = s->is_query
		    ? SESSION_INSPECT
		    : SESSION_ADVANCE,
		.metadata = i->metadata,
		.payload = i->payload,
		.len = i->len };

	processed_reset(&s->result);
	session_memory_begin(&s->next_memory, &s->memory, &g);
	s->state = SESSION_RUNNING;
	begin_run(s);
	s->all->ops->give(s->all->owner, s, &g);
}

void
session_step(struct session *s)
{
	if (s->state != SESSION_IDLE)
		return;
	session_step_timer(s, UINT64_MAX);
	if (s->store_to != NULL) {
		session_finish_store(s);
	} else if (s->query != NULL) {
		s->is_query = true;
		give(s, s->query);
	} else if (s->inputs != NULL) {
		give(s, s->inputs);
	}
}

/* ---- what it made of it ---- */

static void
discard(struct session *s)
{
	s->state = SESSION_DISCARDING;
	set_deadline(s, s->deadlines.checkin);
	s->all->ops->discard(s->all->owner, s);
}

static void
skip(struct session *s, enum processed_status why)
{
	s->result.status = why;
	discard(s);
}

void
session_step_yielded(struct session *s, const struct session_yield *y)
{
	uint64_t at = now(s), cycles;

	cycles = s->all->ops->cycles(s->all->owner, s);
	if (session_run_look(&s->run, at, cycles, true) == SESSION_RUN_CYCLES) {
		skip(s, PROCESSED_CYCLES);
		return;
	}
	switch (session_yield_take(s, y)) {
	case SESSION_GOES_ON:
		session_run_go_on(&s->run, at, cycles);
		set_run_timer(s, at, cycles);
		s->all->ops->go_on(s->all->owner, s);
		break;
	case SESSION_ACCEPTS:
		s->state = SESSION_WEIGHING;
		set_deadline(s, s->deadlines.machine);
		s->all->ops->weigh(s->all->owner, s);
		break;
	case SESSION_SKIPS:
		discard(s);
		break;
	case SESSION_TAINTS:
		break;
	}
}

void
session_step_halted(struct session *s)
{
	uint64_t cycles = s->all->ops->cycles(s->all->owner, s);

	skip(s,
	    session_run_look(&s->run, now(s), cycles, true) ==
		    SESSION_RUN_CYCLES
		? PROCESSED_CYCLES
		: PROCESSED_HALTED);
}

/* ---- an input is done ---- */

void
session_step_add_done(struct session *s, struct session_done *d)
{
	struct session_epoch *e = s->active;

	if (e->ndone == e->size) {
		e->size = e->size == 0 ? 16 : 2 * e->size;
		e->done = realloc(e->done, e->size * sizeof(*e->done));
		invariant(e->done != NULL);
	}
	merkle_epoch_add(&e->vouchers, &d->leaf[PROCESSED_VOUCHER]);
	merkle_epoch_add(&e->notices, &d->leaf[PROCESSED_NOTICE]);
	e->machine = d->machine;
	e->done[e->ndone++] = *d;
}

/* On the disk first, and then at once for all to see. */
static bool
publish(struct session *s, struct session_done *d, const struct buf *content)
{
	struct session_input *i = s->inputs;
	struct err why;

	if (s->all->ops->keep_done(s->all->owner, s, d, content, &why) == -1) {
		buf_fini(&d->body);
		return false;
	}
	session_step_add_done(s, d);
	s->inputs = i->next;
	if (s->inputs == NULL)
		s->last_input = &s->inputs;
	s->pending--;
	free(i);
	return true;
}

/* Nothing of it is left, and it is tried again. */
static void
pause(struct session *s)
{
	s->state = SESSION_PAUSING;
	session_step_timer(s, now(s) + PAUSE_NS);
}

static void
end_skipped(struct session *s)
{
	struct session_done d = { .status = s->result.status,
		.machine = s->active->machine };

	processed_put_body(&d.body, &s->result, NULL);
	if (!publish(s, &d, NULL)) {
		pause(s);
		return;
	}
	s->state = SESSION_IDLE;
	session_step(s);
}

void
session_step_later(struct session *s)
{
	s->is_kept_later = true;
	discard(s);
}

void
session_step_weighed(struct session *s, const struct session_parts *parts)
{
	struct session_memory *next = &s->next_memory;
	struct processed_place place[2];
	struct session_done d = { .status = PROCESSED_ACCEPTED };

	session_memory_finish(next, &s->machine, &s->result, parts);
	session_memory_place(next, &s->machine, place);
	d.machine = place[PROCESSED_VOUCHER].in_machine.root;
	d.leaf[PROCESSED_VOUCHER] = next->root[MACHINE_VOUCHERS];
	d.leaf[PROCESSED_NOTICE] = next->root[MACHINE_NOTICES];
	processed_put_body(&d.body, &s->result, place);
	if (!publish(s, &d, next->bytes)) {
		session_step_later(s);
		return;
	}
	session_memory_move(&s->memory, next);
	s->state = SESSION_APPLYING;
	set_deadline(s, s->deadlines.checkin);
	s->all->ops->apply(s->all->owner, s);
}

void
session_step_unfit(struct session *s, const char *text)
{
	processed_set_exception(&s->result, text, strlen(text));
	discard(s);
}

/*
 * The state is as it was after the last accepted input, and so the machine's
 * hash is: of the rest of its memory there is one copy, and it is here.
 */
static bool
is_as_before(struct session *s, const struct session_parts *parts)
{
	if (session_memory_is_same(&s->memory, parts))
		return true;
	session_taint(s, GRPC_INTERNAL,
	    "machine hash is changed after rollback");
	return false;
}

void
session_step_ready(struct session *s, const struct session_parts *parts)
{
	enum session_state state = s->state;

	if (!is_as_before(s, parts))
		return;
	if (s->is_kept_later) {
		s->is_kept_later = false;
		pause(s);
	} else if (state == SESSION_DISCARDING && !s->is_query) {
		end_skipped(s);
	} else {
		s->state = SESSION_IDLE;
		if (state == SESSION_DISCARDING)
			session_inspect_end(s);
		session_step(s);
	}
}

/* ---- what is late ---- */

void
session_step_look(struct session *s)
{
	uint64_t at = now(s), cycles = s->all->ops->cycles(s->all->owner, s);

	switch (session_run_look(&s->run, at, cycles, false)) {
	case SESSION_RUN_GOES_ON:
		set_run_timer(s, at, cycles);
		break;
	case SESSION_RUN_CYCLES:
		skip(s, PROCESSED_CYCLES);
		break;
	case SESSION_RUN_TIME:
		skip(s, PROCESSED_TIME);
		break;
	case SESSION_RUN_LATE:
		session_taint(s, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded");
		break;
	}
}
