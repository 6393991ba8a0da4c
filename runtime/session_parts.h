/* Between the files of session.h: what a session is; session_work.h: what each
 * does. */
#ifndef RUNTIME_SESSION_PARTS_H
#define RUNTIME_SESSION_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "messages/processed.h"
#include "runtime/session.h"
#include "runtime/session_memory.h"
#include "runtime/session_ops.h"
#include "runtime/session_run.h"
#include "runtime/session_tell.h"

/* Of what one input, or one query, puts out: all payloads together. */
#define SESSION_RESULT_MAX ((size_t)64 << 20)

enum session_state {
	SESSION_LOADING,   /* until its directory is read */
	SESSION_STARTING,  /* until the machine waits */
	SESSION_RESTORING, /* the same, after a restart */
	SESSION_IDLE,
	SESSION_RUNNING,  /* an input, or a query */
	SESSION_WEIGHING, /* the input was accepted */
	SESSION_APPLYING,
	SESSION_DISCARDING, /* it was not, or it was a query */
	SESSION_PAUSING,    /* what came of it cannot be kept now */
	SESSION_STORING,
	SESSION_FAILING, /* it never began, and the machine stops */
	SESSION_STOPPING,
	SESSION_STUCK, /* tainted: the machine has stopped, or will */
};

/* An input that waits; its payload follows. */
struct session_input {
	struct session_input *next;
	struct rollup_metadata metadata;
	size_t len;
	unsigned char payload[];
};

struct session {
	struct sessions *all;
	struct session *next, **place;
	char *id;
	void *machine_of; /* the owner's */

	struct machine_config machine;
	struct session_cycles cycles;
	struct session_deadlines deadlines;
	uint64_t first_epoch, asked_ns;

	enum session_state state;
	struct session_taint taint;

	/* Who has the session to himself; NULL: nobody has. */
	const char *locked_by;
	char locked_from[128];
	struct session_call *call; /* that waits; NULL: nobody, or he is gone */

	struct session_epoch *epochs, *active;
	struct session_input *inputs, **last_input; /* of the active one */
	uint64_t pending;

	/* A query that waits, or is the machine's. */
	struct session_input *query;
	bool is_query;      /* the machine has that, and not an input */
	char *store_to;     /* FinishEpoch waits for the machine */
	bool is_kept_later; /* what came of it could not be kept */
	bool is_stopped;
	bool has_content; /* of its ranges, from the journal */

	struct session_memory memory,
	    next_memory; /* committed; while it runs */
	struct session_run run;
	struct processed result;
};

struct sessions {
	const struct session_ops *ops;
	void *owner;
	struct session *first;
};

#endif
