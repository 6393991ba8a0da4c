/*
 * Where an audit log ends, and whether it ends where its key says: what a node
 * needs to go on with it.
 */
#ifndef RUNTIME_AUDIT_END_H
#define RUNTIME_AUDIT_END_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sha256.h"
#include "policy/audit.h"

struct err;

struct audit_end {
	uint64_t
	    file; /* the newest, by the number of its first record; 0: none */
	uint64_t size; /* of it */
	uint64_t torn; /* bytes of a line that a crash cut off at its end */
	uint64_t last; /* number of the last record; 0: there is none */
	unsigned char hash[SHA256_LEN]; /* of it */
	struct audit_chain chain;       /* behind the last record that fits */
	enum audit_fault fault;         /* of the first that does not */
};

/* key: the chain as the key has it, or NULL if there is none. */
int audit_end_find(struct audit_end *, int dir, const struct audit_chain *key,
    struct err *);

/*
 * The chain for the next record, from the key's.  What does not fit together
 * is told in *broken, which the caller frees, and the numbers go on.
 */
void audit_end_go_on(const struct audit_end *, struct audit_chain *,
    char **broken);

#endif
