/*
 * Calls that nobody waits for (journal_job.h): they are called one after the
 * other as they become due, through front, and what came of each is kept.  A
 * call that may be made again is, later and later, and is given up at last.
 */
#ifndef RUNTIME_CORE_JOBS_H
#define RUNTIME_CORE_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "runtime/journal_job.h"

struct buf;
struct core;
struct core_job;
struct frame;
struct value;

#define CORE_JOBS_MAX 32 /* at a time */
#define CORE_JOBS_ATTEMPTS 6
/* After their end. */
#define CORE_JOBS_KEPT_NS (7 * 86400 * UINT64_C(1000000000))
#define CORE_JOBS_LISTED 1000

struct core_jobs {
	struct core *core;
	struct loop_timer tick, prune;
	struct core_job *first;
	size_t n;
	uint32_t serial;
};

/* What a life before this one left running is decided on. */
int core_jobs_open(struct core_jobs *, struct core *, struct err *);
void core_jobs_close(struct core_jobs *);

/* One was added, or front came: some may be called now. */
void core_jobs_kick(struct core_jobs *);

/* FRONT_INVOKED. */
int core_jobs_hear(void *core, struct frame *, struct err *);

void core_jobs_front_gone(struct core_jobs *);

/*
 * Front triggers a job that runs, of that function: its kind.  False: there is
 * none, or front did so before, and one start is one call.
 */
bool core_jobs_trigger(struct core_jobs *, uint64_t number, const char *hash,
    enum journal_job_kind *);

/*
 * Whether anything of its call was begun: a cron slot that was is never called
 * again, and one that was not has another chance.
 */
void core_jobs_set_begun(struct core_jobs *, uint64_t number, bool begun);

/* The request of a job whose body is JSON, for journal_add_job(). */
void core_jobs_put_request(struct buf *, const char *event, const char *hash,
    const char *name);

/* The newest of them, for people and programs; the caller frees. */
struct value *core_jobs_list(const struct core_jobs *, struct err *);

/*
 * When to try again after that many attempts, in ns from now: 1, 4, 16, 64 s...
 */
uint64_t core_jobs_pause(unsigned attempts);

#endif
