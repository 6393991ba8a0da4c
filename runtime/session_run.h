/*
 * How long a machine may be at an input, or at a query: so many cycles in all,
 * in increments that have so many cycles and so much time each; whether the
 * time of all is over is looked at between two of them.  Pure.  A cycle is a
 * nanosecond of CPU time.
 */
#ifndef RUNTIME_SESSION_RUN_H
#define RUNTIME_SESSION_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct session_run {
	/* Limits. */
	uint64_t max, increment; /* cycles */
	uint64_t deadline_ns, increment_deadline_ns;
	/* Since when. */
	uint64_t began_ns, increment_began_ns;
	uint64_t last, increment_end; /* cycles of the machine: absolute */
};

enum session_run_state {
	SESSION_RUN_GOES_ON,
	SESSION_RUN_CYCLES, /* all are used */
	SESSION_RUN_TIME,   /* an increment is, and the time of all is over */
	SESSION_RUN_LATE,   /* an increment took too long */
};

/* With its limits set. */
void session_run_begin(struct session_run *, uint64_t now_ns, uint64_t cycles);

/* From a yield on, another increment. */
void session_run_go_on(struct session_run *, uint64_t now_ns, uint64_t cycles);

/* At a yield only whether all cycles are used is asked. */
enum session_run_state session_run_look(struct session_run *, uint64_t now_ns,
    uint64_t cycles, bool yielded);

/* In how many nanoseconds there is something to see at the earliest. */
uint64_t session_run_wait(const struct session_run *, uint64_t now_ns,
    uint64_t cycles);

#endif
