#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "sandbox/ids.h"
#include "sandbox/link.h"
#include "sandbox/net.h"
#include "sandbox/nft.h"

#define IPV4_FORWARD "/proc/sys/net/ipv4/ip_forward"
#define IPV6_FORWARD "/proc/sys/net/ipv6/conf/all/forwarding"

/* A lock's file holds a byte while rules of its number may exist. */
#define IN_USE "1"

static bool
is_on(const char *path)
{
	fd_auto int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = '0';

	return fd != -1 && read(fd, &c, 1) == 1 && c == '1';
}

static int
open_sockets(struct net_host *h, struct err *e)
{
	if (netlink_open(&h->route, NETLINK_ROUTE, e) == -1)
		return -1;
	if (netlink_open(&h->filter, NETLINK_NETFILTER, e) == 0)
		return 0;
	netlink_close(&h->route);
	return -1;
}

static void
close_sockets(struct net_host *h)
{
	netlink_close(&h->route);
	netlink_close(&h->filter);
	netlink_close(&h->news);
}

/* Links first: none is ever up without rules. */
static int
remove_all(struct net_host *h, uint32_t number, struct err *e)
{
	char prefix[NET_PLAN_NAME_SIZE];

	net_plan_link_prefix(prefix, number);
	if (link_delete_all(&h->route, prefix, e) == -1)
		return -1;
	return nft_delete_table(&h->filter, number, e);
}

static int
clear_one(struct net_host *h, uint32_t number, int lock, struct err *e)
{
	bool opened = h->route.sock == NULL;
	char c;

	if (pread(lock, &c, 1, 0) != 1)
		return 0;
	if (opened && open_sockets(h, e) == -1)
		return -1;
	return remove_all(h, number, e) == -1 || ftruncate(lock, 0) == -1 ? -1
									  : 0;
}

int
net_clear(int locks, struct err *e)
{
	struct net_host h = NET_HOST_CLOSED;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < NET_PLAN_LAUNCHERS; i++) {
		fd_auto int lock = ids_lock(locks, "net", i, false, e);

		if (lock == -1 && e->code == ERR_NOT_FOUND)
			break; /* numbers are taken from below */
		if (lock != -1)
			r = clear_one(&h, i, lock, e);
	}
	close_sockets(&h);
	return r == -1 ? err_in(e, "network of a former launcher") : 0;
}

static int
take_number(struct net_host *h, int locks, struct err *e)
{
	for (uint32_t i = 0; i < NET_PLAN_LAUNCHERS; i++) {
		h->lock = ids_lock(locks, "net", i, true, e);
		if (h->lock != -1) {
			h->number = i;
			return 0;
		}
		if (e->code != ERR_BUSY)
			return -1;
	}
	return err_set(e, ERR_BUSY, "network: %d launchers have links",
	    NET_PLAN_LAUNCHERS);
}

int
net_open(struct net_host *h, int locks, struct err *e)
{
	struct err ignored;

	*h = NET_HOST_CLOSED;
	if (!is_on(IPV4_FORWARD))
		return err_set(e, ERR_DENIED,
		    "network: this host forwards nothing (net.ipv4.ip_forward "
		    "is 0), so no machine can have a way out");
	h->has_ipv6 = access(IPV6_FORWARD, F_OK) == 0;
	h->ipv6 = is_on(IPV6_FORWARD);
	if (take_number(h, locks, e) == -1)
		return -1;
	if (open_sockets(h, e) == -1) {
		fd_close(&h->lock);
		return -1;
	}
	h->open = true;
	/* Said before it is done, so that it is found if we are killed. */
	if (pwrite(h->lock, IN_USE, 1, 0) != 1)
		err_sys(e, "network: lock");
	else if (remove_all(h, h->number, e) == 0 &&
	    nft_open_news(&h->news, e) == 0 &&
	    nft_add_table(&h->filter, h->number, e) == 0)
		return 0;
	(void)net_close(h, &ignored);
	return -1;
}

/* A name whose former link is still dying is passed over. */
static int
create_link(struct net_host *h, pid_t pid, struct net *n, struct err *e)
{
	for (int i = 0; i < NET_PLAN_MACHINES; i++) {
		n->index = h->next++ % NET_PLAN_MACHINES;
		net_plan_build(&n->plan, h->number, n->index);
		n->plan.has_ipv6 = h->has_ipv6;
		n->plan.ipv6 = h->ipv6;
		n->ifindex = link_create(&h->route, &n->plan, pid, e);
		if (n->ifindex != -1)
			return 0;
		if (e->code != ERR_CONFLICT)
			return -1;
	}
	return err_set(e, ERR_BUSY, "network: %d links are in use",
	    NET_PLAN_MACHINES);
}

int
net_attach(struct net_host *h, pid_t pid, const struct egress *egress,
    struct net *n, struct err *e)
{
	struct err ignored;

	*n = (struct net){ 0 };
	if (!h->open)
		return err_set(e, ERR_DENIED,
		    "network: no way out was prepared");
	if (create_link(h, pid, n, e) == -1 ||
	    nft_add_machine(&h->filter, h->number, n->index, n->ifindex,
		&n->plan, egress, e) == -1)
		return -1; /* a link that is down dies with its network */
	n->used = true;
	if (link_raise_host(&h->route, &n->plan, n->ifindex, e) == 0)
		return 0;
	(void)link_delete(&h->route, n->ifindex, &ignored);
	(void)net_detach(h, n, &ignored);
	return -1;
}

int
net_detach(struct net_host *h, struct net *n, struct err *e)
{
	if (!n->used)
		return 0;
	n->used = false;
	return nft_delete_machine(&h->filter, h->number, n->index, n->ifindex,
	    e);
}

int
net_news(const struct net_host *h)
{
	return h->open ? netlink_fd(&h->news) : -1;
}

int
net_check(struct net_host *h, struct err *e)
{
	return nft_check_news(&h->news, &h->filter, h->number, e);
}

int
net_close(struct net_host *h, struct err *e)
{
	int r;

	if (!h->open)
		return 0;
	r = remove_all(h, h->number, e);
	if (r == 0 && ftruncate(h->lock, 0) == -1)
		r = err_sys(e, "network: lock");
	close_sockets(h);
	fd_close(&h->lock);
	*h = NET_HOST_CLOSED;
	return r;
}
