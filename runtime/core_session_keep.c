#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"
#include "runtime/core.h"
#include "runtime/core_session_work.h"
#include "runtime/journal_session.h"
#include "runtime/session_restore.h"
#include "runtime/session_view.h"

static struct journal *
journal_of(void *owner)
{
	struct core_sessions *all = owner;

	return all->core->journal;
}

int
core_session_keep_session(void *owner, struct session *s, struct err *e)
{
	struct core_session *cs = session_ops_get(s);
	const struct journal_session x = { .number = cs->number,
		.id = session_view_id(s),
		.machine = session_view_machine(s),
		.cycles = *session_view_cycles(s),
		.deadlines = *session_view_deadlines(s),
		.refs = cs->refs,
		.epoch = session_view_active(s)->index,
		.hash = &session_view_active(s)->machine,
		.content = session_view_content(s) };

	if (journal_add_session(journal_of(owner), &x, e) == -1)
		return -1;
	cs->kept = true;
	core_log("session %s: started, of %s", x.id, cs->hash);
	return 0;
}

int
core_session_keep_input(void *owner, struct session *s,
    const struct session_given *g, struct err *e)
{
	struct core_session *cs = session_ops_get(s);

	return journal_add_input(journal_of(owner), cs->number, g, e);
}

int
core_session_keep_done(void *owner, struct session *s,
    const struct session_done *d, const struct buf content[MACHINE_RANGES],
    struct err *e)
{
	struct core_session *cs = session_ops_get(s);
	char outputs[SHA256_HEX] = "";
	const bool kept = content != NULL && cs->memory_kept;

	if (kept) {
		sha256_end(cs->said, outputs);
		cs->said = NULL;
	}
	if (journal_add_done(journal_of(owner), cs->number,
		session_view_active(s)->index, d, content,
		kept ? outputs : NULL, e) == -1) {
		core_log("session %s: %s", session_view_id(s), e->text);
		return -1;
	}
	cs->accepted += content != NULL;
	cs->of->core->metrics.inputs[d->status]++;
	return 0;
}

int
core_session_keep_epoch(void *owner, struct session *s, struct err *e)
{
	struct core_session *cs = session_ops_get(s);
	const struct session_epoch *a = session_view_active(s);

	return journal_add_epoch(journal_of(owner), cs->number, a->index + 1,
	    &a->machine, e);
}

/* A full disk may have room again; it has not ended meanwhile, for then it is
 * forgotten. */
static void
write_taint(void *arg)
{
	struct core_session *cs = arg;
	struct core *c = cs->of->core;
	struct err e;

	if (journal_taint_session(c->journal, cs->number,
		session_view_taint(cs->session), &e) == 0)
		return;
	core_log("session %s: %s", session_view_id(cs->session), e.text);
	loop_timer_set(c->loop, &cs->taint, clock_mono_ns() + CLOCK_SECOND,
	    write_taint, cs);
}

void
core_session_keep_taint(void *owner, struct session *s,
    const struct session_taint *t)
{
	(void)owner;
	core_log("session %s: tainted: %s", session_view_id(s), t->text);
	write_taint(session_ops_get(s));
}

int
core_session_keep_end(void *owner, struct session *s, struct err *e)
{
	struct core_session *cs = session_ops_get(s);
	buf_auto struct buf b = { 0 };

	if (journal_end_session(journal_of(owner), cs->number, e) == -1)
		return -1;
	cs->ended = true;
	core_log("session %s: ended", session_view_id(s));
	if (cs->phase != CORE_SESSION_STOPPED)
		return 0; /* its state goes when it stops */
	buf_put_u64(&b, cs->number);
	buf_put_u8(&b, true);
	core_files_ask(&cs->of->files,
	    &(struct core_files_ask){ .type = FILES_CLOSE,
		.answer = FILES_CLOSED,
		.body = &b },
	    NULL, NULL);
	return 0;
}

/* ---- after a restart ---- */

struct restoring {
	struct core_sessions *all;
	struct session *session;
};

static int
restore_session(void *arg, const struct journal_session *x, uint64_t accepted,
    const struct session_taint *taint, struct err *e)
{
	struct restoring *r = arg;
	const struct session_image image = { .id = x->id,
		.machine = x->machine,
		.cycles = x->cycles,
		.deadlines = x->deadlines,
		.taint = taint,
		.content = x->content };
	struct core_session *cs;

	r->session = session_restore(r->all->all, &image);
	if (r->session == NULL)
		return err_set(e, ERR_SYSTEM,
		    "journal: session %s: it is there twice", x->id);
	cs = core_session_new(r->all, r->session);
	cs->number = x->number;
	cs->accepted = accepted;
	cs->refs = str_dup(x->refs);
	cs->kept = true;
	return 0;
}

static int
restore_epoch(void *arg, uint64_t index, const struct merkle_hash *h)
{
	struct restoring *r = arg;

	session_restore_epoch(r->session, index, h);
	return 0;
}

static int
restore_done(void *arg, const struct session_done *d)
{
	struct restoring *r = arg;

	session_restore_done(r->session, d);
	return 0;
}

static int
restore_input(void *arg, const struct rollup_metadata *m, const void *payload,
    size_t len)
{
	struct restoring *r = arg;

	session_restore_input(r->session, m, payload, len);
	return 0;
}

static int
restore_end(void *arg)
{
	struct restoring *r = arg;

	session_restore_end(r->session);
	return 0;
}

int
core_session_restore(struct core_sessions *all, struct err *e)
{
	static const struct journal_session_reader fns = { restore_session,
		restore_epoch, restore_done, restore_input, restore_end };
	struct restoring r = { .all = all };

	return journal_each_session(all->core->journal, &fns, &r, e);
}
