/* Between the files of core_session.h: what core has of a session;
 * core_session_work.h: what each does. */
#ifndef RUNTIME_CORE_SESSION_PARTS_H
#define RUNTIME_CORE_SESSION_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "messages/channel.h"
#include "messages/item_hash.h"
#include "messages/launch_msgs.h"
#include "messages/machine_config.h"
#include "policy/quota.h"
#include "runtime/core_run.h"
#include "runtime/core_session.h"
#include "runtime/session_ops.h"
#include "runtime/session_tell.h"

struct core_assembly;
struct core_session_again;
struct core_session_machine;
struct sha256;

enum core_session_phase {
	CORE_SESSION_OPENING,   /* its directory is read */
	CORE_SESSION_PREPARING, /* its message, and what that stands for */
	CORE_SESSION_STARTING,  /* its machine, until it waits: told as ready */
	CORE_SESSION_REVIVING,  /* the same, and nobody is told */
	CORE_SESSION_WAITING,   /* it waits for what comes */
	CORE_SESSION_RUNNING,   /* it has an input, or a query */
	CORE_SESSION_FREEZING,  /* what it wrote is weighed once it is dead */
	CORE_SESSION_WEIGHING,
	CORE_SESSION_WEIGHED,
	CORE_SESSION_APPLYING, /* or what was weighed goes */
	CORE_SESSION_SETTLING, /* or the copy that handled it */
	CORE_SESSION_STOPPED,
};

/* Who is told of something later, unless the session has stopped by then. */
struct core_session_wait {
	struct core_session *session; /* NULL: it has */
};

struct core_session {
	struct core_session *next;
	struct core_sessions *of;
	struct session *session;
	uint64_t number, accepted;
	char run[CORE_RUN_ID]; /* its name in logs */
	enum core_session_phase phase;
	struct loop_timer timer;
	struct loop_timer taint; /* what could not be written down is, later */

	struct machine_config config;
	struct session_parts parts; /* of what is committed, or weighed */
	int tree;
	bool has_state; /* its machine has it mounted */
	char *refs;     /* what its message stands for, as JSON */
	char hash[ITEM_HASH_MAX];

	int message; /* until that stands for something */
	struct loop_timer again;
	struct core_session_wait *wait;
	struct core_assembly *assembly;
	struct quota_need need;
	bool holds;

	struct core_session_machine *machine;
	unsigned revived; /* since it was given something */
	bool is_query;
	bool memory_kept; /* it goes on to the next input */
	bool zygote;      /* copies of it are to handle inputs */
	bool copies;      /* they do */
	bool copy_over;   /* the copy has nothing more to say */
	bool copy_undone; /* its end undoes what it did */
	bool settled;     /* and nothing of it is left */
	struct loop_timer settling;
	struct sha256 *said; /* of a kept one: all that an input put out */
	struct core_session_again *replay; /* what it accepted runs again */
	uint64_t put_out[2];               /* vouchers, notices */
	int done_of;     /* of them: whose DONE is due, or -1 */
	struct buf tx;   /* what a yield brings */
	struct buf held; /* what it is given when it waits: a frame */
	uint32_t held_kind;

	/* For the audit log: it is admitted, and what it used. */
	bool recorded;
	uint64_t began_ns, served;
	struct launch_created created; /* of its last machine */
	struct launch_exited used;     /* by all of them */

	bool restoring;   /* it comes back from the journal */
	bool kept, ended; /* in the journal; and not any more */
	bool *gone;       /* somebody wants to know when it is freed; or NULL */
};

#endif
