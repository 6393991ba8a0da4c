#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "policy/egress.h"
#include "sandbox/netlink.h"
#include "sandbox/nft_rule.h"

/* Of the network header: RFC 791, 3.1 and RFC 8200, 3. */
#define SOURCE4 12
#define DESTINATION4 16
#define SOURCE6 8
#define DESTINATION6 24
/* Of the TCP and the UDP header alike. */
#define DESTINATION_PORT 2

void
nft_rule_message(struct netlink *n, int type, uint16_t flags)
{
	struct nfgenmsg head = { .nfgen_family = NFPROTO_INET,
		.version = NFNETLINK_V0 };

	netlink_begin(n, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags,
	    &head, sizeof(head));
}

struct nft_rule
nft_rule_begin(struct netlink *n, const char *table, const char *chain)
{
	struct nft_rule r = { .n = n };

	nft_rule_message(n, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	netlink_put_str(n, NFTA_RULE_TABLE, table);
	netlink_put_str(n, NFTA_RULE_CHAIN, chain);
	r.list = netlink_nest(n, NFTA_RULE_EXPRESSIONS);
	return r;
}

void
nft_rule_end(struct nft_rule *r)
{
	netlink_end(r->n, r->list);
}

struct expr {
	struct nlattr *elem, *data;
};

static struct expr
begin(struct nft_rule *r, const char *name)
{
	struct expr x;

	x.elem = netlink_nest(r->n, NFTA_LIST_ELEM);
	netlink_put_str(r->n, NFTA_EXPR_NAME, name);
	x.data = netlink_nest(r->n, NFTA_EXPR_DATA);
	return x;
}

static void
end(struct nft_rule *r, struct expr *x)
{
	netlink_end(r->n, x->data);
	netlink_end(r->n, x->elem);
}

void
nft_rule_put_value(struct netlink *n, int attr, const void *data, size_t len)
{
	struct nlattr *a = netlink_nest(n, attr);

	netlink_put(n, NFTA_DATA_VALUE, data, len);
	netlink_end(n, a);
}

void
nft_rule_put_verdict(struct netlink *n, int attr, int32_t code,
    const char *chain)
{
	struct nlattr *a = netlink_nest(n, attr);
	struct nlattr *v = netlink_nest(n, NFTA_DATA_VERDICT);

	netlink_put_be32(n, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain != NULL)
		netlink_put_str(n, NFTA_VERDICT_CHAIN, chain);
	netlink_end(n, v);
	netlink_end(n, a);
}

static void
compare(struct nft_rule *r, enum nft_cmp_ops op, const void *data, size_t len)
{
	struct expr x = begin(r, "cmp");

	netlink_put_be32(r->n, NFTA_CMP_SREG, NFT_REG_1);
	netlink_put_be32(r->n, NFTA_CMP_OP, op);
	nft_rule_put_value(r->n, NFTA_CMP_DATA, data, len);
	end(r, &x);
}

static void
load_meta(struct nft_rule *r, enum nft_meta_keys key)
{
	struct expr x = begin(r, "meta");

	netlink_put_be32(r->n, NFTA_META_DREG, NFT_REG_1);
	netlink_put_be32(r->n, NFTA_META_KEY, key);
	end(r, &x);
}

static void
load_payload(struct nft_rule *r, enum nft_payload_bases base, uint32_t offset,
    uint32_t len)
{
	struct expr x = begin(r, "payload");

	netlink_put_be32(r->n, NFTA_PAYLOAD_DREG, NFT_REG_1);
	netlink_put_be32(r->n, NFTA_PAYLOAD_BASE, base);
	netlink_put_be32(r->n, NFTA_PAYLOAD_OFFSET, offset);
	netlink_put_be32(r->n, NFTA_PAYLOAD_LEN, len);
	end(r, &x);
}

static void
mask(struct nft_rule *r, const void *bits, size_t len)
{
	static const uint8_t zero[16];
	struct expr x = begin(r, "bitwise");

	netlink_put_be32(r->n, NFTA_BITWISE_SREG, NFT_REG_1);
	netlink_put_be32(r->n, NFTA_BITWISE_DREG, NFT_REG_1);
	netlink_put_be32(r->n, NFTA_BITWISE_LEN, (uint32_t)len);
	nft_rule_put_value(r->n, NFTA_BITWISE_MASK, bits, len);
	nft_rule_put_value(r->n, NFTA_BITWISE_XOR, zero, len);
	end(r, &x);
}

/* The name begins so: a comparison looks at no more bytes than it has. */
void
nft_rule_link(struct nft_rule *r, bool out, bool same, const char *prefix)
{
	load_meta(r, out ? NFT_META_OIFNAME : NFT_META_IIFNAME);
	compare(r, same ? NFT_CMP_EQ : NFT_CMP_NEQ, prefix, strlen(prefix));
}

void
nft_rule_family(struct nft_rule *r, uint8_t family)
{
	uint8_t proto = family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;

	load_meta(r, NFT_META_NFPROTO);
	compare(r, NFT_CMP_EQ, &proto, sizeof(proto));
}

static void
address(struct nft_rule *r, const struct egress_net *net, uint32_t offset4,
    uint32_t offset6)
{
	uint8_t bits[16] = { 0 };
	size_t len = net->family == 4 ? 4 : 16;

	nft_rule_family(r, net->family);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER,
	    net->family == 4 ? offset4 : offset6, (uint32_t)len);
	for (unsigned i = 0; i < net->prefix; i++)
		bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
	mask(r, bits, len);
	compare(r, NFT_CMP_EQ, net->addr, len);
}

void
nft_rule_source(struct nft_rule *r, const struct egress_net *net)
{
	address(r, net, SOURCE4, SOURCE6);
}

void
nft_rule_destination(struct nft_rule *r, const struct egress_net *net)
{
	address(r, net, DESTINATION4, DESTINATION6);
}

void
nft_rule_protocol(struct nft_rule *r, uint8_t proto)
{
	load_meta(r, NFT_META_L4PROTO);
	compare(r, NFT_CMP_EQ, &proto, sizeof(proto));
}

void
nft_rule_ports(struct nft_rule *r, uint16_t first, uint16_t last)
{
	uint16_t low = htons(first), high = htons(last);

	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, DESTINATION_PORT, 2);
	compare(r, NFT_CMP_GTE, &low, sizeof(low));
	compare(r, NFT_CMP_LTE, &high, sizeof(high));
}

void
nft_rule_in_connection(struct nft_rule *r)
{
	uint32_t states =
	    NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED);
	uint32_t none = 0;
	struct expr x = begin(r, "ct");

	netlink_put_be32(r->n, NFTA_CT_DREG, NFT_REG_1);
	netlink_put_be32(r->n, NFTA_CT_KEY, NFT_CT_STATE);
	end(r, &x);
	mask(r, &states, sizeof(states));
	compare(r, NFT_CMP_NEQ, &none, sizeof(none));
}

void
nft_rule_rate_above(struct nft_rule *r, uint32_t each_second)
{
	struct expr x = begin(r, "limit");

	netlink_put_be64(r->n, NFTA_LIMIT_RATE, each_second);
	netlink_put_be64(r->n, NFTA_LIMIT_UNIT, 1);
	netlink_put_be32(r->n, NFTA_LIMIT_BURST, each_second);
	netlink_put_be32(r->n, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
	netlink_put_be32(r->n, NFTA_LIMIT_FLAGS, NFT_LIMIT_F_INV);
	end(r, &x);
}

void
nft_rule_connections_above(struct nft_rule *r, uint32_t count)
{
	struct expr x = begin(r, "connlimit");

	netlink_put_be32(r->n, NFTA_CONNLIMIT_COUNT, count);
	netlink_put_be32(r->n, NFTA_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
	end(r, &x);
}

void
nft_rule_count(struct nft_rule *r)
{
	struct expr x = begin(r, "counter");

	end(r, &x);
}

static void
verdict(struct nft_rule *r, int32_t code, const char *chain)
{
	struct expr x = begin(r, "immediate");

	netlink_put_be32(r->n, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	nft_rule_put_verdict(r->n, NFTA_IMMEDIATE_DATA, code, chain);
	end(r, &x);
}

void
nft_rule_accept(struct nft_rule *r)
{
	verdict(r, NF_ACCEPT, NULL);
}

void
nft_rule_drop(struct nft_rule *r)
{
	verdict(r, NF_DROP, NULL);
}

void
nft_rule_jump(struct nft_rule *r, const char *chain)
{
	verdict(r, NFT_JUMP, chain);
}

void
nft_rule_masquerade(struct nft_rule *r)
{
	struct expr x = begin(r, "masq");

	end(r, &x);
}

void
nft_rule_look_up_link(struct nft_rule *r, const char *map)
{
	struct expr x;

	load_meta(r, NFT_META_IIF);
	x = begin(r, "lookup");
	netlink_put_str(r->n, NFTA_LOOKUP_SET, map);
	netlink_put_be32(r->n, NFTA_LOOKUP_SREG, NFT_REG_1);
	netlink_put_be32(r->n, NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
	end(r, &x);
}
