/*
 * What functions write beside their work, for whoever looks after them:
 * logs/HASH.log, and the one before it in logs/HASH.log.1.
 *
 *   2026-11-27T07:23:11.123Z 3-12 stderr what it wrote
 *
 * A line has a time, the run, the stream (stdout, stderr, or node for what core
 * says of the run), and the text, in which nothing is left that a terminal
 * would obey.  A file is never longer than one function may keep, all are never
 * larger than all may: the oldest go.  Nothing waits for a log, and nothing
 * fails because of one: what cannot be written is counted.
 */
#ifndef RUNTIME_CORE_LOGS_H
#define RUNTIME_CORE_LOGS_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/core_journald.h"

struct ceiling_node;
struct err;

#define CORE_LOGS_DIR "logs"
#define CORE_LOGS_LINE 4096        /* bytes; a longer one is broken */
#define CORE_LOGS_RATE (128 << 10) /* bytes a second, of one run's stream */

struct core_logs {
	int dir;
	const struct ceiling_node *rules;
	uint64_t total;   /* bytes of all files */
	uint64_t dropped; /* bytes that could not be kept */
	struct core_journald journald;
};

/* One stream of a run: what is open of a line, and of its second. */
struct core_logs_stream {
	const char *name, *hash, *run; /* borrowed */
	size_t len;
	uint64_t second, left_out;
	size_t in_second;
	char line[CORE_LOGS_LINE];
};

/* In the working directory.  journald: core_journald.h; -1, or taken over. */
int core_logs_open(struct core_logs *, const struct ceiling_node *,
    int journald, struct err *);
void core_logs_close(struct core_logs *);

void core_logs_take(struct core_logs *, struct core_logs_stream *,
    const char *data, size_t len);

/* What stands in it without a newline is a line. */
void core_logs_end(struct core_logs *, struct core_logs_stream *);

/* A line of core's own. */
void core_logs_say(struct core_logs *, const char *hash, const char *run,
    const char *text);

#endif
