/*
 * Names and addresses of a machine's link to the world.  Pure.
 *
 * A launcher has a number, and each of its machines with a way out an index.
 * Link and addresses follow from both, so that no two machines of a host
 * share one: two addresses of 198.18.0.0/15 (RFC 2544, which no network
 * routes) and two of fdce:11a0:ce11::/48, the even one the host's.  Nothing
 * outside sees them: the host puts its own address in their place.
 */
#ifndef SANDBOX_NET_PLAN_H
#define SANDBOX_NET_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define NET_PLAN_LAUNCHERS 64
#define NET_PLAN_MACHINES 1024 /* indexes of one launcher */
#define NET_PLAN_NAME_SIZE 16  /* IFNAMSIZ */

#define NET_PLAN_PREFIX4 31  /* of a link, RFC 3021 */
#define NET_PLAN_PREFIX6 127 /* RFC 6164 */
#define NET_PLAN_ALL4 21     /* of all links of one launcher */
#define NET_PLAN_ALL6 64

/* Inside the machine. */
#define NET_PLAN_INSIDE "eth0"

struct buf;

struct net_plan {
	char name[NET_PLAN_NAME_SIZE]; /* of the host's end: "cella3.17" */
	uint8_t host4[4], machine4[4];
	uint8_t host6[16], machine6[16];
	uint8_t host_mac[6], machine_mac[6];
	bool has_ipv6; /* the kernel does */
	bool ipv6;     /* and this host forwards it: the machine gets it */
};

void net_plan_build(struct net_plan *, uint32_t number, uint32_t index);

/* From the launcher to the slot. */
void net_plan_put(struct buf *, const struct net_plan *);
void net_plan_get(struct buf *, struct net_plan *);

/* "cella-3", the table; "cella3.", what names of its links begin with. */
void net_plan_table(char out[NET_PLAN_NAME_SIZE], uint32_t number);
void net_plan_link_prefix(char out[NET_PLAN_NAME_SIZE], uint32_t number);

#endif
