/*
 * The sessions of a node: what session.h wants done is done here, by machines
 * (core_session_machine.h), by cella-files (core_files.h) and by the journal.
 * Each input starts where its machine first waited, on the committed state; the
 * machine of the input before is gone by then.
 */
#ifndef RUNTIME_CORE_SESSION_H
#define RUNTIME_CORE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/core_files.h"

struct core;
struct core_session;
struct core_session_call;
struct err;
struct frame;
struct sessions;

struct core_sessions {
	struct core *core;
	struct core_files files;
	struct sessions *all;
	struct core_session *first;
	struct core_session_call *calls; /* that front waits for */
	bool restored;
};

void core_sessions_open(struct core_sessions *, struct core *);
void core_sessions_close(struct core_sessions *);

/* cella-files is there, or there again. */
int core_sessions_attach(struct core_sessions *, int sock, struct err *);

/* What is there, for metrics.h. */
void core_session_count(const struct core_sessions *, uint64_t *sessions,
    uint64_t *tainted, uint64_t *pending);

/* FRONT_SESSION, FRONT_SESSION_LEFT. */
int core_sessions_hear(void *core, struct frame *, struct err *);
int core_sessions_hear_left(void *core, struct frame *, struct err *);
void core_sessions_front_gone(struct core_sessions *);

#endif
