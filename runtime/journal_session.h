/*
 * Sessions in the journal (journal.h): what session_ops.h keeps, and all of it
 * again after a restart.  Each is on the disk when it returns.
 */
#ifndef RUNTIME_JOURNAL_SESSION_H
#define RUNTIME_JOURNAL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/session.h"

struct err;
struct journal;
struct session_given;

/* A session as it is written down; number: names its state on the disk. */
struct journal_session {
	uint64_t number;
	const char *id;
	const struct machine_config *machine;
	struct session_cycles cycles;
	struct session_deadlines deadlines;
	const char *refs; /* what its message stood for when it was started */
	uint64_t epoch;   /* the first */
	const struct merkle_hash *hash;
	const struct buf *content; /* of its ranges, when it was started */
};

/* One that no session had, or has. */
int journal_next_session(struct journal *, uint64_t *number, struct err *);

int journal_add_session(struct journal *, const struct journal_session *,
    struct err *);
int journal_add_input(struct journal *, uint64_t number,
    const struct session_given *, struct err *);

/*
 * The first that waits is done, in that epoch.  content: of all ranges, and the
 * number of accepted inputs is one more; NULL: it was not accepted.  outputs:
 * of one that is kept, to be run again: what it put out, as text; or NULL.
 */
int journal_add_done(struct journal *, uint64_t number, uint64_t epoch,
    const struct session_done *, const struct buf *content, const char *outputs,
    struct err *);

/* The one behind that (0: the first) of those that are kept.  1: payload is the
 * caller's; 0: there is none. */
struct journal_kept {
	uint64_t number;
	struct rollup_metadata metadata;
	struct buf payload;
	char outputs[65];
};
int journal_next_kept(struct journal *, uint64_t session, uint64_t after,
    struct journal_kept *, struct err *);

int journal_add_epoch(struct journal *, uint64_t number, uint64_t epoch,
    const struct merkle_hash *, struct err *);
int journal_taint_session(struct journal *, uint64_t number,
    const struct session_taint *, struct err *);
int journal_end_session(struct journal *, uint64_t number, struct err *);

/* How they are read: each session, then its epochs with what is done in each,
 * then the inputs that wait, then its end. */
struct journal_session_reader {
	int (*session)(void *arg, const struct journal_session *,
	    uint64_t accepted, const struct session_taint *, struct err *);
	int (*epoch)(void *arg, uint64_t index, const struct merkle_hash *);
	int (*done)(void *arg, const struct session_done *);
	int (*input)(void *arg, const struct rollup_metadata *,
	    const void *payload, size_t len);
	int (*end)(void *arg);
};
int journal_each_session(struct journal *,
    const struct journal_session_reader *, void *arg, struct err *);

#endif
