/*
 * What a machine may do at a path: from the plan of its mounts and that of its
 * Landlock rules, which are those that it is launched with.  Pure.
 *
 * The image is not looked at: what is not there, or what its owner and mode
 * forbid, is not told.
 */
#ifndef POLICY_PATH_QUERY_H
#define POLICY_PATH_QUERY_H

#include <stdbool.h>

#include "policy/machine.h"

struct err;

#define PATH_QUERY_READ 1U
#define PATH_QUERY_WRITE 2U
#define PATH_QUERY_EXECUTE 4U

struct path_query_answer {
	bool allowed;
	char verdict[16];  /* "allow", "EROFS", "EACCES", "ENOENT" */
	const char *layer; /* "mount", "Landlock" */
	char rule[MACHINE_PATH_MAX + 96];
	char second[MACHINE_PATH_MAX + 96];
};

/* access: all of these together.  ERR_INVALID: the path is not clean. */
int path_query(const struct machine *, const char *path, unsigned access,
    struct path_query_answer *, struct err *);

#endif
