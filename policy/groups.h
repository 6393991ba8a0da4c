/*
 * The system calls a machine may be given, in groups that an admin can name,
 * and the calls that no machine ever gets.  groups_model() turns a set of
 * groups into the model that filter.h compiles.
 */
#ifndef POLICY_GROUPS_H
#define POLICY_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct filter_model;

enum groups_id {
	GROUPS_LIFE,
	GROUPS_MEM,
	GROUPS_IO,
	GROUPS_SPLICE,
	GROUPS_FILE,
	GROUPS_LOCK,
	GROUPS_WATCH,
	GROUPS_TIME,
	GROUPS_SIGNAL,
	GROUPS_PIDFD,
	GROUPS_THREAD,
	GROUPS_INFO,
	GROUPS_SOCKPAIR,
	GROUPS_SOCK_LOCAL,
	GROUPS_SOCK_LO,
	GROUPS_SOCK_INET,
	GROUPS_NETLINK_ROUTE,
	GROUPS_SYSV_MQ,
	GROUPS_SCHED,
	GROUPS_LANDLOCK,
	GROUPS_COUNT,
};

/* A set of groups: bit n is group n. */
#define GROUPS_BIT(g) (UINT64_C(1) << (g))
#define GROUPS_ALL (GROUPS_BIT(GROUPS_COUNT) - 1)

#define GROUPS_STRICT                                               \
	(GROUPS_BIT(GROUPS_LIFE) | GROUPS_BIT(GROUPS_MEM) |         \
	    GROUPS_BIT(GROUPS_IO) | GROUPS_BIT(GROUPS_FILE) |       \
	    GROUPS_BIT(GROUPS_LOCK) | GROUPS_BIT(GROUPS_TIME) |     \
	    GROUPS_BIT(GROUPS_SIGNAL) | GROUPS_BIT(GROUPS_THREAD) | \
	    GROUPS_BIT(GROUPS_INFO) | GROUPS_BIT(GROUPS_SOCKPAIR))
#define GROUPS_STANDARD                                                        \
	(GROUPS_STRICT | GROUPS_BIT(GROUPS_WATCH) | GROUPS_BIT(GROUPS_PIDFD) | \
	    GROUPS_BIT(GROUPS_SOCK_LOCAL) | GROUPS_BIT(GROUPS_SOCK_LO) |       \
	    GROUPS_BIT(GROUPS_LANDLOCK))
#define GROUPS_NETWORKED (GROUPS_STANDARD | GROUPS_BIT(GROUPS_SOCK_INET))

/* "life", "sock-lo"...; as policy files spell it, without the @. */
const char *groups_name(enum groups_id);

/* The group of that name, or -1. */
int groups_find(const char *name);

/* What stands in a group: names with blanks between them, for people. */
const char *groups_members(enum groups_id);

/*
 * wx_deny: no mapping is ever writable and executable, none becomes
 * executable later, and no memfd is.  Fails only if the tables themselves are
 * wrong (a name nobody knows).
 */
int groups_model(uint64_t set, bool wx_deny, struct filter_model *,
    struct err *);

#endif
