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
#include "sandbox/child_self.h"
#include "policy/landlock_plan.h"

/* The node's own mounts come before the machine's: see mount_plan.h. */
#define CHILD_MOUNTS_MAX (MACHINE_MOUNTS_MAX + 4)

struct child_plan {
	struct child_self self;
	char hostname[MACHINE_NAME_MAX];
	bool landlock;
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
	int keep; /* a socket: the ruleset goes there, for those who join */
};

/* Never through a symbolic link, never out of the machine's root; -1 with
 * errno.
 */
int child_attach(int root, const char *target, int tree);

/*
 * Ends in execve or in exit(2) with the result written.  fds is the caller's
 * own copy and is changed.
 */
void child_run(const struct child_plan *, struct child_fds *,
    struct child_result *) __attribute__((noreturn));

#endif
