/* Between the files of core_run.h: a run, and how it is closed. */
#ifndef RUNTIME_CORE_RUN_PARTS_H
#define RUNTIME_CORE_RUN_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "messages/frame.h"
#include "messages/front_msgs.h"
#include "messages/item_hash.h"
#include "messages/launch_msgs.h"
#include "policy/quota.h"
#include "runtime/core_drain.h"
#include "runtime/core_launcher.h"
#include "runtime/core_logs.h"
#include "runtime/core_run.h"
#include "runtime/journal_key.h"
#include "runtime/pipes.h"

struct core_assembly;
struct core_warm_function;

enum core_run_state {
	RUN_PREPARING, /* its assembly is made */
	RUN_QUEUED,    /* there is no room for it yet */
	RUN_RECORDING, /* that it is admitted */
	RUN_STARTING,  /* CREATE is asked */
	RUN_KNOCKING,  /* its server does not listen yet */
	RUN_ADMITTED,
	RUN_ENDED, /* the machine is gone; its export may be packed yet */
};

struct core_run {
	struct core *core;
	struct core_run *next;
	uint64_t number;
	char id[CORE_RUN_ID];
	uint32_t serial; /* of front; 0: nothing more is told */
	bool left;       /* front needs the machine no longer */
	bool recorded;   /* that it is admitted: its end is recorded too */
	struct quota_need need;
	struct core_warm_function *warm; /* whose machine it is; or NULL */
	unsigned ncalls, served;         /* of that: now, and ever */
	bool refused;                    /* why says it */
	bool holds;                      /* what it needs */
	struct loop_timer patience;      /* in the queue */
	struct core_run *after;          /* in the queue */
	bool created_it, ran;
	char hash[ITEM_HASH_MAX];
	const char *kind;           /* of the trigger */
	uint64_t job;               /* 0: a caller waits */
	char key[JOURNAL_KEY_NAME]; /* name of the one he showed */
	enum core_run_state state;
	uint64_t started_ns, began_ns; /* CLOCK_REALTIME, CLOCK_MONOTONIC */
	struct core_assembly *assembly;
	struct core_machine machine;
	struct loop_timer deadline, retry;
	int to, from;  /* front's ends, until it has them */
	bool knocking; /* a CONNECT is on its way, and comes back to it */
	bool told;     /* ADMITTED or REFUSED was sent */
	bool heard;    /* what front saw of it */
	bool failed;   /* why says it */
	struct err why;
	struct front_left facts;
	char export[65];
	uint64_t export_bytes;
	struct err export_why;
	bool export_failed;
	struct core_drain out, err;
	struct core_logs_stream out_log, err_log;
	struct launch_created created;
	struct launch_exited exited;
};

/* core_run.c: for people. */
const char *core_run_state_name(const struct core_run *);

/* core_run.c: there is room for it, and it has it. */
void core_run_go_on(struct core_run *);

/* core_run.c: it does not run; or what runs of it must end. */
void core_run_give_up(struct core_run *, const struct err *why);

/*
 * core_run_ends.c: the machine's ends of what it reads and writes, closed once
 * they are passed on; front's are kept in the run, and its standard error is
 * read from now on.
 */
int core_run_ends_make(struct core_run *, struct pipes_ends *, struct err *);

/* core_run_end.c: nothing of it is left; what is open is closed. */
void core_run_end_free(struct core_run *);

/*
 * Every task is dead, what they wrote is read, and front has said what it saw:
 * the export is packed, the end is recorded, and the run is gone.  Else nothing
 * happens yet.
 */
void core_run_end_finish(struct core_run *);

#endif
