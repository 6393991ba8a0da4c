#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "runtime/journal_key.h"
#include "runtime/journal_parts.h"

/* Whoever uses one is an operator who waits: none is kept prepared. */
static int
run(struct journal *j, sqlite3_stmt *s, struct err *e)
{
	int r = sqlite3_step(s);

	if (r != SQLITE_DONE)
		journal_fail(j, "keys", e);
	sqlite3_finalize(s);
	return r == SQLITE_DONE ? 0 : -1;
}

int
journal_add_key(struct journal *j, struct journal_key *k, struct err *e)
{
	sqlite3_stmt *s;

	if (journal_prepare(j,
		"INSERT INTO key (hash, digest, name, rate, created_ns)"
		" VALUES (?, ?, ?, ?, ?)",
		&s, e) == -1)
		return -1;
	journal_bind_text(s, 1, k->hash);
	journal_bind_text(s, 2, k->digest);
	journal_bind_text(s, 3, k->name);
	sqlite3_bind_int64(s, 4, k->rate);
	sqlite3_bind_int64(s, 5, (sqlite3_int64)k->created_ns);
	if (run(j, s, e) == -1)
		return -1;
	k->number = (uint64_t)sqlite3_last_insert_rowid(j->db);
	return 0;
}

int
journal_revoke_key(struct journal *j, uint64_t number, uint64_t now_ns,
    struct err *e)
{
	sqlite3_stmt *s;

	if (journal_prepare(j,
		"UPDATE key SET revoked_ns = ?"
		" WHERE number = ? AND revoked_ns = 0",
		&s, e) == -1)
		return -1;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)now_ns);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)number);
	return run(j, s, e);
}

int
journal_drop_keys(struct journal *j, const char *hash, struct err *e)
{
	sqlite3_stmt *s;

	if (journal_prepare(j, "DELETE FROM key WHERE hash = ?", &s, e) == -1)
		return -1;
	journal_bind_text(s, 1, hash);
	return run(j, s, e);
}

static int
take(sqlite3_stmt *s, struct journal_key *k, struct err *e)
{
	memset(k, 0, sizeof(*k));
	k->number = (uint64_t)sqlite3_column_int64(s, 0);
	if (!journal_take_text(s, 1, k->hash, sizeof(k->hash)) ||
	    !journal_take_text(s, 2, k->digest, sizeof(k->digest)) ||
	    !journal_take_text(s, 3, k->name, sizeof(k->name)))
		return err_set(e, ERR_SYSTEM, "journal: a damaged row");
	k->rate = (uint32_t)sqlite3_column_int64(s, 4);
	k->created_ns = (uint64_t)sqlite3_column_int64(s, 5);
	k->revoked_ns = (uint64_t)sqlite3_column_int64(s, 6);
	return 0;
}

int
journal_each_key(struct journal *j,
    int (*fn)(void *, const struct journal_key *), void *arg, struct err *e)
{
	struct journal_key k;
	sqlite3_stmt *s;
	int r = SQLITE_DONE, status = 0;

	if (journal_prepare(j,
		"SELECT number, hash, digest, name, rate, created_ns,"
		" revoked_ns FROM key ORDER BY number",
		&s, e) == -1)
		return -1;
	while (status == 0 && (r = sqlite3_step(s)) == SQLITE_ROW) {
		status = take(s, &k, e);
		if (status == 0)
			status = fn(arg, &k);
	}
	if (status == 0 && r != SQLITE_DONE)
		status = journal_fail(j, "keys", e);
	sqlite3_finalize(s);
	return status;
}
