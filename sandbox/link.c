#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "sandbox/link.h"
#include "sandbox/netlink.h"

/* No address that is not ours: the kernel makes none of the interface's own. */
static void
put_no_link_local(struct netlink *n)
{
	struct nlattr *spec = netlink_nest(n, IFLA_AF_SPEC);
	struct nlattr *inet6 = netlink_nest(n, AF_INET6);
	uint8_t mode = IN6_ADDR_GEN_MODE_NONE;

	netlink_put(n, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
	netlink_end(n, inet6);
	netlink_end(n, spec);
}

int
link_create(struct netlink *n, const struct net_plan *p, pid_t pid,
    struct err *e)
{
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	struct nlattr *info, *data, *peer;
	int index;

	netlink_begin(n, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &head,
	    sizeof(head));
	netlink_put_str(n, IFLA_IFNAME, p->name);
	netlink_put(n, IFLA_ADDRESS, p->host_mac, sizeof(p->host_mac));
	info = netlink_nest(n, IFLA_LINKINFO);
	netlink_put_str(n, IFLA_INFO_KIND, "veth");
	data = netlink_nest(n, IFLA_INFO_DATA);
	peer = netlink_nest(n, VETH_INFO_PEER);
	netlink_append(n, &head, sizeof(head));
	netlink_put_str(n, IFLA_IFNAME, NET_PLAN_INSIDE);
	netlink_put(n, IFLA_ADDRESS, p->machine_mac, sizeof(p->machine_mac));
	netlink_put_u32(n, IFLA_NET_NS_PID, (uint32_t)pid);
	netlink_end(n, peer);
	netlink_end(n, data);
	netlink_end(n, info);
	if (netlink_send(n, e) == -1) {
		if (e->sys == EEXIST)
			e->code = ERR_CONFLICT;
		return err_in(e, "link %s", p->name);
	}
	index = (int)if_nametoindex(p->name);
	return index > 0 ? index : err_sys(e, "link %s", p->name);
}

static void
add_address(struct netlink *n, int index, int family, const uint8_t *addr,
    size_t len)
{
	struct ifaddrmsg head = { .ifa_family = (uint8_t)family,
		.ifa_prefixlen =
		    family == AF_INET ? NET_PLAN_PREFIX4 : NET_PLAN_PREFIX6,
		.ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_index = (uint32_t)index };

	netlink_begin(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head,
	    sizeof(head));
	netlink_put(n, IFA_LOCAL, addr, len);
	netlink_put(n, IFA_ADDRESS, addr, len);
}

static void
add_neighbour(struct netlink *n, int index, int family, const uint8_t *addr,
    size_t len, const uint8_t mac[6])
{
	struct ndmsg head = { .ndm_family = (uint8_t)family,
		.ndm_ifindex = index,
		.ndm_state = NUD_PERMANENT };

	netlink_begin(n, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &head,
	    sizeof(head));
	netlink_put(n, NDA_DST, addr, len);
	netlink_put(n, NDA_LLADDR, mac, 6);
}

static void
add_default_route(struct netlink *n, int index, int family,
    const uint8_t *gateway, size_t len)
{
	struct rtmsg head = { .rtm_family = (uint8_t)family,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST };

	netlink_begin(n, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head,
	    sizeof(head));
	netlink_put(n, RTA_GATEWAY, gateway, len);
	netlink_put_u32(n, RTA_OIF, (uint32_t)index);
}

static void
set_up(struct netlink *n, int index, bool no_link_local)
{
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC,
		.ifi_index = index,
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP };

	netlink_begin(n, RTM_NEWLINK, 0, &head, sizeof(head));
	if (no_link_local)
		put_no_link_local(n);
}

/* Each is sent alone: rtnetlink has no batch that holds or fails whole. */
static int
raise_family(struct netlink *n, int index, int family, const uint8_t *ours,
    const uint8_t *theirs, const uint8_t mac[6], bool route, struct err *e)
{
	size_t len = family == AF_INET ? 4 : 16;

	add_address(n, index, family, ours, len);
	if (netlink_send(n, e) == -1)
		return err_in(e, "address");
	add_neighbour(n, index, family, theirs, len, mac);
	if (netlink_send(n, e) == -1)
		return err_in(e, "neighbour");
	if (!route)
		return 0;
	add_default_route(n, index, family, theirs, len);
	return netlink_send(n, e) == -1 ? err_in(e, "route") : 0;
}

int
link_raise_host(struct netlink *n, const struct net_plan *p, int index,
    struct err *e)
{
	set_up(n, index, p->has_ipv6);
	if (netlink_send(n, e) == -1 ||
	    raise_family(n, index, AF_INET, p->host4, p->machine4,
		p->machine_mac, false, e) == -1 ||
	    (p->ipv6 &&
		raise_family(n, index, AF_INET6, p->host6, p->machine6,
		    p->machine_mac, false, e) == -1))
		return err_in(e, "link %s", p->name);
	return 0;
}

static int
raise_machine(struct netlink *n, const struct net_plan *p, struct err *e)
{
	int index = (int)if_nametoindex(NET_PLAN_INSIDE);

	if (index <= 0)
		return err_sys(e, "index");
	set_up(n, index, p->has_ipv6);
	if (netlink_send(n, e) == -1 ||
	    raise_family(n, index, AF_INET, p->machine4, p->host4, p->host_mac,
		true, e) == -1)
		return -1;
	return p->ipv6 ? raise_family(n, index, AF_INET6, p->machine6, p->host6,
			     p->host_mac, true, e)
		       : 0;
}

int
link_raise_machine(const struct net_plan *p, struct err *e)
{
	struct netlink n;
	int r;

	if (netlink_open(&n, NETLINK_ROUTE, e) == -1)
		return -1;
	r = raise_machine(&n, p, e);
	netlink_close(&n);
	return r == -1 ? err_in(e, "link " NET_PLAN_INSIDE) : 0;
}

int
link_delete(struct netlink *n, int index, struct err *e)
{
	struct ifinfomsg head = { .ifi_family = AF_UNSPEC, .ifi_index = index };

	netlink_begin(n, RTM_DELLINK, 0, &head, sizeof(head));
	/* Its network may have died, and taken it along. */
	if (netlink_send(n, e) == -1 && e->sys != ENODEV)
		return err_in(e, "link");
	return 0;
}

int
link_delete_all(struct netlink *n, const char *prefix, struct err *e)
{
	struct if_nameindex *all = if_nameindex();
	int r = 0;

	if (all == NULL)
		return err_sys(e, "links");
	for (struct if_nameindex *i = all; i->if_index != 0 && r == 0; i++)
		if (strncmp(i->if_name, prefix, strlen(prefix)) == 0)
			r = link_delete(n, (int)i->if_index, e);
	if_freenameindex(all);
	return r;
}
