/*
 * Copies (docs/channel.md): a machine that waits has a copy of its process
 * handle what it is given, and is as it was once the copy is gone.  It need not
 * be started again then; in whatever else it does it is ended as any other.
 */
#include "base/clock.h"
#include "base/err.h"
#include "messages/frame.h"
#include "runtime/core.h"
#include "runtime/core_session_machine.h"
#include "runtime/core_session_work.h"
#include "runtime/session_view.h"

/* What a copy left is gone by then, or the machine is. */
#define SETTLE_NS CLOCK_SECOND

bool
core_session_accepts(const struct channel_frame *f)
{
	return f->kind == CHANNEL_FINISH && f->len == 1 &&
	    (f->payload[0] == CHANNEL_ACCEPTS ||
		f->payload[0] == CHANNEL_ACCEPTS_AND_COPIES);
}

void
core_session_copies_begin(struct core_session *cs,
    const struct channel_frame *f)
{
	cs->copies = (cs->zygote || cs->memory_kept) &&
	    f->payload[0] == CHANNEL_ACCEPTS_AND_COPIES;
}

void
core_session_copies_given(struct core_session *cs)
{
	cs->copy_over = cs->copy_undone = cs->settled = false;
}

/* A kept one that accepts an input takes the place of what it is a copy of. */
void
core_session_copies_finished(struct core_session *cs,
    const struct channel_frame *f)
{
	cs->copy_over = true;
	cs->copy_undone =
	    !cs->memory_kept || cs->is_query || !core_session_accepts(f);
	if (!cs->copy_undone)
		core_session_copies_begin(cs, f);
}

/* ---- it goes on ---- */

static void
start_anew(struct core_session *cs)
{
	core_session_start_machine(cs, CORE_SESSION_STARTING);
}

/* What did not count has changed nothing in it, or all runs again. */
static void
peeked(void *arg, struct frame *f, const struct err *why)
{
	struct core_session *cs = arg;
	struct session_parts parts;

	(void)why;
	if (cs->phase != CORE_SESSION_SETTLING)
		return; /* it has ended meanwhile */
	if (f != NULL && core_session_get_parts(&f->body, &parts) &&
	    session_view_is_same(cs->session, &parts))
		core_session_go_on_waiting(cs);
	else
		start_anew(cs);
}

static void
replaced(void *arg, const struct err *e)
{
	struct core_session *cs = arg;

	if (cs->phase != CORE_SESSION_SETTLING)
		return;
	if (e == NULL) {
		core_session_go_on_waiting(cs);
		return;
	}
	core_log("session %s: %s", session_view_id(cs->session), e->text);
	start_anew(cs);
}

static void
go_on(struct core_session *cs)
{
	loop_timer_stop(cs->of->core->loop, &cs->settling);
	if (core_session_machine_is_worn(cs->machine))
		start_anew(cs);
	else if (cs->memory_kept && cs->has_state)
		core_session_ask_peek(cs, peeked, cs);
	else if (cs->has_state)
		core_session_machine_replace(cs->machine, replaced);
	else
		core_session_go_on_waiting(cs);
}

/* ---- it has settled ---- */

static void
too_late(void *arg)
{
	struct core_session *cs = arg;

	core_session_machine_kill(cs->machine);
}

/* The phase says what comes after it. */
static void
await(struct core_session *cs)
{
	loop_timer_set(cs->of->core->loop, &cs->settling,
	    clock_add(clock_mono_ns(), SETTLE_NS), too_late, cs);
}

bool
core_session_copies_undo(const struct core_session *cs)
{
	return cs->copies && cs->copy_over && cs->copy_undone;
}

void
core_session_copies_settle(struct core_session *cs)
{
	cs->phase = CORE_SESSION_SETTLING;
	if (!cs->copies) /* the machine has ended */
		start_anew(cs);
	else if (cs->settled)
		go_on(cs);
	else
		await(cs);
}

bool
core_session_copies_freeze(struct core_session *cs)
{
	if (!core_session_copies_undo(cs))
		return false;
	if (cs->settled)
		core_session_ask_weigh(cs);
	else
		await(cs);
	return true;
}

bool
core_session_copies_settled(struct core_session *cs)
{
	const bool running = cs->phase == CORE_SESSION_RUNNING;

	if (!cs->copies || cs->settled || cs->done_of != -1 ||
	    running == cs->copy_over)
		return false;
	cs->settled = true;
	if (running) { /* it ended, and had not finished */
		cs->copy_over = cs->copy_undone = true;
		session_tell_halted(cs->session);
	} else if (cs->phase == CORE_SESSION_FREEZING) {
		loop_timer_stop(cs->of->core->loop, &cs->settling);
		core_session_ask_weigh(cs);
	} else if (cs->phase == CORE_SESSION_SETTLING) {
		go_on(cs);
	}
	return true;
}

void
core_session_copies_end(struct core_session *cs)
{
	cs->copies = false;
	loop_timer_stop(cs->of->core->loop, &cs->settling);
}
