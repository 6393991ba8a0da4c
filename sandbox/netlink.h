/*
 * Messages to the kernel over netlink(7), one at a time or as one batch that
 * holds or fails whole; libnl stands behind it.  Every attribute goes through
 * a call that knows its length, and what does not fit is an error at the send.
 */
#ifndef SANDBOX_NETLINK_H
#define SANDBOX_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct nl_msg;
struct nl_sock;
struct nlattr;

struct netlink {
	struct nl_sock *sock;
	struct nl_msg *msg; /* the one that is being written */
	uint32_t seq;       /* of the last one written */
	uint32_t asked;     /* of the one that is to be answered; 0: none yet */
	struct buf batch;   /* finished messages */
	bool failed;        /* something did not fit */
};

/* protocol: NETLINK_ROUTE, NETLINK_NETFILTER. */
int netlink_open(struct netlink *, int protocol, struct err *);
void netlink_close(struct netlink *);

/* A socket that hears what everybody changes, and never waits. */
int netlink_open_news(struct netlink *, int protocol, int group, struct err *);
int netlink_fd(const struct netlink *);

/* Under which the kernel tells our changes from others'. */
uint32_t netlink_port(const struct netlink *);

/*
 * Calls the function for each message that is there: its type, who caused it,
 * and the text of attribute 1 behind a fixed part of that many bytes, or "".
 * -1: some were lost.
 */
typedef void netlink_news_fn(void *arg, uint16_t type, uint32_t port,
    const char *text);
int netlink_hear(struct netlink *, size_t fixed, netlink_news_fn *, void *arg);

/* A message with its fixed part; a former one is finished by this. */
void netlink_begin(struct netlink *, uint16_t type, uint16_t flags,
    const void *head, size_t len);
void netlink_put(struct netlink *, int attr, const void *, size_t);
void netlink_put_str(struct netlink *, int attr, const char *);
void netlink_put_u32(struct netlink *, int attr, uint32_t); /* host's order */
void netlink_put_be32(struct netlink *, int attr, uint32_t);
void netlink_put_be64(struct netlink *, int attr, uint64_t);
/* A fixed part inside a nest. */
void netlink_append(struct netlink *, const void *, size_t);
struct nlattr *netlink_nest(struct netlink *, int attr);
void netlink_end(struct netlink *, struct nlattr *);

/* The kernel is to answer the message that is being written. */
void netlink_ask(struct netlink *);

/*
 * Sends what was written since the last send as one datagram.  The kernel has
 * done it when this returns: if no message asked for an answer the last one
 * does.  e->sys is the kernel's errno.
 */
int netlink_send(struct netlink *, struct err *);

#endif
