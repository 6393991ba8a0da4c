/*
 * A pair of virtual links between the host and a machine, by rtnetlink(7).
 * The neighbours at both ends are written down: neither asks, and what the
 * machine would answer is never heard.
 */
#ifndef SANDBOX_LINK_H
#define SANDBOX_LINK_H

#include <sys/types.h>

#include "sandbox/net_plan.h"

struct err;
struct netlink;

/*
 * Both ends, down; the machine's in the network namespace of that process.
 * Returns the index of the host's end or -1; ERR_CONFLICT if the name is taken.
 */
int link_create(struct netlink *, const struct net_plan *, pid_t, struct err *);

/* Address, neighbour and up, for the host's end. */
int link_raise_host(struct netlink *, const struct net_plan *, int index,
    struct err *);

/* The same and a default route, inside the machine's network. */
int link_raise_machine(const struct net_plan *, struct err *);

/* Removes one and waits for it; one that is gone is no error. */
int link_delete(struct netlink *, int index, struct err *);

/* Removes the links whose names begin so; waits for each. */
int link_delete_all(struct netlink *, const char *prefix, struct err *);

#endif
