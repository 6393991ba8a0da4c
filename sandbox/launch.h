/*
 * One machine, from its description to its end, in the launcher.  Everything
 * that decides what it may do is compiled here, from the sets in the machine;
 * no compiled byte is taken from anybody.
 */
#ifndef SANDBOX_LAUNCH_H
#define SANDBOX_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "messages/launch_msgs.h"
#include "policy/machine.h"
#include "sandbox/cgroup.h"
#include "sandbox/mount_apply.h"
#include "sandbox/net.h"
#include "sandbox/spare.h"

struct err;

/* What the launcher found at its start and every launch uses. */
struct launch_context {
	struct launch_host found;
	struct cgroup_host cgroups;
	struct mount_apply_host mounts;
	struct spare_pool spares;
	struct net_host net;
	int locks; /* directory; -1: rootless */
	int init;  /* cella-init, sealed in memory */
};

/* The descriptors of LAUNCH_CREATE; borrowed. */
struct launch_fds {
	int std[3];
	int args;
	int channel[2];                 /* -1: none */
	int source[MACHINE_MOUNTS_MAX]; /* -1 where a mount has none */
	int files;                      /* idmap of its state; -1 */
};

struct launch {
	uint64_t wall_ns, cpu_ns, cpu; /* limits; percent of one CPU */
	uint64_t look_again; /* CLOCK_MONOTONIC, ns: when time may be over */
	struct spare spare;
	int pidfd;                  /* init's */
	int status;                 /* what init says: start_block.h */
	int resolver, meter, upper; /* for core; -1: none, or taken */
	struct net net;
	struct mount_plan_step state; /* if that is replaced */
	struct child_self self;       /* what every process of it is */
	uint64_t groups;              /* and what its filter is of */
	bool wx, channel;
	uint64_t started; /* CLOCK_MONOTONIC, ns */
	uint8_t cause;    /* enum launch_cause */
	bool killed;
	bool counted;  /* among the spares that are out */
	bool reusable; /* its slot, if the machine left nothing in it */
};

/* Fills in what this host cannot enforce. */
void launch_probe(struct launch_context *, bool rootless);

/* base: first host id of the tenant's range. */
int launch_start(struct launch *, struct launch_context *,
    const struct machine *, uint32_t base, const struct launch_fds *,
    struct launch_created *, struct err *);

/* Kills every task of the machine; the first cause stays. */
void launch_kill(struct launch *, enum launch_cause);

/*
 * When to look again, ns of CLOCK_MONOTONIC; kills the machine if its wall or
 * CPU time is over.
 */
uint64_t launch_check_time(struct launch *, uint64_t now);

/*
 * Another state takes the place of the one that it has, which must be one that
 * is replaced; files: the tenant's map.  If that fails the machine is killed.
 */
int launch_replace_state(struct launch *, const struct launch_context *,
    int source, int files, int *upper, struct err *);

/*
 * One more program in it, of which nobody waits here: how it goes is said on
 * status, as slot_join.h says.
 */
struct launch_join_fds {
	int std[3], args, status; /* borrowed */
};
int launch_join(struct launch *, const struct launch_context *,
    const struct launch_join_fds *, struct err *);

/* As slot_connect(). */
int launch_connect(struct launch *, uint16_t port, struct err *);

/* After pidfd became readable: waits until all is dead, reads the usage. */
int launch_collect(struct launch *, struct launch_exited *, struct err *);

/* Then: removes what is left of it.  The struct is dead after it. */
int launch_remove(struct launch *, struct launch_context *, struct err *);

#endif
