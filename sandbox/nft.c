#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/control.h"
#include "base/err.h"
#include "policy/egress.h"
#include "sandbox/net_plan.h"
#include "sandbox/netlink.h"
#include "sandbox/nft.h"
#include "sandbox/nft_rule.h"

/* How nft(8) knows the type of a key, to print it: an interface's index. */
#define NFT_TYPE_IFINDEX 20

/* Maps from a link to a chain of its machine. */
#define MAP_SOURCES "sources"
#define MAP_MACHINES "machines"

#define PREROUTING_PRIORITY NF_IP_PRI_RAW
#define POSTROUTING_PRIORITY NF_IP_PRI_NAT_SRC

static void
mark_batch(struct netlink *n, int type)
{
	struct nfgenmsg head = { .nfgen_family = AF_UNSPEC,
		.version = NFNETLINK_V0,
		.res_id = htons(NFNL_SUBSYS_NFTABLES) };

	netlink_begin(n, (uint16_t)type, 0, &head, sizeof(head));
}

/* Kernels before 6.10 answer for messages between the marks only. */
static int
commit(struct netlink *n, struct err *e)
{
	netlink_ask(n);
	mark_batch(n, NFNL_MSG_BATCH_END);
	return netlink_send(n, e);
}

static void
add_chain(struct netlink *n, const char *table, const char *name)
{
	nft_rule_message(n, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);
	netlink_put_str(n, NFTA_CHAIN_TABLE, table);
	netlink_put_str(n, NFTA_CHAIN_NAME, name);
}

static void
add_hook(struct netlink *n, const char *table, const char *name,
    const char *type, uint32_t hook, int32_t priority)
{
	struct nlattr *a;

	add_chain(n, table, name);
	a = netlink_nest(n, NFTA_CHAIN_HOOK);
	netlink_put_be32(n, NFTA_HOOK_HOOKNUM, hook);
	netlink_put_be32(n, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	netlink_end(n, a);
	/* Packets of others are none of our business. */
	netlink_put_be32(n, NFTA_CHAIN_POLICY, NF_ACCEPT);
	netlink_put_str(n, NFTA_CHAIN_TYPE, type);
}

static void
add_map(struct netlink *n, const char *table, const char *name, uint32_t id)
{
	nft_rule_message(n, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);
	netlink_put_str(n, NFTA_SET_TABLE, table);
	netlink_put_str(n, NFTA_SET_NAME, name);
	netlink_put_be32(n, NFTA_SET_FLAGS, NFT_SET_MAP);
	netlink_put_be32(n, NFTA_SET_KEY_TYPE, NFT_TYPE_IFINDEX);
	netlink_put_be32(n, NFTA_SET_KEY_LEN, sizeof(uint32_t));
	netlink_put_be32(n, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
	netlink_put_be32(n, NFTA_SET_ID, id);
}

static void
drop(struct nft_rule *r)
{
	nft_rule_count(r);
	if (CONTROL(51))
		nft_rule_drop(r);
	else
		nft_rule_accept(r);
	nft_rule_end(r);
}

static void
let_pass(struct nft_rule *r)
{
	nft_rule_accept(r);
	nft_rule_end(r);
}

static void
add_drops(struct netlink *n, const char *table, const char *chain,
    const struct egress_net *(*list)(size_t))
{
	struct nft_rule r;

	for (size_t i = 0; list(i) != NULL; i++) {
		r = nft_rule_begin(n, table, chain);
		nft_rule_destination(&r, list(i));
		drop(&r);
	}
}

static void
fill_prerouting(struct netlink *n, const char *table, const char *prefix)
{
	struct nft_rule r = nft_rule_begin(n, table, "prerouting");

	nft_rule_link(&r, false, false, prefix);
	let_pass(&r);
	r = nft_rule_begin(n, table, "prerouting");
	nft_rule_look_up_link(&r, MAP_SOURCES);
	nft_rule_end(&r);
	r = nft_rule_begin(n, table, "prerouting");
	drop(&r);
}

static void
fill_to_and_from_host(struct netlink *n, const char *table, const char *prefix)
{
	struct nft_rule r = nft_rule_begin(n, table, "input");

	nft_rule_link(&r, false, true, prefix);
	drop(&r);
	r = nft_rule_begin(n, table, "output");
	nft_rule_link(&r, true, false, prefix);
	let_pass(&r);
	r = nft_rule_begin(n, table, "output");
	nft_rule_in_connection(&r);
	let_pass(&r);
	r = nft_rule_begin(n, table, "output");
	drop(&r);
}

static void
fill_forward(struct netlink *n, const char *table, const char *prefix)
{
	struct nft_rule r = nft_rule_begin(n, table, "forward");

	nft_rule_link(&r, true, true, prefix);
	nft_rule_in_connection(&r);
	let_pass(&r);
	r = nft_rule_begin(n, table, "forward");
	nft_rule_link(&r, true, true, prefix);
	drop(&r);
	r = nft_rule_begin(n, table, "forward");
	nft_rule_link(&r, false, false, prefix);
	let_pass(&r);
	r = nft_rule_begin(n, table, "forward");
	nft_rule_in_connection(&r);
	let_pass(&r);
	r = nft_rule_begin(n, table, "forward");
	nft_rule_jump(&r, "never");
	nft_rule_end(&r);
	r = nft_rule_begin(n, table, "forward");
	nft_rule_look_up_link(&r, MAP_MACHINES);
	nft_rule_end(&r);
	r = nft_rule_begin(n, table, "forward");
	drop(&r);
}

/* All links of the launcher: what the addresses of net_plan.h begin with. */
static void
fill_postrouting(struct netlink *n, const char *table, uint32_t number)
{
	struct egress_net all4 = { 4, NET_PLAN_ALL4, { 0 } };
	struct egress_net all6 = { 6, NET_PLAN_ALL6, { 0 } };
	struct net_plan first;
	struct nft_rule r;

	net_plan_build(&first, number, 0);
	memcpy(all4.addr, first.host4, sizeof(first.host4));
	memcpy(all6.addr, first.host6, sizeof(first.host6));
	r = nft_rule_begin(n, table, "postrouting");
	nft_rule_source(&r, &all4);
	nft_rule_masquerade(&r);
	nft_rule_end(&r);
	r = nft_rule_begin(n, table, "postrouting");
	nft_rule_source(&r, &all6);
	nft_rule_masquerade(&r);
	nft_rule_end(&r);
}

int
nft_add_table(struct netlink *n, uint32_t number, struct err *e)
{
	char table[NET_PLAN_NAME_SIZE], prefix[NET_PLAN_NAME_SIZE];

	net_plan_table(table, number);
	net_plan_link_prefix(prefix, number);
	mark_batch(n, NFNL_MSG_BATCH_BEGIN);
	nft_rule_message(n, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	netlink_put_str(n, NFTA_TABLE_NAME, table);
	add_map(n, table, MAP_SOURCES, 1);
	add_map(n, table, MAP_MACHINES, 2);
	add_chain(n, table, "never");
	add_chain(n, table, "private");
	add_hook(n, table, "prerouting", "filter", NF_INET_PRE_ROUTING,
	    PREROUTING_PRIORITY);
	add_hook(n, table, "input", "filter", NF_INET_LOCAL_IN, 0);
	add_hook(n, table, "output", "filter", NF_INET_LOCAL_OUT, 0);
	add_hook(n, table, "forward", "filter", NF_INET_FORWARD, 0);
	add_hook(n, table, "postrouting", "nat", NF_INET_POST_ROUTING,
	    POSTROUTING_PRIORITY);
	add_drops(n, table, "never", egress_never);
	add_drops(n, table, "private", egress_private);
	fill_prerouting(n, table, prefix);
	fill_to_and_from_host(n, table, prefix);
	fill_forward(n, table, prefix);
	fill_postrouting(n, table, number);
	return commit(n, e) == -1 ? err_in(e, "nf_tables: table %s", table) : 0;
}

int
nft_delete_table(struct netlink *n, uint32_t number, struct err *e)
{
	char table[NET_PLAN_NAME_SIZE];

	net_plan_table(table, number);
	mark_batch(n, NFNL_MSG_BATCH_BEGIN);
	nft_rule_message(n, NFT_MSG_DELTABLE, 0);
	netlink_put_str(n, NFTA_TABLE_NAME, table);
	if (commit(n, e) == -1 && e->sys != ENOENT)
		return err_in(e, "nf_tables: table %s", table);
	return 0;
}

static void
name_chains(char source[NET_PLAN_NAME_SIZE], char list[NET_PLAN_NAME_SIZE],
    uint32_t index)
{
	snprintf(source, NET_PLAN_NAME_SIZE, "source-%u", index);
	snprintf(list, NET_PLAN_NAME_SIZE, "machine-%u", index);
}

/* An entry of a map; chain NULL: only its key, as for a deletion. */
static void
put_element(struct netlink *n, int type, const char *table, const char *map,
    int ifindex, const char *chain)
{
	struct nlattr *list, *elem;

	nft_rule_message(n, type,
	    type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
	netlink_put_str(n, NFTA_SET_ELEM_LIST_TABLE, table);
	netlink_put_str(n, NFTA_SET_ELEM_LIST_SET, map);
	list = netlink_nest(n, NFTA_SET_ELEM_LIST_ELEMENTS);
	elem = netlink_nest(n, NFTA_LIST_ELEM);
	nft_rule_put_value(n, NFTA_SET_ELEM_KEY, &ifindex, sizeof(ifindex));
	if (chain != NULL)
		nft_rule_put_verdict(n, NFTA_SET_ELEM_DATA, NFT_GOTO, chain);
	netlink_end(n, elem);
	netlink_end(n, list);
}

static void
allow_source(struct netlink *n, const char *table, const char *chain,
    uint8_t family, const uint8_t *addr)
{
	struct egress_net host = { .family = family };
	struct nft_rule r = nft_rule_begin(n, table, chain);

	host.prefix = family == 4 ? 32 : 128;
	memcpy(host.addr, addr, host.prefix / 8);
	nft_rule_source(&r, &host);
	let_pass(&r);
}

static void
allow(struct netlink *n, const char *table, const char *chain,
    const struct egress_rule *rule)
{
	struct nft_rule r = nft_rule_begin(n, table, chain);

	nft_rule_protocol(&r, rule->proto);
	nft_rule_destination(&r, &rule->net);
	nft_rule_ports(&r, rule->first, rule->last);
	nft_rule_count(&r);
	let_pass(&r);
}

/* Private networks that are listed, then none of the others, then the rest. */
static void
fill_list(struct netlink *n, const char *table, const char *chain,
    const struct egress *egress)
{
	struct nft_rule r = nft_rule_begin(n, table, chain);

	nft_rule_rate_above(&r, NFT_RATE);
	drop(&r);
	r = nft_rule_begin(n, table, chain);
	nft_rule_connections_above(&r, NFT_CONNECTIONS);
	drop(&r);
	for (uint32_t i = 0; i < egress->n; i++)
		if (egress_is_private(&egress->rule[i].net))
			allow(n, table, chain, &egress->rule[i]);
	r = nft_rule_begin(n, table, chain);
	nft_rule_jump(&r, "private");
	nft_rule_end(&r);
	for (uint32_t i = 0; i < egress->n; i++)
		if (!egress_is_private(&egress->rule[i].net))
			allow(n, table, chain, &egress->rule[i]);
	r = nft_rule_begin(n, table, chain);
	drop(&r);
}

int
nft_add_machine(struct netlink *n, uint32_t number, uint32_t index, int ifindex,
    const struct net_plan *p, const struct egress *egress, struct err *e)
{
	char table[NET_PLAN_NAME_SIZE], source[NET_PLAN_NAME_SIZE],
	    list[NET_PLAN_NAME_SIZE];
	struct nft_rule r;

	net_plan_table(table, number);
	name_chains(source, list, index);
	mark_batch(n, NFNL_MSG_BATCH_BEGIN);
	add_chain(n, table, source);
	add_chain(n, table, list);
	allow_source(n, table, source, 4, p->machine4);
	allow_source(n, table, source, 6, p->machine6);
	r = nft_rule_begin(n, table, source);
	drop(&r);
	fill_list(n, table, list, egress);
	put_element(n, NFT_MSG_NEWSETELEM, table, MAP_SOURCES, ifindex, source);
	put_element(n, NFT_MSG_NEWSETELEM, table, MAP_MACHINES, ifindex, list);
	return commit(n, e) == -1 ? err_in(e, "nf_tables: rules of %s", p->name)
				  : 0;
}

int
nft_delete_machine(struct netlink *n, uint32_t number, uint32_t index,
    int ifindex, struct err *e)
{
	char table[NET_PLAN_NAME_SIZE], chain[2][NET_PLAN_NAME_SIZE];

	net_plan_table(table, number);
	name_chains(chain[0], chain[1], index);
	mark_batch(n, NFNL_MSG_BATCH_BEGIN);
	put_element(n, NFT_MSG_DELSETELEM, table, MAP_SOURCES, ifindex, NULL);
	put_element(n, NFT_MSG_DELSETELEM, table, MAP_MACHINES, ifindex, NULL);
	for (int i = 0; i < 2; i++) {
		/* Its rules first: a chain goes when it is empty. */
		nft_rule_message(n, NFT_MSG_DELRULE, 0);
		netlink_put_str(n, NFTA_RULE_TABLE, table);
		netlink_put_str(n, NFTA_RULE_CHAIN, chain[i]);
		nft_rule_message(n, NFT_MSG_DELCHAIN, 0);
		netlink_put_str(n, NFTA_CHAIN_TABLE, table);
		netlink_put_str(n, NFTA_CHAIN_NAME, chain[i]);
	}
	return commit(n, e) == -1
	    ? err_in(e, "nf_tables: rules of %s", chain[1])
	    : 0;
}

int
nft_open_news(struct netlink *news, struct err *e)
{
	return netlink_open_news(news, NETLINK_NETFILTER, NFNLGRP_NFTABLES, e);
}

struct change {
	char table[NET_PLAN_NAME_SIZE];
	uint32_t port; /* ours */
	bool seen;
};

/* In every message about a table, or a part of one, attribute 1 names it. */
static void
look_for_change(void *arg, uint16_t type, uint32_t port, const char *table)
{
	struct change *c = arg;

	c->seen |= type >> 8 == NFNL_SUBSYS_NFTABLES && port != c->port &&
	    strcmp(table, c->table) == 0;
}

int
nft_check_news(struct netlink *news, const struct netlink *n, uint32_t number,
    struct err *e)
{
	struct change c = { .port = netlink_port(n) };

	net_plan_table(c.table, number);
	/* News that were lost may have been of ours. */
	if (netlink_hear(news, sizeof(struct nfgenmsg), look_for_change, &c) ==
	    -1)
		c.seen = true;
	return c.seen ? err_set(e, ERR_SYSTEM,
			    "network: somebody else changed the rules in "
			    "table %s: no machine may run without them",
			    c.table)
		      : 0;
}
