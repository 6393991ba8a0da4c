/*
 * One more program in a machine that runs: the same namespaces, cgroups,
 * Landlock rules, limits, ids and filter, from a process outside it.
 *
 * Two processes follow each other.  The joiner is the slot's child, and enters
 * the namespaces; it is in no pid namespace of the machine's, so that nobody in
 * there sees it while it still has a privilege.  Once it has none, and Landlock
 * binds it, it clones the program, which is the slot's child too (CLONE_PARENT)
 * and a process of the machine from its first instruction.  Until it has
 * executed what it was asked to it cannot be inspected: it has no filter yet.
 */
#ifndef SANDBOX_JOIN_H
#define SANDBOX_JOIN_H

#include <stdbool.h>
#include <sys/types.h>

#include "sandbox/child_self.h"

/* Borrowed; -1 where there is none. */
struct join_fds {
	int std[3];
	int args, filter; /* sealed blocks: start_block.h */
	int rules;        /* of the machine's Landlock ruleset */
	int tasks[CHILD_TASKS_MAX];
	int init; /* pidfd */
};

/* Lies in memory that slot and joiner share. */
struct join_result {
	struct child_result child;
	bool no_exec;  /* child.sys is execve's own */
	pid_t program; /* 0: not cloned */
};

/* The joiner: ends once the program is executed, or has failed to be. */
void join_run(const struct child_self *, pid_t init, const struct join_fds *,
    struct join_result *) __attribute__((noreturn));

#endif
