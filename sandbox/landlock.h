/*
 * Landlock as a second opinion on paths: what a program may do below each
 * mount, whatever the mount flags say.  The plan is pure; the rights a kernel
 * does not know are left out of it and reported.
 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stdbool.h>
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

/* 0 if the kernel has none, or it is off. */
int landlock_abi(void);

/* The optional controls that a kernel with this ABI does not have. */
uint32_t landlock_missing(int abi);

/* For landlock_restrict_self(2). */
uint32_t landlock_flags(int abi);

/*
 * top: the names of the directories at the root of the image, which alone the
 * program may read and execute; "/" itself may only be listed.
 */
void landlock_plan(struct landlock_plan *, const struct machine *, int abi,
    const char (*top)[64], size_t ntop);

/*
 * A ruleset descriptor, or -1 with errno; the paths are opened in the caller's
 * root.  Uses system calls alone, so that it can run after vfork(2).
 */
int landlock_ruleset(const struct landlock_plan *);

#endif
