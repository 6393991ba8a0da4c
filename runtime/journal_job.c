#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/journal_job.h"
#include "runtime/journal_parts.h"

#define COLUMNS                                                          \
	"number, kind, hash, name, state, due_ns, attempts, created_ns," \
	" ended_ns, status, error"

const char *
journal_job_kind_name(enum journal_job_kind k)
{
	static const char *const names[JOURNAL_KINDS] = { "cron", "message",
		"async", "callback" };

	return names[k];
}

const char *
journal_job_state_name(enum journal_job_state s)
{
	static const char *const names[JOURNAL_STATES] = { "waiting", "running",
		"done", "dead" };

	return names[s];
}

/* How much there is; counted on from here. */
static int
load(struct journal *j, struct err *e)
{
	int r = sqlite3_step(j->job_load);

	j->jobs_waiting = (uint64_t)sqlite3_column_int64(j->job_load, 0);
	j->jobs_bytes = (uint64_t)sqlite3_column_int64(j->job_load, 1);
	if (r != SQLITE_ROW)
		journal_fail(j, "jobs", e);
	sqlite3_reset(j->job_load);
	return r == SQLITE_ROW ? 0 : -1;
}

int
journal_job_prepare(struct journal *j, struct err *e)
{
	const struct {
		sqlite3_stmt **s;
		const char *sql;
	} all[] = {
		{ &j->job_add,
		    "INSERT INTO job (kind, hash, name, state, due_ns,"
		    " created_ns, request, body) VALUES (?, ?, ?, 0, ?, ?, ?, ?)"
		    " ON CONFLICT (name) DO NOTHING" },
		{ &j->job_next,
		    "SELECT " COLUMNS ", request, body FROM job"
		    " WHERE number = (SELECT number FROM job"
		    " WHERE state = 0 AND due_ns <= ?"
		    " ORDER BY kind, due_ns, number LIMIT 1)" },
		{ &j->job_drop,
		    "UPDATE job SET result = NULL,"
		    " error = 'its result made room for others'"
		    " WHERE number IN (SELECT number FROM job"
		    " WHERE length(result) > 0"
		    " ORDER BY ended_ns, number LIMIT 16)" },
		{ &j->job_due, "SELECT min(due_ns) FROM job WHERE state = 0" },
		{ &j->job_begin,
		    "UPDATE job SET state = 1, attempts = attempts + 1"
		    " WHERE number = ?" },
		{ &j->job_end,
		    "UPDATE job SET state = ?1, due_ns = ?2, ended_ns = ?3,"
		    " status = ?4, error = ?5, result = ?6,"
		    " request = CASE WHEN ?1 >= 2 THEN x'' ELSE request END,"
		    " body = CASE WHEN ?1 >= 2 THEN x'' ELSE body END"
		    " WHERE number = ?7" },
		{ &j->job_load,
		    "SELECT total(state < 2), total(length(request) +"
		    " length(body) + ifnull(length(result), 0)) FROM job" },
		{ &j->job_size,
		    "SELECT length(request) + length(body) FROM job"
		    " WHERE number = ?" },
		{ &j->job_busy,
		    "SELECT 1 FROM job WHERE kind = ? AND hash = ?"
		    " AND state IN (0, 1) LIMIT 1" },
		{ &j->job_find,
		    "SELECT " COLUMNS ", result FROM job WHERE name = ?" },
		{ &j->job_each,
		    "SELECT " COLUMNS
		    " FROM job ORDER BY number DESC LIMIT ?" },
		{ &j->job_prune,
		    "DELETE FROM job WHERE ended_ns > 0 AND ended_ns < ?" },
		{ &j->job_recover,
		    "SELECT " COLUMNS ", request FROM job WHERE state = 1" },
		{ &j->slot_get,
		    "SELECT fired FROM slot WHERE hash = ? AND place = ?" },
		{ &j->slot_set,
		    "INSERT INTO slot (hash, place, fired) VALUES (?, ?, ?)"
		    " ON CONFLICT (hash, place) DO UPDATE"
		    " SET fired = max(fired, excluded.fired)" },
	};

	for (size_t i = 0; i < nitems(all); i++)
		if (journal_prepare(j, all[i].sql, all[i].s, e) == -1)
			return -1;
	journal_limit_jobs(j, JOURNAL_JOBS_WAITING, JOURNAL_JOBS_BYTES);
	return load(j, e);
}

void
journal_limit_jobs(struct journal *j, uint64_t waiting, uint64_t bytes)
{
	j->most_waiting = waiting;
	j->most_bytes = bytes;
}

void
journal_job_finalize(struct journal *j)
{
	sqlite3_stmt *const all[] = { j->job_add, j->job_next, j->job_due,
		j->job_begin, j->job_end, j->job_busy, j->job_find, j->job_each,
		j->job_prune, j->job_recover, j->job_load, j->job_size,
		j->job_drop, j->slot_get, j->slot_set };

	for (size_t i = 0; i < nitems(all); i++)
		sqlite3_finalize(all[i]);
}

static void
bind_ns(sqlite3_stmt *s, int at, uint64_t ns)
{
	sqlite3_bind_int64(s, at,
	    ns > INT64_MAX ? INT64_MAX : (sqlite3_int64)ns);
}

static void
bind_blob(sqlite3_stmt *s, int at, const struct buf *b)
{
	if (b == NULL)
		sqlite3_bind_null(s, at);
	else
		sqlite3_bind_blob64(s, at, b->len == 0 ? "" : b->data, b->len,
		    SQLITE_STATIC);
}

static void
add_blob(sqlite3_stmt *s, int at, struct buf *b)
{
	if (b != NULL)
		buf_add(b, sqlite3_column_blob(s, at),
		    (size_t)sqlite3_column_bytes(s, at));
}

/* One that gives nothing back. */
static int
step(struct journal *j, sqlite3_stmt *s, const char *what, struct err *e)
{
	int r = sqlite3_step(s);

	if (r != SQLITE_DONE)
		journal_fail(j, what, e);
	sqlite3_reset(s);
	return r == SQLITE_DONE ? 0 : -1;
}

static int
take_job(sqlite3_stmt *s, struct journal_job *job, struct err *e)
{
	int kind = sqlite3_column_int(s, 1), state = sqlite3_column_int(s, 4);

	*job = (struct journal_job){
		.number = (uint64_t)sqlite3_column_int64(s, 0),
		.kind = (enum journal_job_kind)kind,
		.state = (enum journal_job_state)state,
		.due_ns = (uint64_t)sqlite3_column_int64(s, 5),
		.attempts = (unsigned)sqlite3_column_int(s, 6),
		.created_ns = (uint64_t)sqlite3_column_int64(s, 7),
		.ended_ns = (uint64_t)sqlite3_column_int64(s, 8),
		.status = (unsigned)sqlite3_column_int(s, 9),
	};
	if (kind < 0 || kind >= JOURNAL_KINDS || state < 0 ||
	    state >= JOURNAL_STATES ||
	    !journal_take_text(s, 2, job->hash, sizeof(job->hash)) ||
	    !journal_take_text(s, 3, job->name, sizeof(job->name)) ||
	    !journal_take_text(s, 10, job->error, sizeof(job->error)))
		return err_set(e, ERR_SYSTEM, "journal: a damaged job");
	return 0;
}

static int
make_room(struct journal *j, enum journal_job_kind kind, uint64_t size,
    struct err *e)
{
	/* What strangers leave never keeps out the operator's own. */
	const uint64_t share = kind >= JOURNAL_ASYNC ? 2 : 1;
	int dropped = 1;

	while (j->jobs_bytes + size > j->most_bytes / share && dropped > 0) {
		if (step(j, j->job_drop, "results", e) == -1)
			return -1;
		dropped = sqlite3_changes(j->db);
		if (load(j, e) == -1)
			return -1;
	}
	if (j->jobs_waiting < j->most_waiting / share &&
	    j->jobs_bytes + size <= j->most_bytes / share)
		return 0;
	return err_set(e, ERR_BUSY, "too many calls wait already");
}

int
journal_add_job(struct journal *j, const struct journal_job *job,
    const struct buf *request, const struct buf *body, bool *fresh,
    struct err *e)
{
	sqlite3_stmt *s = j->job_add;
	int r;

	if (make_room(j, job->kind, request->len + body->len, e) == -1)
		return -1;
	sqlite3_bind_int(s, 1, job->kind);
	journal_bind_text(s, 2, job->hash);
	journal_bind_text(s, 3, job->name);
	bind_ns(s, 4, job->due_ns);
	bind_ns(s, 5, job->created_ns);
	bind_blob(s, 6, request);
	bind_blob(s, 7, body);
	r = step(j, s, "job", e);
	*fresh = r == 0 && sqlite3_changes(j->db) == 1;
	if (*fresh) {
		j->jobs_waiting++;
		j->jobs_bytes += request->len + body->len;
	}
	sqlite3_clear_bindings(s);
	return r;
}

int
journal_begin(struct journal *j, struct err *e)
{
	return journal_execute(j, "BEGIN IMMEDIATE", e);
}

int
journal_commit(struct journal *j, struct err *e)
{
	return journal_execute(j, "COMMIT", e);
}

void
journal_roll_back(struct journal *j)
{
	struct err ignored;

	(void)journal_execute(j, "ROLLBACK", &ignored);
	(void)load(j, &ignored); /* what was counted is not there */
}

int
journal_skip_slot(struct journal *j, const char *hash, unsigned place,
    int64_t slot, struct err *e)
{
	journal_bind_text(j->slot_set, 1, hash);
	sqlite3_bind_int64(j->slot_set, 2, place);
	sqlite3_bind_int64(j->slot_set, 3, slot);
	return step(j, j->slot_set, "slot", e);
}

int
journal_fire(struct journal *j, const struct journal_job *job, unsigned place,
    int64_t slot, const struct buf *request, const struct buf *body,
    bool *fresh, struct err *e)
{
	if (journal_begin(j, e) == -1)
		return -1;
	if (journal_skip_slot(j, job->hash, place, slot, e) == 0 &&
	    journal_add_job(j, job, request, body, fresh, e) == 0 &&
	    journal_commit(j, e) == 0)
		return 0;
	journal_roll_back(j);
	return -1;
}

int
journal_last_slot(struct journal *j, const char *hash, unsigned place,
    int64_t *slot, struct err *e)
{
	sqlite3_stmt *s = j->slot_get;
	int r;

	journal_bind_text(s, 1, hash);
	sqlite3_bind_int64(s, 2, place);
	r = sqlite3_step(s);
	*slot = r == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		journal_fail(j, "slot", e);
	sqlite3_reset(s);
	return r == SQLITE_ROW || r == SQLITE_DONE ? 0 : -1;
}

int
journal_next_job(struct journal *j, uint64_t now_ns, struct journal_job *job,
    struct buf *request, struct buf *body, struct err *e)
{
	sqlite3_stmt *s = j->job_next;
	int r, status;

	bind_ns(s, 1, now_ns);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW) {
		status = take_job(s, job, e) == -1 ? -1 : 1;
		add_blob(s, 11, request);
		add_blob(s, 12, body);
	} else {
		status = r == SQLITE_DONE ? 0 : journal_fail(j, "job", e);
	}
	sqlite3_reset(s);
	return status;
}

int
journal_first_due(struct journal *j, uint64_t *due_ns, struct err *e)
{
	sqlite3_stmt *s = j->job_due;
	int r = sqlite3_step(s);

	*due_ns = UINT64_MAX;
	if (r == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
		*due_ns = (uint64_t)sqlite3_column_int64(s, 0);
	if (r != SQLITE_ROW)
		journal_fail(j, "job", e);
	sqlite3_reset(s);
	return r == SQLITE_ROW ? 0 : -1;
}

int
journal_begin_job(struct journal *j, uint64_t number, struct err *e)
{
	bind_ns(j->job_begin, 1, number);
	return step(j, j->job_begin, "job", e);
}

static uint64_t
size_of(struct journal *j, uint64_t number)
{
	sqlite3_stmt *s = j->job_size;
	uint64_t n = 0;

	bind_ns(s, 1, number);
	if (sqlite3_step(s) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return n;
}

int
journal_end_job(struct journal *j, const struct journal_job *job,
    const struct buf *result, struct err *e)
{
	bool over = job->state >= JOURNAL_DONE;
	uint64_t size = over ? size_of(j, job->number) : 0;
	sqlite3_stmt *s = j->job_end;
	int r;

	sqlite3_bind_int(s, 1, job->state);
	bind_ns(s, 2, job->due_ns);
	bind_ns(s, 3, job->ended_ns);
	sqlite3_bind_int64(s, 4, job->status);
	journal_bind_text(s, 5, job->error);
	bind_blob(s, 6, result);
	bind_ns(s, 7, job->number);
	r = step(j, s, "job", e);
	sqlite3_clear_bindings(s);
	if (r == 0 && over) {
		j->jobs_waiting--;
		j->jobs_bytes -= size;
		j->jobs_bytes += result == NULL ? 0 : result->len;
	}
	return r;
}

int
journal_has_job(struct journal *j, enum journal_job_kind kind, const char *hash,
    bool *has, struct err *e)
{
	sqlite3_stmt *s = j->job_busy;
	int r;

	sqlite3_bind_int(s, 1, kind);
	journal_bind_text(s, 2, hash);
	r = sqlite3_step(s);
	*has = r == SQLITE_ROW;
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		journal_fail(j, "job", e);
	sqlite3_reset(s);
	return r == SQLITE_ROW || r == SQLITE_DONE ? 0 : -1;
}

int
journal_find_job(struct journal *j, const char *name, struct journal_job *job,
    struct buf *result, struct err *e)
{
	sqlite3_stmt *s = j->job_find;
	int r;

	journal_bind_text(s, 1, name);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW) {
		r = take_job(s, job, e);
		add_blob(s, 11, result);
	} else if (r == SQLITE_DONE) {
		r = err_set(e, ERR_NOT_FOUND, "nobody made such a call");
	} else {
		r = journal_fail(j, "job", e);
	}
	sqlite3_reset(s);
	return r;
}

int
journal_each_job(struct journal *j, unsigned most,
    int (*fn)(void *, const struct journal_job *), void *arg, struct err *e)
{
	sqlite3_stmt *s = j->job_each;
	struct journal_job job;
	int r, status = 0;

	sqlite3_bind_int64(s, 1, most);
	while (status == 0 && (r = sqlite3_step(s)) == SQLITE_ROW) {
		status = take_job(s, &job, e);
		if (status == 0)
			status = fn(arg, &job);
	}
	if (status == 0 && r != SQLITE_DONE)
		status = journal_fail(j, "jobs", e);
	sqlite3_reset(s);
	return status;
}

/* Read to the end first: what is read must not change meanwhile. */
struct left {
	struct journal_job job;
	struct buf request;
};

/* Those are read before anything is changed. */
static int
read_left(struct journal *j, struct left **all, size_t *n, struct err *e)
{
	sqlite3_stmt *s = j->job_recover;
	int r = SQLITE_DONE, status = 0;

	while (status == 0 && (r = sqlite3_step(s)) == SQLITE_ROW) {
		*all = realloc(*all, (*n + 1) * sizeof(**all));
		invariant(*all != NULL);
		(*all)[*n] = (struct left){ .request = { 0 } };
		status = take_job(s, &(*all)[*n].job, e);
		add_blob(s, 11, &(*all)[(*n)++].request);
	}
	if (status == 0 && r != SQLITE_DONE)
		status = journal_fail(j, "jobs", e);
	sqlite3_reset(s);
	return status;
}

int
journal_recover_jobs(struct journal *j, journal_recover_fn *fn, void *arg,
    struct err *e)
{
	struct left *all = NULL;
	size_t n = 0;
	int status = read_left(j, &all, &n, e);

	for (size_t i = 0; i < n; i++) {
		if (status == 0)
			status = fn(arg, &all[i].job, &all[i].request, e);
		buf_fini(&all[i].request);
	}
	free(all);
	return status;
}

int
journal_prune_jobs(struct journal *j, uint64_t before_ns, struct err *e)
{
	bind_ns(j->job_prune, 1, before_ns);
	if (step(j, j->job_prune, "prune", e) == -1)
		return -1;
	return load(j, e);
}
