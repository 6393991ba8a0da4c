/*
 * The state of a machine as it sees it: a directory of the node's, which it
 * cannot change, under an empty layer that takes what it writes.
 */
#ifndef SANDBOX_MOUNT_STATE_H
#define SANDBOX_MOUNT_STATE_H

#include <stdint.h>

struct err;
struct mount_apply_owner;

/* As a descriptor; the layer's directory, as it is on the disk, goes to upper.
 * where: a directory in which trees stand for a moment; tree is taken over. */
struct mount_state_layer {
	uint64_t bytes, inodes;
	const char *where;
};
int mount_state(int tree, const struct mount_state_layer *,
    const struct mount_apply_owner *, int *upper, struct err *);

/* What mount_state() needs in it. */
int mount_state_init(const char *where, struct err *);

#endif
