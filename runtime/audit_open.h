/* What the commands that read the audit log share. */
#ifndef RUNTIME_AUDIT_OPEN_H
#define RUNTIME_AUDIT_OPEN_H

#include <stdbool.h>

struct err;
struct value;

/*
 * The log's directory: path, or that of the store.  What is read in it is read
 * without privilege: root becomes core's id.  A descriptor, or -1.
 */
int audit_open(const char *store, const char *path, struct err *);

/* A time as records have it, or the beginning of one; -1 with a line on stderr.
 */
int audit_open_time(const char *option, const char *text);

/* since <= the record's time < until; NULL: no bound. */
bool audit_open_is_within(const struct value *record, const char *since,
    const char *until);

#endif
