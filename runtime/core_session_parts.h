/* Between the files of core_session.h: what core has of a session. */
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
	bool memory_kept;    /* it goes on to the next input */
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

struct core_session *core_session_new(struct core_sessions *, struct session *);
void core_session_free(struct core_session *);

/* ---- core_session_load.c ---- */

/* As session_ops.h. */
void core_session_load(void *owner, struct session *, const char *directory);

/* A state that was open is opened again. */
void core_session_reopen(struct core_session *);

/* What only loading needs goes. */
void core_session_end_load(struct core_session *);

/* It is over, and nothing of it runs: recorded, if it was admitted. */
void core_session_record_end(struct core_session *);

/* parts: of an answer (files_msgs.h). */
bool core_session_get_parts(struct buf *, struct session_parts *);

/* ---- core_session_drive.c ---- */

/* A new machine on what is committed, until it waits. */
void core_session_start_machine(struct core_session *, enum core_session_phase);

void core_session_give(void *owner, struct session *,
    const struct session_given *);
void core_session_go_on(void *owner, struct session *);
void core_session_weigh(void *owner, struct session *);
void core_session_apply(void *owner, struct session *);
void core_session_discard(void *owner, struct session *);
void core_session_store(void *owner, struct session *, const char *);
void core_session_stop(void *owner, struct session *);
uint64_t core_session_cycles(void *owner, struct session *);

/* It is given what it was given already, or something new. */
void core_session_say(struct core_session *, const struct session_given *);

/* Of vouchers, notices and reports: whether it may be, and DONE. */
enum channel_done core_session_check_output(const struct core_session *,
    uint32_t kind, size_t len);
void core_session_say_done(struct core_session *, enum channel_done,
    uint64_t index);

/* ---- core_session_replay.c ---- */

/* A kept machine waits for the first time: what it accepted before runs again,
 * and then it is ready. */
void core_session_replay_begin(struct core_session *);
void core_session_replay_heard(struct core_session *,
    const struct channel_frame *);
void core_session_replay_end(struct core_session *);

/* What runs again does something else: the session is tainted. */
void core_session_replay_differs(struct core_session *, const char *how);

/* After the last: core_session_drive.c goes on. */
void core_session_replayed(struct core_session *);

/* ---- core_session_keep.c ---- */

int core_session_keep_session(void *owner, struct session *, struct err *);
int core_session_keep_input(void *owner, struct session *,
    const struct session_given *, struct err *);
int core_session_keep_done(void *owner, struct session *,
    const struct session_done *, const struct buf content[MACHINE_RANGES],
    struct err *);
int core_session_keep_epoch(void *owner, struct session *, struct err *);
void core_session_keep_taint(void *owner, struct session *,
    const struct session_taint *);
int core_session_keep_end(void *owner, struct session *, struct err *);

/* Those that the journal has. */
int core_session_restore(struct core_sessions *, struct err *);

#endif
