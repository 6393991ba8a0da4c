/*
 * The core of a node: it owns what is published and what runs, and talks to
 * the monitor, the launcher, the preparers, cella-dns and front, each over a
 * socket of its own, on one loop.  It reads no byte that a caller sent.
 */
#ifndef RUNTIME_CORE_H
#define RUNTIME_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "messages/frame_link.h"
#include "policy/ceiling.h"
#include "runtime/core_audit.h"
#include "runtime/core_cron.h"
#include "runtime/core_feed.h"
#include "runtime/core_fetch.h"
#include "runtime/core_jobs.h"
#include "runtime/core_keys.h"
#include "runtime/core_launcher.h"
#include "runtime/core_logs.h"
#include "runtime/core_prepare.h"
#include "runtime/core_program.h"
#include "runtime/core_queue.h"
#include "runtime/core_session.h"
#include "runtime/core_warm.h"
#include "runtime/metrics.h"

struct core_run;
struct err;
struct journal;
struct value;

#define CORE_RUNS_MAX 256
#define CORE_SPARES 4       /* slots kept ready */
#define CORE_PUBLISH_MAX 64 /* messages waiting to be read */

struct core {
	struct loop *loop;
	struct ceiling ceiling;
	struct journal *journal;
	struct frame_link monitor, front, dns;
	struct core_launcher launcher;
	struct core_prepare prepare;
	struct core_fetch fetch;
	struct core_feed feed;
	struct core_programs programs;
	struct core_audit audit;
	struct core_queue queue;
	struct metrics metrics;
	uint64_t started_ns; /* CLOCK_REALTIME */
	struct core_jobs jobs;
	struct core_keys keys;
	struct core_logs logs;
	struct core_warm warm;
	struct core_cron cron;
	struct core_sessions sessions;
	struct core_session_machine *session_machines;
	struct buf subscriptions; /* core_events.c: lines, once they are read */
	bool has_subscriptions;
	unsigned nevents; /* messages that are being matched */
	long ncpus;       /* of the host */
	const char *boot; /* of the host; borrowed */
	int journald;     /* for core_logs_open() */
	uint32_t life; /* number of this core's, of all that had the journal */
	struct core_run *runs; /* those of this front and of those before */
	size_t nruns;
	uint64_t last_run;
	struct core_exec *execs; /* programs that joined machines */
	unsigned nexecs;
	uint64_t last_exec;
	unsigned npublish; /* messages that are being read */
	uint32_t nfronts;  /* that came so far */
	bool draining;
	int status;      /* of the loop's end */
	struct err *why; /* of a bad one */
};

/* Serves until the monitor is gone; both sockets are taken over. */
int core_serve(struct core *, int monitor, int launcher, struct err *);

void core_answer_text(struct core *, uint32_t serial, const char *);

/* To front: a whole answer, whose value is taken over; or why there is none. */
void core_answer(struct core *, uint32_t serial, struct value *);
void core_refuse(struct core *, uint32_t serial, const struct err *,
    const char *problems);

/* One line for the operator. */
void core_log(const char *, ...) __attribute__((format(printf, 1, 2)));

/* Every run that was refused or that ended: drained, when it was the last. */
void core_run_is_over(struct core *);

#endif
