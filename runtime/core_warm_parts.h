/* Between the files of core_warm.h: a function, and its calls. */
#ifndef RUNTIME_CORE_WARM_PARTS_H
#define RUNTIME_CORE_WARM_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "messages/item_hash.h"
#include "messages/launch_msgs.h"

struct core_run;
struct core_warm;
struct err;

struct core_warm_call {
	struct core_warm_function *of;
	struct core_warm_call *next;
	uint32_t serial; /* of front; 0: it is gone */
	uint64_t job;
	struct core_run *run; /* NULL: it waits for one */
	bool asked;           /* a connection; it comes back to this */
	bool admitted, left;
	bool may_be_next; /* a connection that served before will do */
	uint64_t began_ns;
	struct loop_timer timer; /* the next knock; then what seconds allow */
};

/* Connections that served, and may again: few, and not for long, since a server
 * may serve one at a time, or close one that nobody uses. */
#define CORE_WARM_KEPT_MAX 16
struct core_warm_kept {
	int fd;
	uint64_t since_ns;
};

struct core_warm_function {
	struct core_warm *all;
	struct core_warm_function *next;
	char hash[ITEM_HASH_MAX];
	bool on_http, persistent, forgotten;
	uint64_t wall_ns;     /* for a call */
	struct core_run *run; /* that takes calls, or will; NULL: none */
	unsigned nruns;       /* with those that take none any more */
	bool serving;
	uint64_t since_ns; /* it serves */
	struct core_warm_call *calls;
	size_t ncalls;
	struct loop_timer timer; /* idle, or the next start, or health */
	uint64_t pause_ns;
	unsigned unhealthy;
	bool asking; /* for its health; the answer comes back to this */
	struct core_warm_kept kept[CORE_WARM_KEPT_MAX]; /* of run */
	size_t nkept;
	struct loop_timer kept_timer;
};

/* ---- core_warm.c ---- */

/* What is to be done next for it, and when. */
void core_warm_look(struct core_warm_function *);

/* Unless something of it is left, or it is to be kept. */
void core_warm_drop(struct core_warm_function *);

/* A machine is done, or took too long. */
void core_warm_end(struct core_run *, enum launch_cause);

/* ---- core_warm_kept.c ---- */

/* Taken over if there is room. */
void core_warm_kept_add(struct core_warm_function *, int *fd);

/* One that is open yet and has nothing to say; or -1. */
int core_warm_kept_take(struct core_warm_function *);

/* Its run takes no calls any more. */
void core_warm_kept_close(struct core_warm_function *);

/* ---- core_warm_call.c ---- */

/* It gets a connection to the machine that serves. */
void core_warm_call_attach(struct core_warm_call *);

/* REFUSED, or ENDED, and it is gone; one whose connection is asked for yet goes
 * when that comes. */
void core_warm_call_refuse(struct core_warm_call *, const struct err *);
void core_warm_call_end(struct core_warm_call *, enum launch_cause);
void core_warm_call_free(struct core_warm_call *);

/* Those that no machine has yet. */
bool core_warm_call_waits(const struct core_warm_function *);
void core_warm_call_refuse_waiting(struct core_warm_function *,
    const struct err *);

#endif
