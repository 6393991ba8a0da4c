#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/journal_parts.h"
#include "runtime/journal_session.h"
#include "runtime/machine_dir.h"
#include "runtime/session_ops.h"

enum {
	ADD_INPUT,
	ADD_DONE,
	DROP_INPUT,
	ACCEPT,
	KEEP,
	NEXT_KEPT,
	STATEMENTS,
};
static const char *const texts[STATEMENTS] = {
	[ADD_INPUT] = "INSERT INTO session_input (session, sender, block, time,"
		      " epoch, place, payload) VALUES (?, ?, ?, ?, ?, ?, ?)",
	[ADD_DONE] = "INSERT INTO session_done (session, epoch, machine,"
		     " vouchers, notices, body) VALUES (?, ?, ?, ?, ?, ?)",
	[DROP_INPUT] = "DELETE FROM session_input WHERE number = (SELECT"
		       " min(number) FROM session_input WHERE session = ?)",
	[KEEP] = "INSERT INTO session_kept (session, sender, block, time,"
		 " epoch, place, payload, outputs) SELECT session, sender,"
		 " block, time, epoch, place, payload, ? FROM session_input"
		 " WHERE session = ? ORDER BY number LIMIT 1",
	[NEXT_KEPT] = "SELECT sender, block, time, epoch, place, payload,"
		      " number, outputs FROM session_kept WHERE session = ?"
		      " AND number > ? ORDER BY number LIMIT 1",
	[ACCEPT] = "UPDATE session SET accepted = accepted + 1, content = ?"
		   " WHERE number = ?",
};

int
journal_session_prepare(struct journal *j, struct err *e)
{
	_Static_assert(STATEMENTS <= JOURNAL_SESSION_STATEMENTS,
	    "statements have room");
	for (int i = 0; i < STATEMENTS; i++)
		if (journal_prepare(j, texts[i], &j->session[i], e) == -1)
			return -1;
	return 0;
}

void
journal_session_finalize(struct journal *j)
{
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(j->session[i]);
}

static void
bind_number(sqlite3_stmt *s, int at, uint64_t n)
{
	sqlite3_bind_int64(s, at, (sqlite3_int64)n);
}

static void
bind_bytes(sqlite3_stmt *s, int at, const void *data, size_t len)
{
	sqlite3_bind_blob64(s, at, len == 0 ? "" : data, len, SQLITE_STATIC);
}

static int
step(struct journal *j, sqlite3_stmt *s, struct err *e)
{
	int r = sqlite3_step(s);

	if (r != SQLITE_DONE)
		journal_fail(j, "session", e);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return r == SQLITE_DONE ? 0 : -1;
}

/* One that is not needed often. */
static int
run(struct journal *j, sqlite3_stmt *s, struct err *e)
{
	int r = step(j, s, e);

	sqlite3_finalize(s);
	return r;
}

/* All of it or nothing. */
static int
end(struct journal *j, int r, struct err *e)
{
	struct err ignored;

	if (r == 0)
		r = journal_execute(j, "COMMIT", e);
	if (r == -1 && sqlite3_get_autocommit(j->db) == 0)
		(void)journal_execute(j, "ROLLBACK", &ignored);
	return r;
}

/* ---- what is kept ---- */

int
journal_next_session(struct journal *j, uint64_t *number, struct err *e)
{
	sqlite3_stmt *s;
	int r;

	if (journal_prepare(j,
		"INSERT INTO session_number DEFAULT VALUES RETURNING number",
		&s, e) == -1)
		return -1;
	r = sqlite3_step(s);
	if (r == SQLITE_ROW) {
		*number = (uint64_t)sqlite3_column_int64(s, 0);
		r = sqlite3_step(s);
	}
	if (r != SQLITE_DONE)
		journal_fail(j, "session", e);
	sqlite3_finalize(s);
	return r == SQLITE_DONE ? 0 : -1;
}

static void
put_limits(struct buf *b, const struct journal_session *x)
{
	const uint64_t all[] = { x->cycles.max_advance,
		x->cycles.advance_increment, x->cycles.max_inspect,
		x->cycles.inspect_increment, x->deadlines.checkin,
		x->deadlines.advance, x->deadlines.advance_increment,
		x->deadlines.inspect, x->deadlines.inspect_increment,
		x->deadlines.machine, x->deadlines.store, x->deadlines.fast };

	for (size_t i = 0; i < nitems(all); i++)
		buf_put_u64(b, all[i]);
}

static bool
get_limits(const void *data, size_t len, struct journal_session *x)
{
	struct buf b = buf_over(data, len);
	uint64_t *const all[] = { &x->cycles.max_advance,
		&x->cycles.advance_increment, &x->cycles.max_inspect,
		&x->cycles.inspect_increment, &x->deadlines.checkin,
		&x->deadlines.advance, &x->deadlines.advance_increment,
		&x->deadlines.inspect, &x->deadlines.inspect_increment,
		&x->deadlines.machine, &x->deadlines.store,
		&x->deadlines.fast };

	for (size_t i = 0; i < nitems(all); i++)
		*all[i] = buf_get_u64(&b);
	return buf_ok(&b);
}

static int
insert_session(struct journal *j, const struct journal_session *x,
    struct err *e)
{
	buf_auto struct buf limits = { 0 }, machine = { 0 }, content = { 0 };
	sqlite3_stmt *s;

	if (journal_prepare(j,
		"INSERT INTO session (number, id, machine, limits, refs,"
		" content) VALUES (?, ?, ?, ?, ?, ?)",
		&s, e) == -1)
		return -1;
	put_limits(&limits, x);
	machine_config_put(&machine, x->machine);
	bind_number(s, 1, x->number);
	journal_bind_text(s, 2, x->id);
	bind_bytes(s, 3, machine.data, machine.len);
	bind_bytes(s, 4, limits.data, limits.len);
	journal_bind_text(s, 5, x->refs);
	machine_dir_put_content(&content, x->content);
	bind_bytes(s, 6, content.data, content.len);
	return run(j, s, e);
}

static int
insert_epoch(struct journal *j, uint64_t number, uint64_t epoch,
    const struct merkle_hash *hash, struct err *e)
{
	sqlite3_stmt *s;

	if (journal_prepare(j,
		"INSERT INTO session_epoch (session, epoch, machine)"
		" VALUES (?, ?, ?)",
		&s, e) == -1)
		return -1;
	bind_number(s, 1, number);
	bind_number(s, 2, epoch);
	bind_bytes(s, 3, hash->byte, sizeof(hash->byte));
	return run(j, s, e);
}

int
journal_add_session(struct journal *j, const struct journal_session *x,
    struct err *e)
{
	int r;

	if (journal_execute(j, "BEGIN IMMEDIATE", e) == -1)
		return -1;
	r = insert_session(j, x, e);
	if (r == 0)
		r = insert_epoch(j, x->number, x->epoch, x->hash, e);
	return end(j, r, e);
}

int
journal_add_epoch(struct journal *j, uint64_t number, uint64_t epoch,
    const struct merkle_hash *hash, struct err *e)
{
	return insert_epoch(j, number, epoch, hash, e);
}

int
journal_add_input(struct journal *j, uint64_t number,
    const struct session_given *g, struct err *e)
{
	sqlite3_stmt *s = j->session[ADD_INPUT];
	const struct rollup_metadata *m = &g->metadata;

	bind_number(s, 1, number);
	bind_bytes(s, 2, m->sender.byte, sizeof(m->sender.byte));
	bind_number(s, 3, m->block_number);
	bind_number(s, 4, m->timestamp);
	bind_number(s, 5, m->epoch_index);
	bind_number(s, 6, m->input_index);
	bind_bytes(s, 7, g->payload, g->len);
	return step(j, s, e);
}

static int
accept(struct journal *j, uint64_t number, const struct buf *content,
    struct err *e)
{
	sqlite3_stmt *s = j->session[ACCEPT];
	buf_auto struct buf b = { 0 };

	machine_dir_put_content(&b, content);
	bind_bytes(s, 1, b.data, b.len);
	bind_number(s, 2, number);
	return step(j, s, e);
}

static int
move_to_done(struct journal *j, uint64_t number, uint64_t epoch,
    const struct session_done *d, struct err *e)
{
	sqlite3_stmt *s = j->session[ADD_DONE];

	bind_number(s, 1, number);
	bind_number(s, 2, epoch);
	bind_bytes(s, 3, d->machine.byte, sizeof(d->machine.byte));
	bind_bytes(s, 4, d->leaf[0].byte, sizeof(d->leaf[0].byte));
	bind_bytes(s, 5, d->leaf[1].byte, sizeof(d->leaf[1].byte));
	bind_bytes(s, 6, d->body.data, d->body.len);
	if (step(j, s, e) == -1)
		return -1;
	s = j->session[DROP_INPUT];
	bind_number(s, 1, number);
	return step(j, s, e);
}

static int
keep(struct journal *j, uint64_t number, const char *outputs, struct err *e)
{
	sqlite3_stmt *s = j->session[KEEP];

	journal_bind_text(s, 1, outputs);
	bind_number(s, 2, number);
	return step(j, s, e);
}

int
journal_add_done(struct journal *j, uint64_t number, uint64_t epoch,
    const struct session_done *d, const struct buf *content,
    const char *outputs, struct err *e)
{
	int r;

	if (journal_execute(j, "BEGIN IMMEDIATE", e) == -1)
		return -1;
	r = outputs == NULL ? 0 : keep(j, number, outputs, e);
	if (r == 0)
		r = move_to_done(j, number, epoch, d, e);
	if (r == 0 && content != NULL)
		r = accept(j, number, content, e);
	return end(j, r, e);
}

int
journal_taint_session(struct journal *j, uint64_t number,
    const struct session_taint *t, struct err *e)
{
	sqlite3_stmt *s;

	if (journal_prepare(j,
		"UPDATE session SET taint = ?, why = ? WHERE number = ?", &s,
		e) == -1)
		return -1;
	sqlite3_bind_int(s, 1, (int)t->status);
	journal_bind_text(s, 2, t->text);
	bind_number(s, 3, number);
	return run(j, s, e);
}

int
journal_end_session(struct journal *j, uint64_t number, struct err *e)
{
	sqlite3_stmt *s;

	/* What it has goes with it: foreign keys cascade. */
	if (journal_prepare(j, "DELETE FROM session WHERE number = ?", &s, e) ==
	    -1)
		return -1;
	bind_number(s, 1, number);
	return run(j, s, e);
}

/* ---- and read again ---- */

struct reading {
	struct journal *j;
	const struct journal_session_reader *fns;
	void *arg;
	struct err *e;
};

static int
damaged(struct reading *r)
{
	return err_set(r->e, ERR_SYSTEM, "journal: a damaged row");
}

static bool
take_hash(sqlite3_stmt *s, int at, struct merkle_hash *h)
{
	if (sqlite3_column_bytes(s, at) != (int)sizeof(h->byte))
		return false;
	memcpy(h->byte, sqlite3_column_blob(s, at), sizeof(h->byte));
	return true;
}

/* Every row of a statement about one session, or one epoch of it. */
static int
each(struct reading *r, const char *sql, uint64_t number, const uint64_t *epoch,
    int (*fn)(struct reading *, sqlite3_stmt *, uint64_t number))
{
	sqlite3_stmt *s;
	int status = 0, row = SQLITE_DONE;

	if (journal_prepare(r->j, sql, &s, r->e) == -1)
		return -1;
	if (number != 0)
		bind_number(s, 1, number);
	if (epoch != NULL)
		bind_number(s, 2, *epoch);
	while (status == 0 && (row = sqlite3_step(s)) == SQLITE_ROW)
		status = fn(r, s, number);
	if (status == 0 && row != SQLITE_DONE)
		status = journal_fail(r->j, "session", r->e);
	sqlite3_finalize(s);
	return status;
}

static int
read_done(struct reading *r, sqlite3_stmt *s, uint64_t number)
{
	struct session_done d;

	(void)number;
	if (!take_hash(s, 0, &d.machine) || !take_hash(s, 1, &d.leaf[0]) ||
	    !take_hash(s, 2, &d.leaf[1]))
		return damaged(r);
	d.body = buf_over(sqlite3_column_blob(s, 3),
	    (size_t)sqlite3_column_bytes(s, 3));
	return r->fns->done(r->arg, &d);
}

static int
read_epoch(struct reading *r, sqlite3_stmt *s, uint64_t number)
{
	uint64_t epoch = (uint64_t)sqlite3_column_int64(s, 0);
	struct merkle_hash hash;

	if (!take_hash(s, 1, &hash))
		return damaged(r);
	if (r->fns->epoch(r->arg, epoch, &hash) == -1)
		return -1;
	return each(r,
	    "SELECT machine, vouchers, notices, body FROM session_done"
	    " WHERE session = ? AND epoch = ? ORDER BY number",
	    number, &epoch, read_done);
}

static bool
take_metadata(sqlite3_stmt *s, struct rollup_metadata *m)
{
	if (sqlite3_column_bytes(s, 0) != (int)sizeof(m->sender.byte))
		return false;
	memcpy(m->sender.byte, sqlite3_column_blob(s, 0),
	    sizeof(m->sender.byte));
	m->block_number = (uint64_t)sqlite3_column_int64(s, 1);
	m->timestamp = (uint64_t)sqlite3_column_int64(s, 2);
	m->epoch_index = (uint64_t)sqlite3_column_int64(s, 3);
	m->input_index = (uint64_t)sqlite3_column_int64(s, 4);
	return true;
}

int
journal_next_kept(struct journal *j, uint64_t session, uint64_t after,
    struct journal_kept *k, struct err *e)
{
	sqlite3_stmt *s = j->session[NEXT_KEPT];
	int r;

	bind_number(s, 1, session);
	bind_number(s, 2, after);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW) {
		k->number = (uint64_t)sqlite3_column_int64(s, 6);
		buf_reset(&k->payload);
		buf_add(&k->payload, sqlite3_column_blob(s, 5),
		    (size_t)sqlite3_column_bytes(s, 5));
		r = take_metadata(s, &k->metadata) &&
			journal_take_text(s, 7, k->outputs, sizeof(k->outputs))
		    ? 1
		    : err_set(e, ERR_SYSTEM, "journal: a damaged row");
	} else {
		r = r == SQLITE_DONE ? 0 : journal_fail(j, "session", e);
	}
	sqlite3_reset(s);
	return r;
}

static int
read_input(struct reading *r, sqlite3_stmt *s, uint64_t number)
{
	struct rollup_metadata m;

	(void)number;
	if (!take_metadata(s, &m))
		return damaged(r);
	return r->fns->input(r->arg, &m, sqlite3_column_blob(s, 5),
	    (size_t)sqlite3_column_bytes(s, 5));
}

static int
tell_session(struct reading *r, sqlite3_stmt *s, struct journal_session *x)
{
	struct session_taint taint = { .status = GRPC_OK };
	struct buf content[MACHINE_RANGES] = { { 0 } };
	int status;

	taint.status = (enum grpc_status)sqlite3_column_int(s, 4);
	if (!journal_take_text(s, 5, taint.text, sizeof(taint.text)))
		return damaged(r);
	x->content = content;
	status = machine_dir_read_content(sqlite3_column_blob(s, 7),
	    (size_t)sqlite3_column_bytes(s, 7), content, r->e);
	if (status == 0)
		status = r->fns->session(r->arg, x,
		    (uint64_t)sqlite3_column_int64(s, 6),
		    taint.status == GRPC_OK ? NULL : &taint, r->e);
	for (int i = 0; i < MACHINE_RANGES; i++)
		buf_fini(&content[i]);
	return status;
}

static int
read_session(struct reading *r, sqlite3_stmt *s, uint64_t none)
{
	struct machine_config machine;
	struct journal_session x = { .machine = &machine };

	(void)none;
	x.number = (uint64_t)sqlite3_column_int64(s, 0);
	x.id = (const char *)sqlite3_column_text(s, 1);
	x.refs = (const char *)sqlite3_column_text(s, 8);
	if (machine_config_get(&machine, sqlite3_column_blob(s, 2),
		(size_t)sqlite3_column_bytes(s, 2), r->e) == -1 ||
	    !get_limits(sqlite3_column_blob(s, 3),
		(size_t)sqlite3_column_bytes(s, 3), &x))
		return damaged(r);
	if (tell_session(r, s, &x) == -1 ||
	    each(r,
		"SELECT epoch, machine FROM session_epoch WHERE session = ?"
		" ORDER BY number",
		x.number, NULL, read_epoch) == -1 ||
	    each(r,
		"SELECT sender, block, time, epoch, place, payload"
		" FROM session_input WHERE session = ? ORDER BY number",
		x.number, NULL, read_input) == -1)
		return -1;
	return r->fns->end(r->arg);
}

int
journal_each_session(struct journal *j,
    const struct journal_session_reader *fns, void *arg, struct err *e)
{
	struct reading r = { j, fns, arg, e };

	return each(&r,
	    "SELECT number, id, machine, limits, taint, why, accepted, content,"
	    " refs FROM session ORDER BY number",
	    0, NULL, read_session);
}
