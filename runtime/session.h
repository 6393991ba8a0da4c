/*
 * Sessions: machines with state that are given inputs, one after the other, and
 * asked questions (messages/proto/server-manager.proto).  An input that the
 * machine accepts is there for good; of any other nothing is left but its
 * place, its reports, and why.
 *
 * Pure: machines, the disk and the clock are the owner's (session_ops.h), and
 * the owner says what becomes of them (session_tell.h).  A session's checks
 * come in the order in which clients of other servers know them, in their
 * words.
 */
#ifndef RUNTIME_SESSION_H
#define RUNTIME_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "messages/grpc.h"
#include "messages/machine_config.h"
#include "messages/merkle.h"
#include "messages/merkle_epoch.h"
#include "messages/processed.h"
#include "messages/rollup.h"

struct processed;
struct session;
struct session_ops;
struct sessions;

#define SESSION_TEXT 512

/* ---- limits ---- */

struct session_cycles {
	uint64_t max_advance, advance_increment, max_inspect, inspect_increment;
};

/* In milliseconds; 0 is no time at all. */
struct session_deadlines {
	uint64_t checkin, advance, advance_increment, inspect,
	    inspect_increment, machine, store, fast;
};

/* ---- what came of it ---- */

struct session_taint {
	enum grpc_status status; /* GRPC_OK: there is none */
	char text[SESSION_TEXT];
};

/* An input that is done. */
struct session_done {
	enum processed_status status; /* of one that is done just now */
	struct merkle_hash machine;   /* the last accepted one's */
	struct merkle_hash leaf[2];   /* of the epoch: vouchers, notices */
	struct buf body;              /* processed_put_body() */
};

struct session_epoch {
	uint64_t index;
	bool finished;
	struct merkle_hash machine; /* after the last that was accepted */
	struct merkle_epoch vouchers, notices;
	struct session_done *done;
	size_t ndone, size;
	struct session_epoch *next; /* of a higher index */
};

/* ---- who asks, and what he is told ---- */

struct session_answer {
	enum grpc_status status;
	const char *text;
	/* If it is GRPC_OK, as the call needs it; borrowed. */
	const struct session *session;
	const struct session_epoch *epoch;
	const struct processed *result; /* of a query */
	uint64_t input_index;           /* the next one */
};

/* Lives in its owner until it is answered, or forgotten. */
struct session_call {
	const char *rpc, *peer;
	/* Once; it may be freed there, but none of these may be called.  What
	 * it says is borrowed. */
	void (*answered)(struct session_call *, const struct session_answer *);
};

struct session_start {
	const char *id, *directory;
	uint64_t epoch;
	const struct session_cycles *cycles;       /* NULL: not said */
	const struct session_deadlines *deadlines; /* NULL: not said */
};

struct session_advance {
	const char *id;
	uint64_t epoch, input_index;
	bool has_metadata, has_sender;
	size_t sender_len; /* what it is, if it is no address */
	struct rollup_metadata metadata;
	const void *payload;
	size_t len;
};

struct sessions *session_open(const struct session_ops *, void *owner);
void session_close(struct sessions *);

void session_start(struct sessions *, const struct session_start *,
    struct session_call *);
void session_advance(struct sessions *, const struct session_advance *,
    struct session_call *);
void session_inspect(struct sessions *, const char *id, const void *query,
    size_t len, struct session_call *);
void session_finish(struct sessions *, const char *id, uint64_t epoch,
    uint64_t count, const char *directory, struct session_call *);
void session_end(struct sessions *, const char *id, struct session_call *);
void session_status(struct sessions *, const char *id, struct session_call *);
void session_epoch_status(struct sessions *, const char *id, uint64_t epoch,
    struct session_call *);

/* Nobody waits for its answer any more; what it began goes on. */
void session_forget(struct sessions *, struct session_call *);

#endif
