/*
 * The mounts of one machine in the order they are made, and the directories
 * that must be there before, so that every rule about what may be mounted
 * where is in one place.  Building a plan changes nothing outside memory;
 * mount_apply() makes the trees and child.c attaches them.
 */
#ifndef POLICY_MOUNT_PLAN_H
#define POLICY_MOUNT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/machine.h"

struct err;

/* /dev, /dev/shm and /tmp come first: no volume can lie below or hide them. */
#define MOUNT_PLAN_MAX (MACHINE_MOUNTS_MAX + 3)

enum mount_plan_kind {
	MOUNT_PLAN_DEV,
	MOUNT_PLAN_TMPFS,
	MOUNT_PLAN_IMAGE,
	MOUNT_PLAN_TREE,
	MOUNT_PLAN_DISK,
	MOUNT_PLAN_STATE,
};

struct mount_plan_step {
	enum mount_plan_kind kind;
	char target[MACHINE_PATH_MAX];
	uint64_t attr; /* MOUNT_ATTR_*, for mount_setattr(2) */
	uint64_t bytes, inodes;
	uint32_t mode;
	size_t source; /* index into machine.mount, for its descriptor */
	bool replaced; /* it stands at mount_plan_place(); target leads there */
	/*
	 * The step that the target lies in, or -1 for the root: there a
	 * directory for it is made before.
	 */
	int parent;
};

struct mount_plan {
	size_t len;
	struct mount_plan_step step[MOUNT_PLAN_MAX];
};

/*
 * Where a state stands that another may replace: Landlock binds a rule to a
 * directory, and what is mounted later counts if it lies below that one.  Only
 * the mount stands there, in a root that nobody can write.
 */
#define MOUNT_PLAN_STATES "/.state"
#define MOUNT_PLAN_STATE_AT MOUNT_PLAN_STATES "/s"

const char *mount_plan_place(const struct mount_plan_step *);

int mount_plan_build(struct mount_plan *, const struct machine *, struct err *);

#endif
