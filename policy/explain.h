/*
 * What a machine may do, from the compiled truth: every system call's verdict
 * is read off the model that the launcher compiles and proves.
 */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

struct ceiling;
struct decision;
struct err;
struct machine;
struct value;

/*
 * The effective document with provenance, digest, limits and the verdict of
 * every system call: "allow", "errno:EPERM", "kill", or "rules" with the
 * rules.  The caller frees; NULL if the tables are wrong.
 */
struct value *explain_document(const struct decision *, const struct ceiling *,
    struct err *);

/* "mounts": what it has mounted, where, and what may be done there. */
int explain_mounts(struct value *document, const struct machine *,
    struct err *);

/* The name of an errno, "EPERM", or a number for one without. */
const char *explain_errno(int);

/* The groups, with their members. */
struct value *explain_groups(void);

#endif
