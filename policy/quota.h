/*
 * What of the node is taken, and whether more may be: for the host as a whole,
 * for each sender and for each function.  A run takes what its machine may use
 * at most, before it is started, and gives it back when it has ended.  Pure.
 */
#ifndef POLICY_QUOTA_H
#define POLICY_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum quota_what {
	QUOTA_RUNS,
	QUOTA_MEMORY, /* bytes */
	QUOTA_CPU,    /* percent of one CPU */
	QUOTA_PIDS,
	QUOTA_WHATS,
};

enum quota_scope {
	QUOTA_HOST,
	QUOTA_SENDER,
	QUOTA_FUNCTION,
	QUOTA_SCOPES,
};

const char *quota_what_name(enum quota_what);
const char *quota_scope_name(enum quota_scope);

/* 0: no limit. */
struct quota_limits {
	uint64_t limit[QUOTA_SCOPES][QUOTA_WHATS];
};

struct quota_holder;

#define QUOTA_BUCKETS 256

struct quota {
	struct quota_limits limits;
	uint64_t used[QUOTA_WHATS];                 /* of the host */
	struct quota_holder *bucket[QUOTA_BUCKETS]; /* who holds anything */
};

/* What a run needs, and who it is for; strings are borrowed for the call. */
struct quota_need {
	const char *sender, *function;
	uint64_t need[QUOTA_WHATS];
};

/*
 * Takes all of it, or nothing and says why: ERR_BUSY if the host has no room,
 * ERR_QUOTA if the sender or the function has its share, ERR_DENIED if it is
 * more than the whole limit, so that it never will fit.
 */
int quota_take(struct quota *, const struct quota_need *, struct err *);
void quota_give(struct quota *, const struct quota_need *);

void quota_fini(struct quota *);

#endif
