/* The /dev that every machine gets a clone of. */
#ifndef SANDBOX_MOUNT_DEV_H
#define SANDBOX_MOUNT_DEV_H

#include <stdbool.h>

struct err;

/*
 * A handful of devices that are the same everywhere, on a small file system
 * that cannot be changed, attached at path, which must not be there; the result
 * is its root.
 */
int mount_dev(const char *path, bool rootless, struct err *);

#endif
