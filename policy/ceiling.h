/*
 * What the admin allows at most, from a YAML file (docs/policy.md).  Without a
 * file the built-in ceiling holds: the tier standard, and no network.
 */
#ifndef POLICY_CEILING_H
#define POLICY_CEILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/ceiling_fetch.h"
#include "policy/grant.h"
#include "policy/machine.h"
#include "policy/quota.h"

struct problems;
struct value;

#define CEILING_TRUSTED_MAX 64
#define CEILING_NAMES_MAX 64
#define CEILING_NAME_SIZE 254 /* a domain name and a NUL: RFC 1035, 2.3.4 */
#define CEILING_SERVERS_MAX 3

/* What names machines with egress may look up, and who is asked. */
struct ceiling_dns {
	size_t nservers; /* 0: there is no resolver in the machine */
	struct egress_net server[CEILING_SERVERS_MAX];
	size_t nnames;
	/* "example.org", "*.example.org" for all below it, "*" for all. */
	char name[CEILING_NAMES_MAX][CEILING_NAME_SIZE];
};

/* What a node does, beside what its machines may. */
enum ceiling_overlap { CEILING_SKIP, CEILING_ALLOW };

struct ceiling_node {
	bool audit_drops;        /* on a full disk; else nothing is admitted */
	uint64_t cron_period_ns; /* slots that are nearer do not fire */
	uint64_t cron_jitter_ns;
	enum ceiling_overlap cron_overlap; /* while the last one runs */
	struct quota_limits quota;
	uint64_t queue;   /* runs that wait for room */
	uint64_t wait_ns; /* each of them */
	bool warm_all;    /* functions with a server serve many calls */
	size_t nwarm;     /* or those alone */
	char warm[CEILING_TRUSTED_MAX][65];
	uint64_t warm_idle_ns;
	/* Bytes that are kept of what functions write: of one, in each of two
	 * files; and of all. */
	uint64_t logs_function, logs_total;
	bool no_exec;         /* nobody joins a machine, the operator neither */
	uint32_t caller_rate; /* calls a minute of an address; 0: any */
};

struct ceiling {
	enum grant_tier tier; /* when nobody asks for one */
	struct grant grant;
	uint64_t set;      /* bit per limit: the file names it */
	uint64_t clamp;    /* bit per limit: lower instead of refusing */
	uint32_t optional; /* MACHINE_CONTROL_BIT */
	struct ceiling_dns dns;
	struct ceiling_node node;
	struct ceiling_fetch fetch;
	bool refuse_ungranted;
	bool from_file;
	size_t ntrusted;
	char trusted[CEILING_TRUSTED_MAX][65]; /* image digests */
};

void ceiling_default(struct ceiling *);

/* Every problem has line and column in its path if the reader knew them. */
int ceiling_read(struct ceiling *, const struct value *, struct problems *);

/* Ids of every problem that ceiling_read() can report. */
void ceiling_ids(void (*)(void *, const char *), void *);

#endif
