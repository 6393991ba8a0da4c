/*
 * The key of the audit log's next record, on the disk (docs/audit.md).  One
 * that was used is overwritten in place.
 */
#ifndef RUNTIME_AUDIT_KEY_H
#define RUNTIME_AUDIT_KEY_H

#include <stdbool.h>

struct audit_chain;
struct err;

/* AUDIT_LOG_KEY in dir, locked for this process: a descriptor, or -1. */
int audit_key_open(int dir, struct err *);

/* Number and key of the chain.  False: there is none. */
bool audit_key_load(int fd, struct audit_chain *);
int audit_key_save(int fd, const struct audit_chain *);

/* A new one for the chain's number; the admin's copy goes into dir. */
int audit_key_make(int fd, int dir, struct audit_chain *, struct err *);

#endif
