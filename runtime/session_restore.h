/*
 * Sessions as a journal has them, after a restart (session_ops.h says what it
 * was told).  They are locked until their machine waits again, and then go on
 * where they were: the input that ran runs again.
 */
#ifndef RUNTIME_SESSION_RESTORE_H
#define RUNTIME_SESSION_RESTORE_H

#include "runtime/session.h"

struct session_image {
	const char *id;
	const struct machine_config *machine;
	struct session_cycles cycles;
	struct session_deadlines deadlines;
	const struct session_taint *taint; /* NULL: there is none */
	/* Of the ranges after the last accepted input; NULL: as it was loaded,
	 * and what the machine says then counts. */
	const struct buf *content;
};

/* Its epochs follow, in their order, each with its inputs, and then those that
 * wait; NULL: the id is taken. */
struct session *session_restore(struct sessions *,
    const struct session_image *);

/* machine: as it was when the epoch began. */
void session_restore_epoch(struct session *, uint64_t index,
    const struct merkle_hash *machine);

/* The body is copied. */
void session_restore_done(struct session *, const struct session_done *);
void session_restore_input(struct session *, const struct rollup_metadata *,
    const void *payload, size_t len);

/* That was all: its machine is loaded. */
void session_restore_end(struct session *);

#endif
