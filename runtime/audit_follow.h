/* The audit log as it is written. */
#ifndef RUNTIME_AUDIT_FOLLOW_H
#define RUNTIME_AUDIT_FOLLOW_H

#include <stdint.h>

#include "runtime/audit_files.h"

struct err;

/* The number of the last record that is there; 0: none is. */
int audit_follow_last(int dir, uint64_t *last, struct err *);

/*
 * Every record behind that one, those that come included, until fn returns
 * other than 0, which is returned.  Standard output is flushed before it waits.
 */
int audit_follow(int dir, uint64_t behind, audit_files_fn *, void *arg,
    struct err *);

#endif
