/*
 * What a node counts, and its text for whoever collects it (Prometheus text
 * format 0.0.4).  Labels have few values, all of them ours: no function, no
 * sender, no path.  Pure.
 */
#ifndef RUNTIME_METRICS_H
#define RUNTIME_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "messages/processed.h"
#include "policy/quota.h"
#include "policy/verdict.h"

struct buf;

enum metrics_trigger {
	METRICS_HTTP,
	METRICS_CRON,
	METRICS_MESSAGE,
	METRICS_ASYNC,
	METRICS_WARM,
	METRICS_PERSISTENT,
	METRICS_TRIGGERS,
};

#define METRICS_BUCKETS 14
#define METRICS_VERDICTS (VERDICT_OK + 1)
#define METRICS_CODES (ERR_SYSTEM + 1)
#define METRICS_INPUTS (PROCESSED_TIME + 1)

struct metrics_histogram {
	uint64_t bucket[METRICS_BUCKETS + 1]; /* the last: above all bounds */
	uint64_t sum_ns;
};

/* What became of a feed's messages. */
enum metrics_feed_message {
	METRICS_FEED_DELIVERED, /* functions subscribed to it */
	METRICS_FEED_PUBLISHED, /* an owner's word on what is here */
	METRICS_FEED_IGNORED,
	METRICS_FEED_UNVERIFIED,
	METRICS_FEED_REFUSED,
	METRICS_FEED_MESSAGES,
};

struct metrics_feed {
	bool there, up; /* the policy names one; it is connected */
	uint64_t messages[METRICS_FEED_MESSAGES];
};

/* Since the start of this core. */
struct metrics {
	uint64_t runs[METRICS_TRIGGERS][METRICS_VERDICTS];
	uint64_t refusals[METRICS_CODES];
	uint64_t inputs[METRICS_INPUTS]; /* of sessions, that are done */
	struct metrics_histogram start;  /* from the trigger to a machine */
	struct metrics_histogram run;    /* of machines, wall time */
	uint64_t cpu_ns;
	struct metrics_feed feed;
};

/* What is, at the moment. */
struct metrics_now {
	uint64_t started_ns; /* CLOCK_REALTIME */
	uint64_t functions, runs, queued;
	uint64_t sessions, tainted, inputs_pending;
	uint64_t jobs_waiting, jobs_bytes;
	uint64_t audit_records;
	bool audit_fails;
	uint64_t log_bytes, log_dropped;
	const struct quota *quota;
};

void metrics_observe(struct metrics_histogram *, uint64_t ns);

/* The trigger of that name; METRICS_HTTP for any other. */
enum metrics_trigger metrics_trigger_of(const char *name);

void metrics_write(struct buf *, const struct metrics *,
    const struct metrics_now *);

#endif
