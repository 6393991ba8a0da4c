/* The parts of which rules of nf_tables are made: nft.c puts them together. */
#ifndef SANDBOX_NFT_RULE_H
#define SANDBOX_NFT_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct egress_net;
struct netlink;
struct nlattr;

/* One message of a batch with its fixed part; NFT_MSG_*. */
void nft_rule_message(struct netlink *, int type, uint16_t flags);

struct nft_rule {
	struct netlink *n;
	struct nlattr *list;
};

/* A rule at the end of a chain; nft_rule_end() closes it. */
struct nft_rule nft_rule_begin(struct netlink *, const char *table,
    const char *chain);
void nft_rule_end(struct nft_rule *);

/* Conditions. */
void nft_rule_link(struct nft_rule *, bool out, bool same, const char *prefix);
void nft_rule_family(struct nft_rule *, uint8_t family); /* 4 or 6 */
void nft_rule_source(struct nft_rule *, const struct egress_net *);
void nft_rule_destination(struct nft_rule *, const struct egress_net *);
void nft_rule_protocol(struct nft_rule *, uint8_t proto);
void nft_rule_ports(struct nft_rule *, uint16_t first, uint16_t last);
void nft_rule_in_connection(struct nft_rule *); /* established or related */
void nft_rule_rate_above(struct nft_rule *, uint32_t each_second);
void nft_rule_connections_above(struct nft_rule *, uint32_t);

/* What becomes of the packet. */
void nft_rule_count(struct nft_rule *);
void nft_rule_accept(struct nft_rule *);
void nft_rule_drop(struct nft_rule *);
void nft_rule_jump(struct nft_rule *, const char *chain);
void nft_rule_masquerade(struct nft_rule *);

/* Where the map sends packets from this link; on, if it is not there. */
void nft_rule_look_up_link(struct nft_rule *, const char *map);

/* A verdict as data: nf_tables.h, NFTA_DATA_VERDICT. */
void nft_rule_put_verdict(struct netlink *, int attr, int32_t code,
    const char *chain);
void nft_rule_put_value(struct netlink *, int attr, const void *, size_t);

#endif
