/*
 * What core and launcher say to each other: runtime/ and sandbox/ meet here.
 *
 *   core                                launcher
 *   CEILING grant, optional, spares ->
 *                                   <-  READY host
 *   VOLUME u32 tenant, bytes, files ->
 *                                   <-  VOLUME_MADE + 1 descriptor, or ERROR
 *   FREE_VOLUME; FREE_TENANT u32    ->
 *   CREATE u32 tenant, machine      ->
 *                                   <-  CREATED + 1 to 4 descriptors, or ERROR
 *   CONNECT u32 port                ->
 *                                   <-  CONNECTED + 1 descriptor, or ERROR
 *   STATE + 1 descriptor            ->
 *                                   <-  STATE_REPLACED + 1 descriptor, or ERROR
 *   JOIN + 5 descriptors            ->
 *   KILL u8 cause                   ->
 *                                   <-  EXITED facts
 *   shutdown(2)                     ->
 *                                   <-  DONE, or ERROR
 *
 * The ceiling comes once; after it no frame can raise it.  optional: u32, the
 * controls that may be missing; spares: u32, how many slots are kept ready.  A
 * machine is known by the serial of its CREATE, which CONNECT, STATE, JOIN,
 * KILL and EXITED carry; other answers carry their request's.  All machines of
 * one tenant have the same range of host ids, which FREE_TENANT gives back when
 * it has ended what is left of them.  A volume is known by the serial of its
 * VOLUME, which FREE_VOLUME carries: it goes with the last machine that has it.
 *
 * CREATE's descriptors: standard input, output and error, the args block
 * (guest/start_block.h), channel in and out if the machine has one, then one
 * for each mount that has a source, in order.  CREATED brings init's pidfd,
 * then the socket at the machine's 127.0.0.1:53 if it has a resolver, the file
 * that tells its CPU time if it has a meter, and if it has a state, the upper
 * layer over it, where what it changes stands under LAUNCH_FILES_ID.
 * STATE brings what takes the place of a state that is replaced
 * (policy/machine.h), its answer the upper layer; ERROR is the machine's end.
 * JOIN's: the first four, and a socket where words of guest/start_block.h say
 * how that program goes, one a packet, RUNNING first if it could be executed.
 * Closing the other end ends it.  A request at the wrong time, with the wrong
 * number of descriptors or above the ceiling ends it and every machine.
 */
#ifndef MESSAGES_LAUNCH_MSGS_H
#define MESSAGES_LAUNCH_MSGS_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;

/* The id that core has after its drop, and that owns what it hands over. */
#define LAUNCH_CORE_ID 1999999999U
#define LAUNCH_FILES_ID (LAUNCH_CORE_ID - 4) /* owns states on the disk */

enum launch_type {
	LAUNCH_CEILING = 1,
	LAUNCH_READY,
	LAUNCH_VOLUME,
	LAUNCH_VOLUME_MADE,
	LAUNCH_CREATE,
	LAUNCH_CREATED,
	LAUNCH_CONNECT,
	LAUNCH_CONNECTED,
	LAUNCH_KILL,
	LAUNCH_EXITED,
	LAUNCH_ERROR,
	LAUNCH_FREE_VOLUME,
	LAUNCH_FREE_TENANT,
	LAUNCH_JOIN,
	LAUNCH_STATE,
	LAUNCH_STATE_REPLACED,
	LAUNCH_DONE, /* nothing of the conversation is left on the host */
};

/* How the host holds limits. */
enum launch_cgroup {
	LAUNCH_CGROUP_NONE,
	LAUNCH_CGROUP_HYBRID,
	LAUNCH_CGROUP_V2
};

/* LAUNCH_READY: what the launcher found, once, at its start. */
struct launch_host {
	uint8_t cgroup;       /* enum launch_cgroup */
	uint8_t landlock_abi; /* 0: there is none */
	bool rootless;
	uint32_t missing; /* MACHINE_CONTROL_BIT: what it cannot enforce */
};

/* The phases of a launch, ns each, in order. */
enum launch_phase {
	LAUNCH_PHASE_SLOT, /* and its cgroups */
	LAUNCH_PHASE_MOUNTS,
	LAUNCH_PHASE_FILTER,
	LAUNCH_PHASE_START,
	LAUNCH_PHASES,
};

/* LAUNCH_CREATED.  Limits as read back from the kernel; 0: not set. */
struct launch_created {
	uint32_t degraded; /* optional controls that are not in force */
	uint64_t memory, pids, cpu_quota_us, cpu_period_us;
	uint64_t nofile, fsize;
	uint64_t phase_ns[LAUNCH_PHASES];
	uint32_t filter_len;
	uint32_t uid; /* the program's, on the host */
};

/* Why a machine ended, as far as the launcher had a part in it. */
enum launch_cause {
	LAUNCH_CAUSE_SELF, /* the program came to its end */
	LAUNCH_CAUSE_WALL,
	LAUNCH_CAUSE_CPU,
	LAUNCH_CAUSE_OUTPUT, /* core asked: more output than allowed */
	LAUNCH_CAUSE_STOP,   /* core asked: a person or a shutdown */
	LAUNCH_CAUSE_DISK,
	LAUNCH_CAUSES,
};

enum launch_end {
	LAUNCH_END_EXIT,     /* code is the exit status */
	LAUNCH_END_SIGNAL,   /* code is the signal */
	LAUNCH_END_NO_EXEC,  /* code is the errno of execve(2) */
	LAUNCH_END_NO_START, /* code is the errno of a step before it */
	LAUNCH_END_LOST,     /* init died and said nothing */
	LAUNCH_ENDS,
};

/* LAUNCH_EXITED. */
struct launch_exited {
	uint8_t cause; /* enum launch_cause */
	uint8_t end;   /* enum launch_end */
	uint32_t code;
	uint64_t wall_ns, cpu_ns, memory_peak, pids_peak;
	uint64_t oom_kills, throttled_ns;
};

const char *launch_msgs_cgroup_name(enum launch_cgroup);
const char *launch_msgs_phase_name(enum launch_phase);
void launch_msgs_put_host(struct buf *, const struct launch_host *);
void launch_msgs_get_host(struct buf *, struct launch_host *);
void launch_msgs_put_created(struct buf *, const struct launch_created *);
void launch_msgs_get_created(struct buf *, struct launch_created *);
void launch_msgs_put_exited(struct buf *, const struct launch_exited *);
void launch_msgs_get_exited(struct buf *, struct launch_exited *);
void launch_msgs_put_error(struct buf *, const struct err *);
void launch_msgs_get_error(struct buf *, struct err *);

#endif
