/*
 * The slot's own process: prepares itself, starts one machine and waits for its
 * end.  slot.h is the launcher's side; this is what they share.
 */
#ifndef SANDBOX_SLOT_PROCESS_H
#define SANDBOX_SLOT_PROCESS_H

#include "sandbox/child.h"
#include "sandbox/slot_join.h"

/* Lies in memory that launcher and slot share; the machine never sees it. */
struct slot_shared {
	struct child_plan plan;
	struct child_result result;
	struct child_self self; /* of those who join */
	struct join_result joined[SLOT_JOINS_MAX];
};

/* What launcher and slot say to each other. */
enum slot_type {
	SLOT_MAPPED = 1, /* -> */
	SLOT_PREPARED,   /* <- or SLOT_FAILED */
	SLOT_START,      /* -> with descriptors */
	SLOT_STARTED,    /* <- with init's pidfd */
	SLOT_CONNECT,    /* -> port */
	SLOT_CONNECTED,  /* <- with a socket */
	SLOT_NET,    /* -> a link's addresses, whether there is a resolver */
	SLOT_NET_UP, /* <- with the resolver's socket if there is one */
	SLOT_JOIN,   /* -> with descriptors; answers go to one of them */
	SLOT_STATE,  /* -> with a tree */
	SLOT_STATE_REPLACED, /* <- */
	SLOT_RESET,          /* -> may another machine of this tenant come? */
	SLOT_RESET_DONE,     /* <- u8: nothing of the last one is left */
	SLOT_GONE,           /* <- init is reaped */
	SLOT_FAILED,         /* <- error */
};

/* The descriptors of SLOT_START; a byte for each says whether it is there. */
#define SLOT_FDS (START_FD_COUNT + CHILD_TASKS_MAX + 2 + CHILD_MOUNTS_MAX)

/* Of SLOT_JOIN: standard streams, args, filter, status; tasks as above. */
#define SLOT_JOIN_FDS 6

/* Serves until the launcher is gone; init dies with us (PDEATHSIG). */
void slot_process_serve(int sock, struct slot_shared *)
    __attribute__((noreturn));

#endif
