#include "base/err.h"
#include "base/fd.h"
#include "messages/frame.h"
#include "runtime/core.h"
#include "runtime/core_session_machine.h"
#include "runtime/core_session_work.h"
#include "runtime/machine_dir.h"
#include "runtime/session_view.h"

static void
ask_number(struct core_session *cs, enum files_type type,
    enum files_type answer, bool with_layer, core_files_fn *fn, void *arg)
{
	int layer = with_layer ? core_session_machine_layer(cs->machine) : -1;
	buf_auto struct buf b = { 0 };

	buf_put_u64(&b, cs->number);
	if (type == FILES_APPLY)
		buf_put_u64(&b, cs->accepted);
	core_files_ask(&cs->of->files,
	    &(struct core_files_ask){ .type = type,
		.answer = answer,
		.body = &b,
		.fds = &layer,
		.nfds = with_layer },
	    fn, arg);
}

static void
weighed(void *arg, struct frame *f, const struct err *why)
{
	struct core_session *cs = arg;
	struct session_parts parts;

	cs->phase = CORE_SESSION_WEIGHED;
	if (f != NULL && core_session_get_parts(&f->body, &parts)) {
		cs->parts = parts;
		session_tell_weighed(cs->session, &parts);
	} else if (f == NULL &&
	    (why->code == ERR_GUEST || why->code == ERR_QUOTA)) {
		session_tell_unfit(cs->session, why->text);
	} else if (f == NULL && why->code == ERR_SYSTEM) {
		core_log("session %s: %s", session_view_id(cs->session),
		    why->text);
		session_tell_later(cs->session);
	} else {
		session_tell_died(cs->session, GRPC_UNAVAILABLE,
		    f == NULL ? why->text : "cella-files: malformed frame");
	}
}

void
core_session_ask_peek(struct core_session *cs, core_files_fn *fn, void *arg)
{
	ask_number(cs, FILES_PEEK, FILES_PEEKED, true, fn, arg);
}

void
core_session_ask_weigh(struct core_session *cs)
{
	cs->phase = CORE_SESSION_WEIGHING;
	if (cs->memory_kept)
		core_session_ask_peek(cs, weighed, cs);
	else
		ask_number(cs, FILES_WEIGH, FILES_WEIGHED, true, weighed, cs);
}

void
core_session_weigh(void *owner, struct session *s)
{
	struct core_session *cs = session_ops_get(s);

	(void)owner;
	if (!cs->has_state) {
		cs->phase = CORE_SESSION_WEIGHED;
		session_tell_weighed(s, &cs->parts);
	} else if (cs->memory_kept) {
		core_session_ask_weigh(cs);
	} else {
		cs->phase = CORE_SESSION_FREEZING;
		if (!core_session_copies_freeze(cs))
			core_session_machine_kill(cs->machine);
	}
}

static void
go_on(struct core_session *cs)
{
	if (cs->machine != NULL)
		core_session_copies_settle(cs);
	else
		core_session_start_machine(cs, CORE_SESSION_STARTING);
}

/* It is the state now, or it is gone; either way the next input may come. */
static void
settled(void *arg, struct frame *f, const struct err *why)
{
	struct core_session *cs = arg;

	if (f != NULL && core_session_get_parts(&f->body, &cs->parts))
		go_on(cs);
	else
		session_tell_died(cs->session, GRPC_UNAVAILABLE,
		    f == NULL ? why->text : "cella-files: malformed frame");
}

static void
settle(struct core_session *cs, enum files_type type, enum files_type answer)
{
	if (!core_session_copies_undo(cs))
		core_session_leave_machine(cs);
	if (!cs->has_state || cs->memory_kept) {
		go_on(cs);
		return;
	}
	cs->phase = CORE_SESSION_APPLYING;
	ask_number(cs, type, answer, false, settled, cs);
}

void
core_session_apply(void *owner, struct session *s)
{
	struct core_session *cs = session_ops_get(s);

	(void)owner;
	if (cs->memory_kept && cs->machine != NULL)
		core_session_go_on_waiting(cs);
	else
		settle(cs, FILES_APPLY, FILES_APPLIED);
}

void
core_session_discard(void *owner, struct session *s)
{
	(void)owner;
	settle(session_ops_get(s), FILES_DISCARD, FILES_DISCARDED);
}

/* ---- it is stored, and stops ---- */

static void
stored(void *arg, struct frame *f, const struct err *why)
{
	struct core_session *cs = arg;

	session_tell_stored(cs->session, f != NULL ? GRPC_OK : GRPC_ABORTED,
	    f != NULL ? "" : why->text);
}

void
core_session_store(void *owner, struct session *s, const char *directory)
{
	struct core_session *cs = session_ops_get(s);
	buf_auto struct buf b = { 0 }, content = { 0 };
	struct err e;
	int fd, layer = -1;

	(void)owner;
	machine_dir_put_content(&content, session_view_content(s));
	fd = fd_sealed("content", content.data, content.len, &e);
	if (fd == -1) {
		session_tell_stored(s, GRPC_ABORTED, e.text);
		return;
	}
	if (cs->memory_kept && cs->has_state)
		layer = core_session_machine_layer(cs->machine);
	buf_put_u64(&b, cs->number);
	buf_put_str(&b, directory);
	core_files_ask(&cs->of->files,
	    &(struct core_files_ask){ .type = FILES_STORE,
		.answer = FILES_STORED,
		.body = &b,
		.fds = (const int[]){ fd, layer },
		.nfds = layer == -1 ? 1 : 2 },
	    stored, cs);
	fd_close(&fd);
}

/* What the state of one that was never kept, or has ended, was in, goes. */
static void
close_files(struct core_session *cs)
{
	buf_auto struct buf b = { 0 };

	core_files_forget(&cs->of->files, cs);
	fd_close(&cs->tree);
	buf_put_u64(&b, cs->number);
	buf_put_u8(&b, !cs->kept || cs->ended);
	core_files_ask(&cs->of->files,
	    &(struct core_files_ask){ .type = FILES_CLOSE,
		.answer = FILES_CLOSED,
		.body = &b },
	    NULL, NULL);
}

void
core_session_stop(void *owner, struct session *s)
{
	struct core_session *cs = session_ops_get(s);
	struct core *c = cs->of->core;

	(void)owner;
	core_session_leave_machine(cs);
	core_session_record_end(cs);
	core_session_end_load(cs);
	cs->phase = CORE_SESSION_STOPPED;
	close_files(cs);
	if (cs->holds)
		quota_give(&c->queue.quota, &cs->need);
	cs->holds = false;
	session_tell_stopped(s);
}
