/* Between the files of cgroup.h: small files of cgroupfs. */
#ifndef SANDBOX_CGROUP_PARTS_H
#define SANDBOX_CGROUP_PARTS_H

#include <stddef.h>

struct err;

/* The whole of it, as a string, cut at size. */
int cgroup_read(int dir, const char *file, char *out, size_t size,
    struct err *);
int cgroup_write(int dir, const char *file, const char *text, struct err *);

#endif
