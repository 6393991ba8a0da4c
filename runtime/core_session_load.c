#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/frame.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/core.h"
#include "runtime/core_session_work.h"
#include "runtime/journal_session.h"
#include "runtime/machine_dir.h"
#include "runtime/session_view.h"

#define AGAIN_NS (CLOCK_SECOND / 10)

bool
core_session_get_parts(struct buf *b, struct session_parts *p)
{
	uint32_t n = buf_get_u32(b);

	*p = (struct session_parts){ .len = 0 };
	if (n > SESSION_PARTS_MAX)
		return false;
	for (; p->len < n; p->len++) {
		struct merkle_part *part = &p->part[p->len];

		part->address = buf_get_u64(b);
		part->log2 = buf_get_u32(b);
		for (size_t i = 0; i < sizeof(part->hash.byte); i++)
			part->hash.byte[i] = buf_get_u8(b);
	}
	return buf_ok(b);
}

/* Every failure of a machine is ABORTED, as clients know it. */
static void
fail(struct core_session *cs, const char *text)
{
	session_tell_failed(cs->session, GRPC_ABORTED, text);
}

/* ---- its message ---- */

static struct core_session_wait *
wait_for(struct core_session *cs)
{
	struct core_session_wait *w = calloc(1, sizeof(*w));

	invariant(w != NULL);
	w->session = cs;
	cs->wait = w;
	return w;
}

void
core_session_end_load(struct core_session *cs)
{
	loop_timer_stop(cs->of->core->loop, &cs->again);
	fd_close(&cs->message);
	if (cs->wait != NULL)
		cs->wait->session = NULL;
	cs->wait = NULL;
}

static struct core_session *
end_wait(struct core_session_wait *w)
{
	struct core_session *cs = w->session;

	if (cs != NULL)
		cs->wait = NULL;
	free(w);
	return cs;
}

static void prepare(void *arg);

/* A preparer that died, or a node that is full, is not the session's fault: it
 * is tried again for as long as its deadline lets it. */
static void
fail_or_again(struct core_session *cs, const struct err *why)
{
	if (why->code == ERR_SYSTEM || why->code == ERR_BUSY)
		loop_timer_set(cs->of->core->loop, &cs->again,
		    clock_mono_ns() + AGAIN_NS, prepare, cs);
	else
		fail(cs, why->text);
}

static bool
take_quota(struct core_session *cs)
{
	const struct grant *g = &cs->assembly->machine.grant;
	struct err why;

	cs->need = (struct quota_need){ cs->assembly->owner, cs->hash,
		{ 1, g->limit[GRANT_MEMORY], g->limit[GRANT_CPU],
		    g->limit[GRANT_PIDS] } };
	if (quota_take(&cs->of->core->queue.quota, &cs->need, &why) == 0) {
		cs->holds = true;
		return true;
	}
	session_tell_failed(cs->session, GRPC_RESOURCE_EXHAUSTED, why.text);
	return false;
}

/* What its message stands for, now and after a restart. */
static bool
check_refs(struct core_session *cs)
{
	const struct value *refs = value_get(cs->assembly->terms, "refs");
	char *text =
	    refs == NULL ? str_dup("") : json_emit(refs, JSON_AS_CANONICAL);
	bool same = cs->refs == NULL || strcmp(cs->refs, text) == 0;

	free(cs->refs);
	cs->refs = text;
	if (!same)
		fail(cs,
		    "what its message refers to is not what it was when the "
		    "session was started");
	return same;
}

/* ---- the audit log ---- */

static struct core_audit_run
describe(const struct core_session *cs)
{
	return (struct core_audit_run){ .run = cs->run,
		.hash = cs->hash,
		.owner = cs->assembly->owner,
		.trigger = "session",
		.key = "",
		.life = &cs->of->core->ceiling.grant };
}

void
core_session_record_end(struct core_session *cs)
{
	const struct session_taint *t = session_view_taint(cs->session);
	struct core_audit_end x = { .created = &cs->created,
		.exited = &cs->used,
		.served = (unsigned)cs->served };
	struct err why;

	if (!cs->recorded)
		return;
	cs->recorded = false;
	x.run = describe(cs);
	cs->used.wall_ns = clock_mono_ns() - cs->began_ns;
	if (t->status != GRPC_OK) {
		err_set(&why, ERR_GUEST, "%s", t->text);
		x.why = &why;
		cs->used.code = 1;
	}
	(void)core_audit_ended(&cs->of->core->audit, &x);
}

/* That stands in the log: only now anything of it is started. */
static void
recorded(void *arg, const struct err *why)
{
	struct core_session *cs = end_wait(arg);
	struct err busy;

	if (cs == NULL)
		return;
	if (why != NULL) {
		err_set(&busy, ERR_BUSY, "%s", why->text);
		core_program_give_back(cs->assembly);
		cs->assembly = NULL;
		quota_give(&cs->of->core->queue.quota, &cs->need);
		cs->holds = false;
		fail_or_again(cs, &busy);
		return;
	}
	core_session_end_load(cs);
	cs->recorded = true;
	cs->began_ns = clock_mono_ns();
	core_session_start_machine(cs, CORE_SESSION_STARTING);
}

static void
admit(struct core_session *cs)
{
	const struct core_audit_run run = describe(cs);

	core_audit_admitted(&cs->of->core->audit, &run, cs->assembly, recorded,
	    wait_for(cs));
}

static void
assembled(void *arg, struct core_assembly *a, const struct err *why)
{
	struct core_session *cs = end_wait(arg);

	if (cs == NULL) {
		if (a != NULL)
			core_program_give_back(a);
		return;
	}
	if (a == NULL) {
		fail_or_again(cs, why);
		return;
	}
	cs->assembly = a;
	cs->has_state = machine_find_state(&a->machine) != 0;
	cs->memory_kept = a->facts.kept;
	cs->zygote = a->facts.zygote;
	if (check_refs(cs) && take_quota(cs))
		admit(cs);
}

static void
read_done(void *arg, struct frame *f, const struct err *why,
    const char *problems)
{
	struct core_session *cs = end_wait(arg);
	static struct prepare_program row;

	(void)problems;
	if (cs == NULL)
		return;
	if (f == NULL) {
		fail_or_again(cs, why);
		return;
	}
	prepare_msgs_get_program(&f->body, &row);
	if (!buf_ok(&f->body) || row.kind != PREPARE_PROGRAM) {
		fail(cs, "its message is no program");
		return;
	}
	memcpy(cs->hash, row.hash, sizeof(cs->hash));
	core_program_want_machine(&cs->of->core->programs, &row, assembled,
	    wait_for(cs));
}

static void
prepare(void *arg)
{
	struct core_session *cs = arg;
	int message = fcntl(cs->message, F_DUPFD_CLOEXEC, 0);

	if (message == -1 || lseek(message, 0, SEEK_SET) == -1) {
		fd_close(&message);
		fail(cs, "its message cannot be read");
		return;
	}
	core_prepare_ask(&cs->of->core->prepare,
	    &(struct core_prepare_ask){ .type = PREPARE_READ,
		.fds = &message,
		.nfds = 1 },
	    read_done, wait_for(cs));
}

/* ---- its directory ---- */

static bool
take_opened(struct core_session *cs, struct frame *f,
    struct buf content[MACHINE_RANGES], bool *has)
{
	struct buf *b = &f->body;
	struct err e;
	uint32_t n;

	*has = buf_get_u8(b) != 0;
	n = buf_get_u32(b);
	if (b->failed || n > b->len - b->at || f->nfds != 3 ||
	    machine_config_get(&cs->config, b->data + b->at, n, &e) == -1)
		return false;
	b->at += n;
	fd_close(&cs->tree);
	cs->tree = fd_take(&f->fds[1]);
	return core_session_get_parts(b, &cs->parts) &&
	    (!*has || machine_dir_get_content(f->fds[2], content, &e) == 0);
}

static void
opened(void *arg, struct frame *f, const struct err *why)
{
	struct core_session *cs = arg;
	struct buf content[MACHINE_RANGES] = { { 0 } };
	static bool gone; /* one at a time */
	bool has, good;

	if (f == NULL) {
		fail(cs, why->text);
		return;
	}
	good = take_opened(cs, f, content, &has);
	fd_close(&cs->message);
	cs->message = good ? fd_take(&f->fds[0]) : -1;
	gone = false;
	cs->gone = &gone;
	if (!good)
		fail(cs, "cella-files: malformed frame");
	else if (!cs->restoring)
		session_tell_opened(cs->session, &cs->config,
		    has ? content : NULL, &cs->parts);
	for (int i = 0; i < MACHINE_RANGES; i++)
		buf_fini(&content[i]);
	/* Sessions do not take every directory. */
	if (gone)
		return;
	cs->gone = NULL;
	if (cs->phase != CORE_SESSION_OPENING)
		return;
	cs->phase = CORE_SESSION_PREPARING;
	prepare(cs);
}

static void
ask_open(struct core_session *cs, const char *directory, core_files_fn *fn)
{
	buf_auto struct buf b = { 0 };

	buf_put_u64(&b, cs->number);
	buf_put_u64(&b, cs->accepted);
	buf_put_u8(&b, directory[0] != '\0');
	buf_put_str(&b, directory);
	core_files_ask(&cs->of->files,
	    &(struct core_files_ask){ .type = FILES_OPEN,
		.answer = FILES_OPENED,
		.body = &b },
	    fn, cs);
}

void
core_session_load(void *owner, struct session *s, const char *directory)
{
	struct core_sessions *all = owner;
	struct core_session *cs = session_ops_get(s);
	struct err e;

	if (cs == NULL)
		cs = core_session_new(all, s);
	cs->phase = CORE_SESSION_OPENING;
	cs->restoring = directory[0] == '\0';
	if (cs->number == 0 &&
	    journal_next_session(all->core->journal, &cs->number, &e) == -1) {
		session_tell_failed(s, GRPC_UNAVAILABLE, e.text);
		return;
	}
	snprintf(cs->run, sizeof(cs->run), "session-%llu",
	    (unsigned long long)cs->number);
	ask_open(cs, directory, opened);
}

/* ---- again ---- */

static void
reopened(void *arg, struct frame *f, const struct err *why)
{
	struct core_session *cs = arg;
	char text[SESSION_TEXT];

	if (f != NULL)
		return; /* what it held open is the same directory */
	snprintf(text, sizeof(text), "its state cannot be opened again: %.400s",
	    why->text);
	session_tell_died(cs->session, GRPC_UNAVAILABLE, text);
}

void
core_session_reopen(struct core_session *cs)
{
	ask_open(cs, "", reopened);
}
