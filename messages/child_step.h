/*
 * Where the start of a process of a machine can fail: the launcher tells the
 * number (guest/start_block.h), and whoever tells people says the name.
 */
#ifndef MESSAGES_CHILD_STEP_H
#define MESSAGES_CHILD_STEP_H

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
	CHILD_KEEP,
	CHILD_FDS,
	CHILD_RLIMIT,
	CHILD_IDS,
	CHILD_CAPS,
	CHILD_NO_NEW_PRIVS,
	CHILD_EXEC,
	/* Of those that join. */
	CHILD_NAMESPACES,
	CHILD_ARGS,
	CHILD_RESTRICT,
	CHILD_CLONE,
	CHILD_SESSION,
	CHILD_FILTER,
	CHILD_STEPS
};

/* "enter working directory"; of a number that is none, "start". */
const char *child_step_name(unsigned);

#endif
