/*
 * What a machine may have: a point in a lattice.  The admin's ceiling, a tier
 * and a message's wishes are three such points, and what a machine gets is
 * their meet.  grant_meet() is commutative, associative and idempotent, and
 * its result is within each side, so that adding a wish can never widen.
 */
#ifndef POLICY_GRANT_H
#define POLICY_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/egress.h"

struct buf;
struct err;

enum grant_tier { GRANT_STRICT, GRANT_STANDARD, GRANT_NETWORKED };
#define GRANT_TIERS 3

/* Networks from the narrowest to the widest. */
enum grant_net { GRANT_NET_NONE, GRANT_NET_LOOPBACK, GRANT_NET_EGRESS };

/* Limits: a smaller number is the narrower one, everywhere. */
enum grant_limit {
	GRANT_MEMORY,       /* bytes, all tasks together, no swap beside it */
	GRANT_CPU,          /* percent of one CPU */
	GRANT_WALL,         /* ns from the start of the program */
	GRANT_CPU_TIME,     /* ns of CPU, all tasks together */
	GRANT_PIDS,         /* tasks */
	GRANT_NOFILE,       /* descriptors of one process */
	GRANT_FSIZE,        /* bytes of one file */
	GRANT_MEMLOCK,      /* bytes */
	GRANT_SIGPENDING,   /* signals */
	GRANT_STACK,        /* bytes */
	GRANT_TMP,          /* bytes in /tmp */
	GRANT_TMP_FILES,    /* inodes in /tmp */
	GRANT_SHM,          /* bytes in /dev/shm; 0: there is none */
	GRANT_EXPORT,       /* bytes */
	GRANT_EXPORT_FILES, /* files */
	GRANT_STDOUT,       /* bytes kept */
	GRANT_STDERR,       /* bytes kept */
	GRANT_BODY,         /* bytes of a request or a reply */
	GRANT_IO,           /* bytes per second to and from disks */
	GRANT_LIMITS,
};

struct grant {
	uint64_t groups; /* system call groups, groups.h */
	uint64_t limit[GRANT_LIMITS];
	uint8_t net;          /* enum grant_net */
	struct egress egress; /* GRANT_NET_EGRESS: where to; else empty */
	bool wx;              /* writable and executable memory */
	bool exec_writable;   /* programs on writable volumes */
};

/*
 * What the tier gives when nothing narrows it.  Networked reaches everything
 * that can be allowed: which part of it is the admin's word.
 */
const struct grant *grant_of_tier(enum grant_tier);
const char *grant_tier_name(enum grant_tier);
int grant_tier_find(const char *); /* or -1 */
const char *grant_net_name(enum grant_net);

/* The top of the lattice: every group, every network, no limit. */
struct grant grant_top(void);

/* "memory", "cpu_time"...: the key of a limit in files and records. */
const char *grant_limit_name(enum grant_limit);
int grant_limit_find(const char *); /* or -1 */

/* What a limit counts: "bytes", "ns", "percent", "count", "bytes/s". */
const char *grant_limit_unit(enum grant_limit);

struct grant grant_meet(const struct grant *, const struct grant *);

/* True if a is nowhere wider than b. */
bool grant_within(const struct grant *a, const struct grant *b);

/*
 * The first thing that makes a wider than b, as a sentence in e; 0 if nothing
 * does.  The launcher refuses with it.
 */
int grant_check(const struct grant *a, const struct grant *b, struct err *e);

void grant_put(struct buf *, const struct grant *);
void grant_get(struct buf *, struct grant *);

#endif
