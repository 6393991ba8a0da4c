#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "base/err.h"
#include "base/str.h"
#include "sandbox/netlink.h"

#define MESSAGE_MAX 8192
#define NEWS_MAX (1 << 20) /* bytes that may wait for us */

int
netlink_open(struct netlink *n, int protocol, struct err *e)
{
	int r;

	*n = (struct netlink){ .sock = nl_socket_alloc() };
	if (n->sock == NULL)
		return err_set(e, ERR_SYSTEM, "netlink: no memory");
	nl_socket_disable_seq_check(n->sock);
	r = nl_connect(n->sock, protocol);
	if (r < 0) {
		netlink_close(n);
		return err_set(e, ERR_SYSTEM, "netlink: %s", nl_geterror(r));
	}
	return 0;
}

void
netlink_close(struct netlink *n)
{
	nlmsg_free(n->msg);
	nl_socket_free(n->sock);
	buf_fini(&n->batch);
	*n = (struct netlink){ 0 };
}

int
netlink_open_news(struct netlink *n, int protocol, int group, struct err *e)
{
	if (netlink_open(n, protocol, e) == -1)
		return -1;
	if (nl_socket_set_buffer_size(n->sock, NEWS_MAX, 0) == 0 &&
	    nl_socket_add_membership(n->sock, group) == 0 &&
	    nl_socket_set_nonblocking(n->sock) == 0)
		return 0;
	netlink_close(n);
	return err_set(e, ERR_SYSTEM, "netlink: no news of changes");
}

int
netlink_fd(const struct netlink *n)
{
	return n->sock == NULL ? -1 : nl_socket_get_fd(n->sock);
}

uint32_t
netlink_port(const struct netlink *n)
{
	return nl_socket_get_local_port(n->sock);
}

static const char *
find_text(struct nlmsghdr *h, size_t fixed)
{
	struct nlattr *a = nlmsg_find_attr(h, (int)fixed, 1);

	if (a == NULL || nla_len(a) < 1 ||
	    memchr(nla_data(a), '\0', (size_t)nla_len(a)) == NULL)
		return "";
	return nla_data(a);
}

int
netlink_hear(struct netlink *n, size_t fixed, netlink_news_fn *fn, void *arg)
{
	static char data[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *h;
	ssize_t got;
	int len;

	for (;;) {
		got = recv(nl_socket_get_fd(n->sock), data, sizeof(data), 0);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == -1 && errno == EAGAIN ? 0 : -1;
		len = (int)got;
		for (h = (struct nlmsghdr *)data; nlmsg_ok(h, len);
		     h = nlmsg_next(h, &len))
			if (h->nlmsg_len >= NLMSG_LENGTH(fixed))
				fn(arg, h->nlmsg_type, h->nlmsg_pid,
				    find_text(h, fixed));
	}
}

/* The message that was being written, to the others. */
static void
finish(struct netlink *n)
{
	static const char padding[NLMSG_ALIGNTO];
	struct nlmsghdr *h;

	if (n->msg == NULL)
		return;
	h = nlmsg_hdr(n->msg);
	buf_add(&n->batch, h, h->nlmsg_len);
	buf_add(&n->batch, padding, NLMSG_ALIGN(h->nlmsg_len) - h->nlmsg_len);
	nlmsg_free(n->msg);
	n->msg = NULL;
}

void
netlink_begin(struct netlink *n, uint16_t type, uint16_t flags,
    const void *head, size_t len)
{
	finish(n);
	n->msg = nlmsg_alloc_size(MESSAGE_MAX);
	invariant(n->msg != NULL);
	if (nlmsg_put(n->msg, NL_AUTO_PORT, ++n->seq, type, 0,
		NLM_F_REQUEST | flags) == NULL ||
	    nlmsg_append(n->msg, (void *)(uintptr_t)head, len, NLMSG_ALIGNTO) <
		0)
		n->failed = true;
}

void
netlink_put(struct netlink *n, int attr, const void *data, size_t len)
{
	if (len > MESSAGE_MAX || nla_put(n->msg, attr, (int)len, data) < 0)
		n->failed = true;
}

void
netlink_append(struct netlink *n, const void *data, size_t len)
{
	if (nlmsg_append(n->msg, (void *)(uintptr_t)data, len, NLMSG_ALIGNTO) <
	    0)
		n->failed = true;
}

void
netlink_put_str(struct netlink *n, int attr, const char *s)
{
	netlink_put(n, attr, s, strlen(s) + 1);
}

void
netlink_put_u32(struct netlink *n, int attr, uint32_t v)
{
	netlink_put(n, attr, &v, sizeof(v));
}

void
netlink_put_be32(struct netlink *n, int attr, uint32_t v)
{
	netlink_put_u32(n, attr, htobe32(v));
}

void
netlink_put_be64(struct netlink *n, int attr, uint64_t v)
{
	v = htobe64(v);
	netlink_put(n, attr, &v, sizeof(v));
}

struct nlattr *
netlink_nest(struct netlink *n, int attr)
{
	struct nlattr *a = nla_nest_start(n->msg, attr | NLA_F_NESTED);

	n->failed |= a == NULL;
	return a;
}

void
netlink_end(struct netlink *n, struct nlattr *a)
{
	/* Keeps an empty one, which some expressions are. */
	if (a != NULL && nla_nest_end_keep_empty(n->msg, a) < 0)
		n->failed = true;
}

/*
 * The kernel works before sendmsg(2) returns, so every answer is here: errors
 * of single messages first, the one that was asked for last.
 */
static int
read_answers(struct netlink *n, int *sys)
{
	char data[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *h;
	struct nlmsgerr *answer;
	bool seen = false;
	ssize_t got;
	int len;

	*sys = 0;
	for (;;) {
		got = recv(nl_socket_get_fd(n->sock), data, sizeof(data),
		    MSG_DONTWAIT);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return seen ? 0 : -1;
		len = (int)got;
		for (h = (struct nlmsghdr *)data; nlmsg_ok(h, len);
		     h = nlmsg_next(h, &len)) {
			if (h->nlmsg_type != NLMSG_ERROR ||
			    h->nlmsg_len < NLMSG_LENGTH(sizeof(*answer)))
				continue;
			answer = nlmsg_data(h);
			if (answer->error != 0 && *sys == 0)
				*sys = -answer->error;
			seen |= answer->error != 0 || h->nlmsg_seq == n->asked;
		}
	}
}

void
netlink_ask(struct netlink *n)
{
	nlmsg_hdr(n->msg)->nlmsg_flags |= NLM_F_ACK;
	n->asked = n->seq;
}

int
netlink_send(struct netlink *n, struct err *e)
{
	int sys, r;

	if (n->asked == 0)
		netlink_ask(n);
	finish(n);
	if (n->failed) {
		n->failed = false;
		n->asked = 0;
		buf_reset(&n->batch);
		return err_set(e, ERR_SYSTEM, "netlink: message too long");
	}
	r = nl_sendto(n->sock, n->batch.data, n->batch.len);
	buf_reset(&n->batch);
	if (r < 0)
		return err_set(e, ERR_SYSTEM, "netlink: %s", nl_geterror(r));
	r = read_answers(n, &sys);
	n->asked = 0;
	if (r == -1)
		return err_set(e, ERR_SYSTEM, "netlink: no answer");
	errno = sys;
	return sys == 0 ? 0 : err_sys(e, "netlink");
}
