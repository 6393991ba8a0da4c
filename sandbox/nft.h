/*
 * Our table of nf_tables rules, written over nfnetlink by the launcher itself.
 * Whole changes are one batch: all of it holds or nothing does.
 *
 * The table of a launcher, for links that are named after its number:
 *
 *   prerouting  from a link: only with the address of its machine
 *   input       from a link: nothing reaches this host
 *   output      to a link: only what belongs to a connection
 *   forward     to a link: only what belongs to a connection; from a link: what
 *               belongs to one, then never what nobody may reach, then the list
 *               of its machine, then nothing
 *   postrouting from a link's address: with the host's own in its place
 *
 * Formats: linux/netfilter/nf_tables.h, and what nft(8) prints with
 * --debug=netlink for the same rules.
 */
#ifndef SANDBOX_NFT_H
#define SANDBOX_NFT_H

#include <stdint.h>

struct egress;
struct err;
struct net_plan;
struct netlink;

/* New connections a second, and at one time, of one machine. */
#define NFT_RATE 100
#define NFT_CONNECTIONS 64

int nft_add_table(struct netlink *, uint32_t number, struct err *);

/* Nothing, if there is none. */
int nft_delete_table(struct netlink *, uint32_t number, struct err *);

/*
 * What others do to our table: news is a socket that hears of it.  -1 if they
 * changed anything in it.
 */
int nft_open_news(struct netlink *news, struct err *);
int nft_check_news(struct netlink *news, const struct netlink *,
    uint32_t number, struct err *);

/* The rules of one machine; ifindex of the host's end of its link. */
int nft_add_machine(struct netlink *, uint32_t number, uint32_t index,
    int ifindex, const struct net_plan *, const struct egress *, struct err *);
int nft_delete_machine(struct netlink *, uint32_t number, uint32_t index,
    int ifindex, struct err *);

#endif
