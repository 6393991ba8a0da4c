/* Maps of ids for mounts: mount_setattr(2), MOUNT_ATTR_IDMAP. */
#ifndef SANDBOX_IDMAP_H
#define SANDBOX_IDMAP_H

#include <stdint.h>
#include <sys/types.h>

struct err;

/* A map of a process's namespace, or its "setgroups": user_namespaces(7). */
int idmap_write(pid_t, const char *file, const char *text, struct err *);

/*
 * A user namespace that nobody is in, whose one id, of users and of groups,
 * stands for another: what disk owns looks as if host owned it.  A descriptor,
 * or -1.
 */
int idmap_open(uint32_t disk, uint32_t host, struct err *);

/* A detached tree is seen through it. */
int idmap_set(int tree, int map, struct err *);

#endif
