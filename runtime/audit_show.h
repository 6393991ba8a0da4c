/* Records of the audit log for people: a line each, or as they are. */
#ifndef RUNTIME_AUDIT_SHOW_H
#define RUNTIME_AUDIT_SHOW_H

#include <stdbool.h>
#include <stdint.h>

struct value;

/* What is wanted; NULL: any. */
struct audit_show {
	const char *run, *kind, *since, *until;
	bool json;
	uint64_t *last; /* gets the number of each record; or NULL */
};

/* An audit_files_fn; arg is a struct audit_show. */
int audit_show_print(void *arg, uint64_t seq, const char *hash,
    const struct value *record);

#endif
