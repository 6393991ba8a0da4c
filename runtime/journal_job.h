/*
 * Calls that nobody waits for, in the journal: what cron, a message or an
 * asynchronous caller wants called, until it has been (core_jobs.h).
 */
#ifndef RUNTIME_JOURNAL_JOB_H
#define RUNTIME_JOURNAL_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "messages/item_hash.h"

struct buf;
struct err;
struct journal;

enum journal_job_kind {
	JOURNAL_CRON,    /* once: a slot is never fired twice */
	JOURNAL_MESSAGE, /* again until it is taken, a few times */
	JOURNAL_ASYNC,
	JOURNAL_CALLBACK, /* what came of one, to where its caller wants it */
	JOURNAL_KINDS,
};

enum journal_job_state {
	JOURNAL_WAITING,
	JOURNAL_RUNNING,
	JOURNAL_DONE,
	JOURNAL_DEAD, /* given up: error says why */
	JOURNAL_STATES,
};

#define JOURNAL_JOB_NAME 256
#define JOURNAL_JOB_ERROR 512

struct journal_job {
	uint64_t number;
	enum journal_job_kind kind;
	enum journal_job_state state;
	char hash[ITEM_HASH_MAX];
	char name[JOURNAL_JOB_NAME]; /* no other job has it, ever */
	uint64_t due_ns, created_ns, ended_ns;
	unsigned attempts;
	unsigned status; /* of HTTP; 0: none */
	char error[JOURNAL_JOB_ERROR];
};

const char *journal_job_kind_name(enum journal_job_kind);
const char *journal_job_state_name(enum journal_job_state);

/*
 * Beyond these nothing is taken: jobs that have not ended, and bytes that all
 * of them keep.  Asynchronous calls, which anybody can make, have half of each.
 * Results that are kept for them make room, the oldest first.
 */
#define JOURNAL_JOBS_WAITING 10000
#define JOURNAL_JOBS_BYTES (UINT64_C(1) << 30)
void journal_limit_jobs(struct journal *, uint64_t waiting, uint64_t bytes);

/*
 * Due at due_ns.  One of that name is kept as it is, and fresh is false.  Both
 * blobs are what front is given, and are kept until it has ended.  ERR_BUSY:
 * too many wait.
 */
int journal_add_job(struct journal *, const struct journal_job *,
    const struct buf *request, const struct buf *body, bool *fresh,
    struct err *);

/* All that is added between the two is there, or nothing of it. */
int journal_begin(struct journal *, struct err *);
int journal_commit(struct journal *, struct err *);
void journal_roll_back(struct journal *);

/*
 * The same, and that the slot of that function's expression number place has
 * fired: both or neither.
 */
int journal_fire(struct journal *, const struct journal_job *, unsigned place,
    int64_t slot, const struct buf *request, const struct buf *body,
    bool *fresh, struct err *);

/* The last slot that fired; 0: none has. */
int journal_last_slot(struct journal *, const char *hash, unsigned place,
    int64_t *slot, struct err *);

/* The next slot's predecessor, though nothing is called for it. */
int journal_skip_slot(struct journal *, const char *hash, unsigned place,
    int64_t slot, struct err *);

/* 1: the first that is due, cron before messages before asynchronous calls; its
 * blobs are added.  0: none is. */
int journal_next_job(struct journal *, uint64_t now_ns, struct journal_job *,
    struct buf *request, struct buf *body, struct err *);

/* When the first one is due; UINT64_MAX: none waits. */
int journal_first_due(struct journal *, uint64_t *due_ns, struct err *);

/* It runs: one attempt more, on the disk before anything is called. */
int journal_begin_job(struct journal *, uint64_t number, struct err *);

/* What came of it: state, due, ended, status, error; result may be NULL. */
int journal_end_job(struct journal *, const struct journal_job *,
    const struct buf *result, struct err *);

/* Whether a job of that kind and function waits or runs. */
int journal_has_job(struct journal *, enum journal_job_kind, const char *hash,
    bool *has, struct err *);

/* ERR_NOT_FOUND; result, which may be NULL, is added to. */
int journal_find_job(struct journal *, const char *name, struct journal_job *,
    struct buf *result, struct err *);

/* The newest first, at most that many; fn returns 0 to go on. */
int journal_each_job(struct journal *, unsigned most,
    int (*fn)(void *, const struct journal_job *), void *arg, struct err *);

/* Every one that ran when its node ended, with its request: fn ends it, and
 * says what becomes of it. */
typedef int journal_recover_fn(void *arg, struct journal_job *, struct buf *,
    struct err *);
int journal_recover_jobs(struct journal *, journal_recover_fn *, void *arg,
    struct err *);

/* Those that ended before then go. */
int journal_prune_jobs(struct journal *, uint64_t before_ns, struct err *);

#endif
