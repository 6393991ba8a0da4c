#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "runtime/core.h"
#include "runtime/core_session.h"
#include "runtime/core_session_machine.h"
#include "runtime/core_session_work.h"
#include "runtime/session_view.h"

/* ---- one of them ---- */

struct core_session *
core_session_new(struct core_sessions *all, struct session *s)
{
	struct core_session *cs = calloc(1, sizeof(*cs));

	invariant(cs != NULL);
	*cs = (struct core_session){ .of = all,
		.session = s,
		.next = all->first,
		.phase = CORE_SESSION_STOPPED,
		.tree = -1,
		.message = -1,
		.done_of = -1 };
	all->first = cs;
	session_ops_set(s, cs);
	return cs;
}

void
core_session_free(struct core_session *cs)
{
	struct core_session **at = &cs->of->first;
	char said[SHA256_HEX];

	while (*at != cs)
		at = &(*at)->next;
	*at = cs->next;
	loop_timer_stop(cs->of->core->loop, &cs->timer);
	loop_timer_stop(cs->of->core->loop, &cs->taint);
	loop_timer_stop(cs->of->core->loop, &cs->settling);
	core_files_forget(&cs->of->files, cs);
	if (cs->gone != NULL)
		*cs->gone = true;
	core_session_end_load(cs);
	if (cs->machine != NULL)
		core_session_machine_leave(cs->machine);
	core_session_replay_end(cs);
	core_session_record_end(cs);
	if (cs->said != NULL)
		sha256_end(cs->said, said);
	if (cs->holds)
		quota_give(&cs->of->core->queue.quota, &cs->need);
	if (cs->assembly != NULL)
		core_program_give_back(cs->assembly);
	fd_close(&cs->tree);
	buf_fini(&cs->tx);
	buf_fini(&cs->held);
	free(cs->refs);
	free(cs);
}

static void
forget(void *owner, struct session *s)
{
	(void)owner;
	if (session_ops_get(s) != NULL)
		core_session_free(session_ops_get(s));
}

/* ---- time ---- */

static uint64_t
now(void *owner)
{
	(void)owner;
	return clock_mono_ns();
}

static void
tell_time(void *arg)
{
	struct core_session *cs = arg;

	/* What runs again has time of its own: core_session_replay.c. */
	if (cs->replay == NULL)
		session_tell_time(cs->session);
}

static void
set_timer(void *owner, struct session *s, uint64_t at)
{
	struct core_sessions *all = owner;
	struct core_session *cs = session_ops_get(s);

	if (cs == NULL) /* it is set before anything is loaded */
		cs = core_session_new(all, s);
	if (at == UINT64_MAX)
		loop_timer_stop(all->core->loop, &cs->timer);
	else
		loop_timer_set(all->core->loop, &cs->timer, at, tell_time, cs);
}

/* ---- all of them ---- */

static const struct session_ops ops = {
	.now = now,
	.set_timer = set_timer,
	.cycles = core_session_cycles,
	.load = core_session_load,
	.give = core_session_give,
	.go_on = core_session_go_on,
	.weigh = core_session_weigh,
	.apply = core_session_apply,
	.discard = core_session_discard,
	.store = core_session_store,
	.stop = core_session_stop,
	.keep_session = core_session_keep_session,
	.keep_input = core_session_keep_input,
	.keep_done = core_session_keep_done,
	.keep_epoch = core_session_keep_epoch,
	.keep_taint = core_session_keep_taint,
	.keep_end = core_session_keep_end,
	.forget = forget,
};

/* What was open with the process before. */
static void
files_are_back(void *arg)
{
	struct core_sessions *all = arg;

	for (struct core_session *cs = all->first; cs != NULL; cs = cs->next)
		if (cs->tree != -1)
			core_session_reopen(cs);
}

void
core_sessions_open(struct core_sessions *all, struct core *c)
{
	*all = (struct core_sessions){ .core = c };
	core_files_init(&all->files, c->loop, files_are_back, all);
	all->all = session_open(&ops, all);
}

void
core_sessions_close(struct core_sessions *all)
{
	core_sessions_front_gone(all);
	if (all->all != NULL)
		session_close(all->all);
	core_session_machine_fini(all->core);
	core_files_close(&all->files);
}

void
core_session_count(const struct core_sessions *all, uint64_t *sessions,
    uint64_t *tainted, uint64_t *pending)
{
	const struct session *s;

	if (all->all == NULL)
		return;
	for (s = session_view_first(all->all); s != NULL;
	     s = session_view_next(s)) {
		++*sessions;
		*tainted += session_view_taint(s)->status != GRPC_OK;
		*pending += session_view_pending(s);
	}
}

int
core_sessions_attach(struct core_sessions *all, int sock, struct err *e)
{
	if (core_files_attach(&all->files, sock, e) == -1)
		return -1;
	if (all->restored)
		return 0;
	all->restored = true;
	return core_session_restore(all, e);
}
