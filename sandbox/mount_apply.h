/*
 * Makes the trees that mount_plan.h describes, all of them detached: a
 * descriptor each, that the machine's first process attaches.  Needs the
 * privilege to mount, in a mount namespace of the launcher's own.
 */
#ifndef SANDBOX_MOUNT_APPLY_H
#define SANDBOX_MOUNT_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/mount_cache.h"
#include "policy/mount_plan.h"

struct err;

struct mount_apply_host {
	bool rootless;
	int dev; /* the tree that every /dev is a clone of */
	struct mount_cache cache;
};

/* Who owns what is made for the machine, and the map for its images. */
struct mount_apply_owner {
	uint32_t uid, gid; /* host ids of the program */
	int userns;        /* -1: no idmapped mounts (rootless) */
	int files; /* LAUNCH_FILES_ID is the program's; -1: not needed */
};

struct mount_apply_trees {
	int root;
	int tree[MOUNT_PLAN_MAX];
	int upper; /* of its state, for core; -1: it has none */
	struct mount_cache_top top;
};

/*
 * Makes the caller's mount namespace private, with an empty /sys of its own to
 * build in, and makes the /dev that machines get.
 */
int mount_apply_init(struct mount_apply_host *, bool rootless, struct err *);

/*
 * sources: a descriptor for each mount of the machine that is an image or a
 * tree, -1 for the others; borrowed.
 */
int mount_apply(struct mount_apply_host *, const struct machine *,
    const struct mount_plan *, const struct mount_apply_owner *,
    const int *sources, struct mount_apply_trees *, struct err *);

/* A state that takes the place of the one that this step made: a detached tree,
 * and its upper layer. */
int mount_apply_state(const struct mount_plan_step *,
    const struct mount_apply_owner *, int source, int *upper, struct err *);

void mount_apply_close(struct mount_apply_trees *);

void mount_apply_fini(struct mount_apply_host *);

/*
 * A sized, empty tree, for a volume that outlives its machine.  It stays
 * attached in the launcher's namespace under the number, since older kernels
 * clone no detached tree, until it is freed or the namespace goes.
 */
int mount_apply_volume(unsigned number, uint64_t bytes, uint64_t inodes,
    const struct mount_apply_owner *, struct err *);
int mount_apply_free_volume(unsigned number, struct err *);

#endif
