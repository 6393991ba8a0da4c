/*
 * From a slot to a machine: the straight line that the first process of a
 * machine runs between clone3(2) and its execution of cella-init.  Everything
 * it needs is in a plan that was made, and checked, before.
 *
 * It runs while its parent is suspended and shares the parent's memory, so it
 * does nothing but make system calls and write the result.
 */
#ifndef SANDBOX_CHILD_H
#define SANDBOX_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/start_block.h"
#include "policy/machine.h"
#include "sandbox/landlock.h"

/* The node's own mounts come before the machine's: see mount_plan.h. */
#define CHILD_MOUNTS_MAX (MACHINE_MOUNTS_MAX + 4)
#define CHILD_RLIMITS_MAX 12
#define CHILD_TASKS_MAX 4

/* Where it is, for the one who reads a failure. */
enum child_step {
	CHILD_CGROUP,
	CHILD_CGROUP_NS,
	CHILD_PDEATHSIG,
	CHILD_PRIVATE,
	CHILD_ROOT,
	CHILD_MOUNT,
	CHILD_PROC,
	CHILD_PIVOT,
	CHILD_CWD,
	CHILD_HOSTNAME,
	CHILD_KEYRING,
	CHILD_CORE_SCHED,
	CHILD_SPECULATION,
	CHILD_LANDLOCK,
	CHILD_FDS,
	CHILD_RLIMIT,
	CHILD_IDS,
	CHILD_CAPS,
	CHILD_NO_NEW_PRIVS,
	CHILD_EXEC,
	CHILD_STEPS
};

struct child_rlimit {
	int resource;
	uint64_t value;
};

struct child_plan {
	char hostname[MACHINE_NAME_MAX];
	char cwd[MACHINE_PATH_MAX];
	uint32_t uid, gid; /* in the slot's namespace */
	bool keep_groups;  /* rootless: setgroups(2) is forbidden */
	bool landlock, core_sched, no_speculation;
	uint32_t optional; /* MACHINE_CONTROL_BIT: may be missing */
	size_t nrlimits;
	struct child_rlimit rlimit[CHILD_RLIMITS_MAX];
	size_t nmounts; /* the root is not among them */
	char target[CHILD_MOUNTS_MAX][MACHINE_PATH_MAX];
	struct landlock_plan rules;
};

/* The descriptors of one launch; -1 where there is none. */
struct child_fds {
	int start[START_FD_COUNT]; /* what init gets, by its number there */
	int tasks[CHILD_TASKS_MAX];
	int cgroup; /* v2: for CLONE_INTO_CGROUP; the child does not use it */
	int root;
	int mount[CHILD_MOUNTS_MAX];
};

struct child_result {
	bool failed;
	uint32_t missing; /* MACHINE_CONTROL_BIT of optional controls */
	int sys;          /* errno */
	uint32_t step, index;
};

const char *child_step_name(enum child_step);

/*
 * Ends in execve or in exit(2) with the result written.  fds is the caller's
 * own copy and is changed.
 */
void child_run(const struct child_plan *, struct child_fds *,
    struct child_result *) __attribute__((noreturn));

#endif
