/*
 * Memory that lasts: a machine that is started anew is given what the session's
 * machine has accepted since it was started, and must put out the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/sha256.h"
#include "runtime/core.h"
#include "runtime/core_session_machine.h"
#include "runtime/core_session_work.h"
#include "runtime/journal_session.h"
#include "runtime/session_view.h"

struct core_session_again {
	struct core_session *of;
	struct journal_kept input;
	struct sha256 *said;
	struct loop_timer timer; /* for one input */
	bool peeking;            /* what all of them made of its state */
};

void
core_session_replay_end(struct core_session *cs)
{
	struct core_session_again *r = cs->replay;
	char ignored[SHA256_HEX];

	if (r == NULL)
		return;
	cs->replay = NULL;
	loop_timer_stop(cs->of->core->loop, &r->timer);
	core_files_forget(&cs->of->files, r);
	if (r->said != NULL)
		sha256_end(r->said, ignored);
	buf_fini(&r->input.payload);
	free(r);
}

void
core_session_replay_differs(struct core_session *cs, const char *how)
{
	char text[SESSION_TEXT];

	snprintf(text, sizeof(text),
	    "the application is not deterministic: input %llu of epoch %llu "
	    "%s when it ran again",
	    (unsigned long long)cs->replay->input.metadata.input_index,
	    (unsigned long long)cs->replay->input.metadata.epoch_index, how);
	session_tell_died(cs->session, GRPC_INTERNAL, text);
}

static void
too_late(void *arg)
{
	struct core_session_again *r = arg;

	core_session_replay_differs(r->of, "took too long");
}

/* ---- its state ---- */

static void
peeked(void *arg, struct frame *f, const struct err *why)
{
	struct core_session_again *r = arg;
	struct core_session *cs = r->of;

	if (f == NULL)
		session_tell_died(cs->session, GRPC_UNAVAILABLE, why->text);
	else if (!core_session_get_parts(&f->body, &cs->parts))
		session_tell_died(cs->session, GRPC_UNAVAILABLE,
		    "cella-files: malformed frame");
	else
		core_session_replayed(cs); /* the session compares */
}

static void
peek(struct core_session *cs)
{
	loop_timer_stop(cs->of->core->loop, &cs->replay->timer);
	if (!cs->has_state) {
		core_session_replayed(cs);
		return;
	}
	cs->replay->peeking = true;
	core_session_ask_peek(cs, peeked, cs->replay);
}

/* ---- its inputs ---- */

/* As long as an input may take, and a second. */
static void
set_timer(struct core_session_again *r)
{
	uint64_t ms = session_view_deadlines(r->of->session)->advance;
	uint64_t ns = ms > UINT64_MAX / 1000000 ? UINT64_MAX : ms * 1000000;

	loop_timer_set(r->of->of->core->loop, &r->timer,
	    clock_add(clock_mono_ns(), clock_add(ns, CLOCK_SECOND)), too_late,
	    r);
}

static void
give(struct core_session *cs)
{
	struct core_session_again *r = cs->replay;
	const struct session_given g = { .request = SESSION_ADVANCE,
		.metadata = r->input.metadata,
		.payload = r->input.payload.data,
		.len = r->input.payload.len };
	struct buf held = cs->held;
	uint32_t kind = cs->held_kind;

	/* What waits to be given when it is ready stays what it is. */
	cs->held = (struct buf){ 0 };
	core_session_say(cs, &g);
	core_session_machine_say(cs->machine, cs->held_kind, NULL, 0,
	    cs->held.data, cs->held.len);
	buf_fini(&cs->held);
	cs->held = held;
	cs->held_kind = kind;
	r->said = sha256_new();
	set_timer(r);
}

static void
next(struct core_session *cs)
{
	struct core_session_again *r = cs->replay;
	struct err e;
	int got = journal_next_kept(cs->of->core->journal, cs->number,
	    r->input.number, &r->input, &e);

	if (got == -1)
		session_tell_died(cs->session, GRPC_UNAVAILABLE, e.text);
	else if (got == 1)
		give(cs);
	else
		peek(cs);
}

void
core_session_replay_begin(struct core_session *cs)
{
	struct core_session_again *r = calloc(1, sizeof(*r));

	invariant(r != NULL);
	r->of = cs;
	cs->replay = r;
	next(cs);
}

/* ---- what it says ---- */

static void
hear_output(struct core_session *cs, const struct channel_frame *f)
{
	const bool voucher = f->kind == CHANNEL_VOUCHER;
	const size_t head = voucher ? ROLLUP_ADDRESS : 0;
	enum channel_done status = f->len < head
	    ? CHANNEL_DONE_NO_ROOM
	    : core_session_check_output(cs, f->kind, f->len - head);
	uint64_t index = 0;

	if (status == CHANNEL_DONE_OK) {
		sha256_add(cs->replay->said, &f->kind, sizeof(f->kind));
		sha256_add(cs->replay->said, &f->len, sizeof(f->len));
		sha256_add(cs->replay->said, f->payload, f->len);
		if (f->kind != CHANNEL_REPORT)
			index = cs->put_out[!voucher]++;
	}
	core_session_say_done(cs, status, index);
}

void
core_session_replay_heard(struct core_session *cs,
    const struct channel_frame *f)
{
	char said[SHA256_HEX];

	if (cs->replay->peeking || cs->replay->said == NULL) {
		core_session_machine_kill(cs->machine);
		return;
	}
	if (f->kind >= CHANNEL_VOUCHER && f->kind <= CHANNEL_REPORT) {
		hear_output(cs, f);
		return;
	}
	sha256_end(cs->replay->said, said);
	cs->replay->said = NULL;
	if (!core_session_accepts(f))
		core_session_replay_differs(cs, "was not accepted");
	else if (strcmp(said, cs->replay->input.outputs) != 0)
		core_session_replay_differs(cs, "put out something else");
	else {
		core_session_copies_begin(cs, f);
		next(cs);
	}
}
