/*
 * The way out of machines that have one: a link each, and the rules for it.
 * Rules are in place before a link goes up, and a link whose launcher was
 * killed keeps them until the next launcher clears up: never a link without.
 * If somebody else changes them (a firewall that is loaded anew flushes every
 * table) the launcher ends, and its machines with it.
 */
#ifndef SANDBOX_NET_H
#define SANDBOX_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/net_plan.h"
#include "sandbox/netlink.h"

struct egress;
struct err;

struct net_host {
	bool open;
	uint32_t number; /* this launcher's, as long as it holds the lock */
	int lock;
	uint32_t next; /* index of the next machine */
	bool has_ipv6, ipv6;
	struct netlink route, filter;
	struct netlink news; /* what others do to our rules */
};

#define NET_HOST_CLOSED               \
	(struct net_host)             \
	{                             \
		.lock = -1, .next = 0 \
	}

/* One machine's. */
struct net {
	bool used;
	uint32_t index;
	int ifindex;
	struct net_plan plan;
};

/* Takes away what launchers that were killed left behind; locks: a directory.
 */
int net_clear(int locks, struct err *);

/* Takes a number and makes its table.  Refuses a host that routes nothing. */
int net_open(struct net_host *, int locks, struct err *);

/*
 * A link into the network of that process, with rules, up at the host's end.
 * The other end is for link_raise_machine(), inside.
 */
int net_attach(struct net_host *, pid_t, const struct egress *, struct net *,
    struct err *);

/* After the machine is dead: its rules.  Its link died with its network. */
int net_detach(struct net_host *, struct net *, struct err *);

/* To be looked at when it is readable; -1: there is none. */
int net_news(const struct net_host *);

/* -1: others changed our rules, and every machine must end. */
int net_check(struct net_host *, struct err *);

/* Table, links, number; what fails is left to the next launcher. */
int net_close(struct net_host *, struct err *);

#endif
