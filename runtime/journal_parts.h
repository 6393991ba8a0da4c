/* Between the files of the journal: journal.c, journal_job.c,
 * journal_session.c. */
#ifndef RUNTIME_JOURNAL_PARTS_H
#define RUNTIME_JOURNAL_PARTS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define JOURNAL_SESSION_STATEMENTS 8

struct journal {
	sqlite3 *db;
	sqlite3_stmt *add, *find, *each, *forget;
	sqlite3_stmt *job_add, *job_next, *job_due, *job_begin, *job_end,
	    *job_busy, *job_find, *job_each, *job_prune, *job_recover,
	    *job_load, *job_size, *job_drop;
	sqlite3_stmt *slot_get, *slot_set;
	sqlite3_stmt *session[JOURNAL_SESSION_STATEMENTS];
	uint64_t functions;
	uint64_t jobs_waiting, jobs_bytes; /* not ended; what all keep */
	uint64_t most_waiting, most_bytes;
};

int journal_fail(struct journal *, const char *what, struct err *);
int journal_execute(struct journal *, const char *sql, struct err *);
int journal_prepare(struct journal *, const char *sql, sqlite3_stmt **,
    struct err *);
void journal_bind_text(sqlite3_stmt *, int at, const char *);
bool journal_take_text(sqlite3_stmt *, int at, char *out, size_t size);

int journal_job_prepare(struct journal *, struct err *);
void journal_job_finalize(struct journal *);
int journal_session_prepare(struct journal *, struct err *);
void journal_session_finalize(struct journal *);

#endif
