/*
 * A slot is a process in a user namespace and an empty network namespace of
 * its own, with nothing left in its bounding set, that starts one machine and
 * waits for its end.  It is made ahead of time, because a new network
 * namespace costs more than everything else together.  The next machine of the
 * same tenant may follow in it if the network is as nobody had used it; else,
 * and after every machine of strict or with a way out, it is thrown away.
 *
 * CLONE_NEWUSER must not be in the machine's own clone: it would refill the
 * bounding set.
 */
#ifndef SANDBOX_SLOT_H
#define SANDBOX_SLOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/child.h"
#include "sandbox/join.h"

struct err;

struct net_plan;
struct slot_shared;

struct slot {
	pid_t pid;
	int pidfd;
	int sock;                   /* to the slot's process */
	int userns;                 /* for idmapped mounts */
	struct slot_shared *shared; /* plan and result */
	bool gone;                  /* its machine is dead and reaped */
};

#define SLOT_EMPTY                         \
	{                                  \
		0, -1, -1, -1, NULL, false \
	}

/* A process in namespaces that no id is mapped into yet. */
int slot_open(struct slot *, struct err *);

/*
 * Maps count ids from 0 in the slot onto host ids from base, and tells the
 * slot to prepare itself: lo_up, whether its loopback is up.  Rootless: one
 * id, MACHINE_UID, onto the caller's.  Does not wait for it.
 */
int slot_map(struct slot *, uint32_t base, uint32_t count, bool rootless,
    bool lo_up, struct err *);
bool slot_has_answered(const struct slot *);
int slot_wait_prepared(struct slot *, struct err *);

/*
 * The machine's end of its link, up, in a slot that is prepared.  resolver:
 * NULL, or where the socket goes that its program finds at 127.0.0.1:53.
 */
int slot_raise_link(struct slot *, const struct net_plan *, int *resolver,
    struct err *);

/* To be filled in before slot_start(). */
struct child_plan *slot_plan(struct slot *);

/*
 * Starts the machine; every descriptor is borrowed.  On success pidfd is
 * init's; missing: MACHINE_CONTROL_BIT of optional controls that are.
 */
int slot_start(struct slot *, const struct child_fds *, int *pidfd,
    uint32_t *missing, struct err *);

/*
 * One more program in the machine (join.h); every descriptor is borrowed, and
 * nobody waits for what becomes of it: that is said on status.
 */
int slot_join(struct slot *, const struct child_self *, const struct join_fds *,
    int status, struct err *);

/* tree, borrowed, takes the place of the state that the machine has. */
int slot_replace_state(struct slot *, int tree, struct err *);

/*
 * A socket of the machine's network, connected to 127.0.0.1:port in it, or
 * -1: ERR_BUSY if nothing listens there yet.
 */
int slot_connect(struct slot *, uint16_t port, struct err *);

/*
 * Asks whether the slot, whose machine is gone, is as it was before it; the
 * answer is waited for later.  1: another machine of its tenant may come; 0:
 * something is left.
 */
int slot_reset(struct slot *, struct err *);
int slot_wait_reset(struct slot *, struct err *);

/* The machine runs: gives back what only a start needs. */
void slot_started(struct slot *);

/* Returns once the machine that was started is dead and reaped. */
int slot_wait_gone(struct slot *, struct err *);

/* Ends the slot, and the machine with it; slot_close() reaps it. */
void slot_kill(struct slot *);
void slot_close(struct slot *);

#endif
