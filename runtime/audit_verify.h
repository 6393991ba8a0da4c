/*
 * Whether an audit log is as its node wrote it (docs/audit.md): numbers, hashes
 * and, with the first key, MACs, from the oldest file that is there to the end.
 */
#ifndef RUNTIME_AUDIT_VERIFY_H
#define RUNTIME_AUDIT_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sha256.h"

struct err;

/* A record by number and hash, or the first key by number and key. */
struct audit_mark {
	uint64_t seq; /* 0: there is none */
	unsigned char bytes[SHA256_LEN];
};

/* "NUMBER:HEX", 64 digits. */
int audit_verify_mark(struct audit_mark *, const char *, struct err *);

struct audit_verified {
	uint64_t first, last; /* numbers of records; 0: there is none */
	char hash[SHA256_HEX];
	uint64_t breaks;  /* times that the node found its log broken */
	uint64_t partial; /* bytes of a line that is being written */
	/* The first that is wrong; why NULL: all is well. */
	char *why;
	char file[32];
	uint64_t line; /* in the file, from 1; 0: it has none */
};

/*
 * dir: of the log.  The key that the node holds is looked at too, if it is
 * there, because the log cannot be shorter than it.  -1: nothing could be
 * judged.
 */
int audit_verify(struct audit_verified *, int dir, const struct audit_mark *key,
    const struct audit_mark *checkpoint, struct err *);
void audit_verify_fini(struct audit_verified *);

#endif
