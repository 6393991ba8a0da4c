/*
 * What every process of a machine that starts one goes through at last: the
 * machine's first, and whoever joins it (join.h).  Descriptors after the last
 * open; ids before capabilities, which setresuid needs; and no-new-privileges
 * before the filter.
 *
 * Everything here may run while the parent is suspended and shares its memory:
 * it makes system calls and writes the result, and does nothing else.
 */
#ifndef SANDBOX_CHILD_SELF_H
#define SANDBOX_CHILD_SELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/start_block.h"
#include "messages/child_step.h"
#include "policy/machine.h"

#define CHILD_RLIMITS_MAX 12
#define CHILD_TASKS_MAX 4

struct child_rlimit {
	int resource;
	uint64_t value;
};

struct child_self {
	char cwd[MACHINE_PATH_MAX];
	uint32_t uid, gid; /* in the slot's namespace */
	bool keep_groups;  /* rootless: setgroups(2) is forbidden */
	bool core_sched, no_speculation;
	uint32_t optional; /* MACHINE_CONTROL_BIT: may be missing */
	size_t nrlimits;
	struct child_rlimit rlimit[CHILD_RLIMITS_MAX];
};

struct child_result {
	bool failed;
	uint32_t missing; /* MACHINE_CONTROL_BIT of optional controls */
	int sys;          /* errno */
	uint32_t step, index;
};

/* Each -1 with errno. */
int child_self_enter_cgroups(const int tasks[CHILD_TASKS_MAX]);
int child_self_enter_cwd(const struct child_self *);
int child_self_new_keyring(void);

/*
 * with: a process of the same machine, whose cookie it gets; 0: one of its own,
 * so that no other machine's task shares its core with it.
 */
int child_self_share_core(const struct child_self *, struct child_result *,
    pid_t with);
int child_self_forbid_speculation(const struct child_self *,
    struct child_result *);

/*
 * From the descriptors, by their numbers in the machine, to no-new-privileges.
 * -1: the result says at which step.  start is changed.
 */
int child_self_confine(const struct child_self *, int start[START_FD_COUNT],
    struct child_result *);

#endif
