/*
 * Directories that clients of sessions name.  Links are followed, but nothing
 * leads out of the root; prefix is what clients call that ("": "/").
 */
#ifndef RUNTIME_FILES_NAMED_H
#define RUNTIME_FILES_NAMED_H

#include <limits.h>

struct err;

/* root: -1: there is none, and every name is refused. */
int files_named_open(int root, const char *prefix, const char *path,
    struct err *);

/* The directory that it will be in; its own name goes to name. */
int files_named_parent(int root, const char *prefix, const char *path,
    char name[NAME_MAX + 1], struct err *);

#endif
