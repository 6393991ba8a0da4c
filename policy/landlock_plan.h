/*
 * Landlock as a second opinion on paths: what a program may do below each
 * mount, whatever the mount flags say.  Pure; the rights a kernel does not know
 * are left out of it, and reported by who makes a ruleset of it.
 */
#ifndef POLICY_LANDLOCK_PLAN_H
#define POLICY_LANDLOCK_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "policy/machine.h"

#define LANDLOCK_RULES_MAX (2 * MACHINE_MOUNTS_MAX + 40)

struct landlock_rule {
	char path[MACHINE_PATH_MAX];
	uint64_t access;
};

struct landlock_plan {
	uint64_t handled_fs, handled_net, scoped;
	size_t nrules;
	struct landlock_rule rule[LANDLOCK_RULES_MAX];
};

/*
 * top: the names of the directories at the root of the image, which alone the
 * program may read and execute; "/" itself may only be listed.
 */
void landlock_plan(struct landlock_plan *, const struct machine *, int abi,
    const char (*top)[64], size_t ntop);

#endif
