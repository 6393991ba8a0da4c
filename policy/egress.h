/*
 * Where a machine's packets may go: an allow-list by network, protocol and
 * port, and what is denied whatever a list says.  Default is deny.  The list
 * is a point in a lattice (grant.h): the order is "reaches no more than".
 *
 * Never reachable: this host, link-local with the metadata services, loopback,
 * multicast, and the IPv6 networks that carry an IPv4 address inside (RFC 6890
 * and the IANA special-purpose registries; the clouds' documents for their
 * metadata addresses).  Private networks (RFC 1918, RFC 6598, RFC 4193) are
 * reachable by a rule that lies inside one of them: a wide rule such as
 * 0.0.0.0/0 never opens them.
 */
#ifndef POLICY_EGRESS_H
#define POLICY_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define EGRESS_RULES_MAX 64

#define EGRESS_TCP 6
#define EGRESS_UDP 17

struct egress_net {
	uint8_t family;   /* 4 or 6 */
	uint8_t prefix;   /* bits of addr that count, 0..32 or 0..128 */
	uint8_t addr[16]; /* network order; the rest is zero */
};

struct egress_rule {
	struct egress_net net;
	uint8_t proto;        /* EGRESS_TCP or EGRESS_UDP */
	uint16_t first, last; /* ports */
};

/* Sorted, and no rule lies within another. */
struct egress {
	uint32_t n;
	struct egress_rule rule[EGRESS_RULES_MAX];
};

/* Everything that can be allowed at all. */
void egress_top(struct egress *);

/*
 * Adds a rule, in its place; one that reaches nothing new is left out.  False
 * if there is no room.
 */
bool egress_add(struct egress *, const struct egress_rule *);

void egress_meet(struct egress *, const struct egress *a,
    const struct egress *b);

/* The first rule of a that no rule of b holds, or NULL. */
const struct egress_rule *egress_first_above(const struct egress *a,
    const struct egress *b);

/* True for "*" rules of nets: a lies within b. */
bool egress_net_within(const struct egress_net *a, const struct egress_net *b);

/* True if a network lies whole in what is never reachable. */
bool egress_is_never(const struct egress_net *);

/* True if it lies whole in a private network. */
bool egress_is_private(const struct egress_net *);

/* The tables of both, for whoever writes packet filters; NULL past the end. */
const struct egress_net *egress_never(size_t i);
const struct egress_net *egress_private(size_t i);

/* What becomes of the first packet to an address: the rule that lets it out, or
 * NULL.  port 0: any port. */
const struct egress_rule *egress_find(const struct egress *,
    const struct egress_net *host, uint8_t proto, uint16_t port);
bool egress_allows(const struct egress *, const struct egress_net *host,
    uint8_t proto, uint16_t port);

/* True if some port of some protocol of the address is allowed. */
bool egress_allows_host(const struct egress *, const struct egress_net *host);

/* "203.0.113.0/24"; out holds EGRESS_TEXT_MAX bytes. */
#define EGRESS_TEXT_MAX 96
void egress_net_text(char *out, const struct egress_net *);

/* "tcp 203.0.113.0/24 ports 80-90". */
void egress_rule_text(char *out, const struct egress_rule *);

void egress_put(struct buf *, const struct egress *);

/* Sets the buffer's error mark on what egress_add() could not have made. */
void egress_get(struct buf *, struct egress *);

#endif
