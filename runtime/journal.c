#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/journal.h"
#include "runtime/journal_parts.h"

#define SCHEMA_VERSION 8

/* Of version 0, an empty file; a version more, and what it adds. */
static const char *const schema[SCHEMA_VERSION] = {
	"CREATE TABLE program ("
	" number INTEGER PRIMARY KEY,"
	" hash TEXT NOT NULL UNIQUE,"
	" digest TEXT NOT NULL,"
	" sender TEXT NOT NULL,"
	" unverified INTEGER NOT NULL,"
	" on_http INTEGER NOT NULL,"
	" published_ns INTEGER NOT NULL"
	") STRICT;",

	"CREATE TABLE IF NOT EXISTS life ("
	" number INTEGER PRIMARY KEY,"
	" started_ns INTEGER NOT NULL"
	") STRICT;",

	"ALTER TABLE program ADD COLUMN cron TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE program ADD COLUMN subscriptions TEXT NOT NULL DEFAULT '';"
	"CREATE TABLE slot ("
	" hash TEXT NOT NULL,"
	" place INTEGER NOT NULL,"
	" fired INTEGER NOT NULL,"
	" PRIMARY KEY (hash, place)"
	") STRICT;"
	"CREATE TABLE job ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" kind INTEGER NOT NULL,"
	" hash TEXT NOT NULL,"
	" name TEXT NOT NULL UNIQUE,"
	" state INTEGER NOT NULL,"
	" due_ns INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" created_ns INTEGER NOT NULL,"
	" ended_ns INTEGER NOT NULL DEFAULT 0,"
	" status INTEGER NOT NULL DEFAULT 0,"
	" error TEXT NOT NULL DEFAULT '',"
	" request BLOB NOT NULL,"
	" body BLOB NOT NULL,"
	" result BLOB"
	") STRICT;"
	"CREATE INDEX job_due ON job (state, due_ns);"
	"CREATE INDEX job_ended ON job (ended_ns) WHERE ended_ns > 0;",

	"ALTER TABLE program ADD COLUMN forgotten_ns INTEGER NOT NULL"
	" DEFAULT 0;",

	"CREATE TABLE key ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" hash TEXT NOT NULL,"
	" digest TEXT NOT NULL UNIQUE,"
	" name TEXT NOT NULL,"
	" rate INTEGER NOT NULL,"
	" created_ns INTEGER NOT NULL,"
	" revoked_ns INTEGER NOT NULL DEFAULT 0"
	") STRICT;",

	"ALTER TABLE program ADD COLUMN persistent INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE program ADD COLUMN interface INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE program ADD COLUMN wall_ns INTEGER NOT NULL DEFAULT 0;",

	"CREATE TABLE feed ("
	" url TEXT PRIMARY KEY,"
	" heard_ns INTEGER NOT NULL"
	") STRICT;",

	"CREATE TABLE session_number ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT"
	") STRICT;"
	"CREATE TABLE session ("
	" number INTEGER PRIMARY KEY,"
	" id TEXT NOT NULL UNIQUE,"
	" machine BLOB NOT NULL,"
	" limits BLOB NOT NULL,"
	" refs TEXT NOT NULL,"
	" accepted INTEGER NOT NULL DEFAULT 0,"
	" content BLOB NOT NULL,"
	" taint INTEGER NOT NULL DEFAULT 0,"
	" why TEXT NOT NULL DEFAULT ''"
	") STRICT;"
	"CREATE TABLE session_epoch ("
	" number INTEGER PRIMARY KEY,"
	" session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,"
	" epoch INTEGER NOT NULL,"
	" machine BLOB NOT NULL,"
	" UNIQUE (session, epoch)"
	") STRICT;"
	"CREATE TABLE session_done ("
	" number INTEGER PRIMARY KEY,"
	" session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,"
	" epoch INTEGER NOT NULL,"
	" machine BLOB NOT NULL,"
	" vouchers BLOB NOT NULL,"
	" notices BLOB NOT NULL,"
	" body BLOB NOT NULL"
	") STRICT;"
	"CREATE INDEX session_done_of ON session_done (session, epoch, number);"
	"CREATE TABLE session_input ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,"
	" sender BLOB NOT NULL,"
	" block INTEGER NOT NULL,"
	" time INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL,"
	" place INTEGER NOT NULL,"
	" payload BLOB NOT NULL"
	") STRICT;"
	"CREATE INDEX session_input_of ON session_input (session, number);"
	"CREATE TABLE session_kept ("
	" number INTEGER PRIMARY KEY,"
	" session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,"
	" sender BLOB NOT NULL,"
	" block INTEGER NOT NULL,"
	" time INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL,"
	" place INTEGER NOT NULL,"
	" payload BLOB NOT NULL,"
	" outputs TEXT NOT NULL"
	") STRICT;"
	"CREATE INDEX session_kept_of ON session_kept (session, number);",
};

int
journal_fail(struct journal *j, const char *what, struct err *e)
{
	/* A full disk may have room again. */
	return err_set(e,
	    sqlite3_errcode(j->db) == SQLITE_FULL ? ERR_BUSY : ERR_SYSTEM,
	    "journal: %s: %s", what, sqlite3_errmsg(j->db));
}

int
journal_execute(struct journal *j, const char *sql, struct err *e)
{
	if (sqlite3_exec(j->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return journal_fail(j, "open", e);
	return 0;
}

static int
read_version(struct journal *j, int *version, struct err *e)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(j->db, "PRAGMA user_version", -1, &s, NULL) !=
	    SQLITE_OK)
		return journal_fail(j, "version", e);
	*version =
	    sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int(s, 0) : -1;
	sqlite3_finalize(s);
	return *version == -1 ? journal_fail(j, "version", e) : 0;
}

int
journal_prepare(struct journal *j, const char *sql, sqlite3_stmt **s,
    struct err *e)
{
	if (sqlite3_prepare_v3(j->db, sql, -1, SQLITE_PREPARE_PERSISTENT, s,
		NULL) != SQLITE_OK)
		return journal_fail(j, sql, e);
	return 0;
}

static int
add_version(struct journal *j, int version, struct err *e)
{
	char mark[48];

	snprintf(mark, sizeof(mark), "PRAGMA user_version = %d", version + 1);
	if (journal_execute(j, "BEGIN IMMEDIATE", e) == -1 ||
	    journal_execute(j, schema[version], e) == -1 ||
	    journal_execute(j, mark, e) == -1 ||
	    journal_execute(j, "COMMIT", e) == -1)
		return -1;
	return 0;
}

static int
open_db(struct journal *j, struct err *e)
{
	int version = 0;

	if (sqlite3_open_v2("journal.db", &j->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK)
		return journal_fail(j, "open", e);
	/* Another core may have been killed a moment ago. */
	sqlite3_busy_timeout(j->db, 5000);
	if (journal_execute(j,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
		"PRAGMA foreign_keys = ON;",
		e) == -1 ||
	    read_version(j, &version, e) == -1)
		return -1;
	if (version > SCHEMA_VERSION)
		return err_set(e, ERR_CONFLICT,
		    "journal: version %d is newer than this program", version);
	for (; version < SCHEMA_VERSION; version++)
		if (add_version(j, version, e) == -1)
			return -1;
	return 0;
}

static int
count_functions(struct journal *j, struct err *e)
{
	sqlite3_stmt *s;
	int r;

	if (journal_prepare(j,
		"SELECT count(*) FROM program WHERE forgotten_ns = 0", &s,
		e) == -1)
		return -1;
	r = sqlite3_step(s);
	j->functions = (uint64_t)sqlite3_column_int64(s, 0);
	if (r != SQLITE_ROW)
		journal_fail(j, "count", e);
	sqlite3_finalize(s);
	return r == SQLITE_ROW ? 0 : -1;
}

struct journal *
journal_open(struct err *e)
{
	struct journal *j = calloc(1, sizeof(*j));

	invariant(j != NULL);
	if (open_db(j, e) == 0 &&
	    journal_prepare(j,
		"INSERT INTO program (hash, digest, sender, unverified,"
		" on_http, published_ns, cron, subscriptions,"
		" persistent, interface, wall_ns)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (hash) DO NOTHING",
		&j->add, e) == 0 &&
	    journal_prepare(j,
		"SELECT hash, digest, sender, unverified, on_http, cron,"
		" subscriptions, published_ns, persistent, interface,"
		" wall_ns FROM program"
		" WHERE hash = ? AND forgotten_ns = 0",
		&j->find, e) == 0 &&
	    journal_prepare(j,
		"SELECT hash, digest, sender, unverified, on_http, cron,"
		" subscriptions, published_ns, persistent, interface,"
		" wall_ns FROM program"
		" WHERE forgotten_ns = 0 ORDER BY number",
		&j->each, e) == 0 &&
	    journal_prepare(j,
		"UPDATE program SET forgotten_ns = ?"
		" WHERE hash = ? AND forgotten_ns = 0",
		&j->forget, e) == 0 &&
	    journal_job_prepare(j, e) == 0 &&
	    journal_session_prepare(j, e) == 0 && count_functions(j, e) == 0)
		return j;
	journal_close(j);
	return NULL;
}

int
journal_begin_life(struct journal *j, uint64_t now_ns, uint32_t *number,
    struct err *e)
{
	sqlite3_stmt *s;
	int r;

	if (journal_prepare(j,
		"INSERT INTO life (started_ns) VALUES (?)"
		" RETURNING number",
		&s, e) == -1)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)now_ns);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW) {
		*number = (uint32_t)sqlite3_column_int64(s, 0);
		r = sqlite3_step(s);
	}
	if (r != SQLITE_DONE)
		journal_fail(j, "life", e);
	sqlite3_finalize(s);
	return r == SQLITE_DONE ? 0 : -1;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	sqlite3_finalize(j->add);
	sqlite3_finalize(j->find);
	sqlite3_finalize(j->each);
	sqlite3_finalize(j->forget);
	journal_job_finalize(j);
	journal_session_finalize(j);
	sqlite3_close(j->db);
	free(j);
}

void
journal_bind_text(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

int
journal_add_program(struct journal *j, const struct prepare_program *p,
    uint64_t now_ns, bool *fresh, struct err *e)
{
	int r;

	journal_bind_text(j->add, 1, p->hash);
	journal_bind_text(j->add, 2, p->digest);
	journal_bind_text(j->add, 3, p->sender);
	sqlite3_bind_int(j->add, 4, p->unverified);
	sqlite3_bind_int(j->add, 5, p->on_http);
	sqlite3_bind_int64(j->add, 6, (sqlite3_int64)now_ns);
	journal_bind_text(j->add, 7, p->cron);
	journal_bind_text(j->add, 8, p->subscriptions);
	sqlite3_bind_int(j->add, 9, p->persistent);
	sqlite3_bind_int(j->add, 10, p->interface);
	sqlite3_bind_int64(j->add, 11, (sqlite3_int64)p->wall_ns);
	r = sqlite3_step(j->add);
	*fresh = sqlite3_changes(j->db) == 1;
	j->functions += *fresh;
	if (r != SQLITE_DONE)
		journal_fail(j, "publish", e);
	sqlite3_reset(j->add);
	return r == SQLITE_DONE ? 0 : -1;
}

/* What was written was checked; what is too long now is damage. */
bool
journal_take_text(sqlite3_stmt *s, int at, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(s, at);

	return text != NULL && str_copy(out, size, text);
}

static int
take_program(struct journal *j, sqlite3_stmt *s, struct prepare_program *p,
    struct err *e)
{
	(void)j;
	memset(p, 0, sizeof(*p));
	if (!journal_take_text(s, 0, p->hash, sizeof(p->hash)) ||
	    !journal_take_text(s, 1, p->digest, sizeof(p->digest)) ||
	    !journal_take_text(s, 2, p->sender, sizeof(p->sender)) ||
	    !journal_take_text(s, 5, p->cron, sizeof(p->cron)) ||
	    !journal_take_text(s, 6, p->subscriptions,
		sizeof(p->subscriptions)))
		return err_set(e, ERR_SYSTEM, "journal: a damaged row");
	p->unverified = sqlite3_column_int(s, 3) != 0;
	p->on_http = sqlite3_column_int(s, 4) != 0;
	p->persistent = sqlite3_column_int(s, 8) != 0;
	p->interface = (uint8_t)sqlite3_column_int(s, 9);
	p->wall_ns = (uint64_t)sqlite3_column_int64(s, 10);
	return 0;
}

int
journal_forget_program(struct journal *j, const char *hash, uint64_t now_ns,
    struct err *e)
{
	int r;

	sqlite3_bind_int64(j->forget, 1, (sqlite3_int64)now_ns);
	journal_bind_text(j->forget, 2, hash);
	r = sqlite3_step(j->forget);
	if (r == SQLITE_DONE)
		j->functions -= (uint64_t)sqlite3_changes(j->db);
	else
		journal_fail(j, "forget", e);
	sqlite3_reset(j->forget);
	return r == SQLITE_DONE ? 0 : -1;
}

void
journal_load(const struct journal *j, uint64_t *functions, uint64_t *waiting,
    uint64_t *bytes)
{
	*functions = j->functions;
	*waiting = j->jobs_waiting;
	*bytes = j->jobs_bytes;
}

int
journal_find_program(struct journal *j, const char *hash,
    struct prepare_program *p, struct err *e)
{
	int r;

	journal_bind_text(j->find, 1, hash);
	r = sqlite3_step(j->find);
	if (r == SQLITE_ROW)
		r = take_program(j, j->find, p, e);
	else if (r == SQLITE_DONE)
		r = err_set(e, ERR_NOT_FOUND, "%s: nobody published it", hash);
	else
		r = journal_fail(j, "find", e);
	sqlite3_reset(j->find);
	return r;
}

int
journal_each_program(struct journal *j,
    int (*fn)(void *, const struct prepare_program *, uint64_t), void *arg,
    struct err *e)
{
	static struct prepare_program p; /* a large one */
	int r, status = 0;

	while (status == 0 && (r = sqlite3_step(j->each)) == SQLITE_ROW) {
		status = take_program(j, j->each, &p, e);
		if (status == 0)
			status = fn(arg, &p,
			    (uint64_t)sqlite3_column_int64(j->each, 7));
	}
	if (status == 0 && r != SQLITE_DONE)
		status = journal_fail(j, "list", e);
	sqlite3_reset(j->each);
	return status;
}

int
journal_get_feed(struct journal *j, const char *url, uint64_t *heard_ns,
    struct err *e)
{
	sqlite3_stmt *s;
	int r;

	*heard_ns = 0;
	if (journal_prepare(j, "SELECT heard_ns FROM feed WHERE url = ?", &s,
		e) == -1)
		return -1;
	journal_bind_text(s, 1, url);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW)
		*heard_ns = (uint64_t)sqlite3_column_int64(s, 0);
	else if (r != SQLITE_DONE)
		journal_fail(j, "feed", e);
	sqlite3_finalize(s);
	return r == SQLITE_ROW || r == SQLITE_DONE ? 0 : -1;
}

int
journal_set_feed(struct journal *j, const char *url, uint64_t heard_ns,
    struct err *e)
{
	sqlite3_stmt *s;
	int r;

	if (journal_prepare(j,
		"INSERT INTO feed (url, heard_ns) VALUES (?, ?)"
		" ON CONFLICT (url) DO UPDATE SET heard_ns = excluded.heard_ns",
		&s, e) == -1)
		return -1;
	journal_bind_text(s, 1, url);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)heard_ns);
	r = sqlite3_step(s);
	if (r != SQLITE_DONE)
		journal_fail(j, "feed", e);
	sqlite3_finalize(s);
	return r == SQLITE_DONE ? 0 : -1;
}
