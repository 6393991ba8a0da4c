#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "sandbox/net_plan.h"

void
net_plan_table(char out[NET_PLAN_NAME_SIZE], uint32_t number)
{
	snprintf(out, NET_PLAN_NAME_SIZE, "cella-%u", number);
}

void
net_plan_link_prefix(char out[NET_PLAN_NAME_SIZE], uint32_t number)
{
	snprintf(out, NET_PLAN_NAME_SIZE, "cella%u.", number);
}

void
net_plan_build(struct net_plan *p, uint32_t number, uint32_t index)
{
	uint32_t v4 =
	    (198U << 24 | 18U << 16) + 2 * (number * NET_PLAN_MACHINES + index);
	static const uint8_t ula[8] = { 0xfd, 0xce, 0x11, 0xa0, 0xce, 0x11 };
	/* Locally administered: the second bit (IEEE 802). */
	static const uint8_t mac[6] = { 0x02, 0xce, 0x11, 0xa0, 0, 0 };

	invariant(number < NET_PLAN_LAUNCHERS && index < NET_PLAN_MACHINES);
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "cella%u.%u", number, index);
	for (int i = 0; i < 4; i++)
		p->host4[i] = (uint8_t)(v4 >> (24 - 8 * i));
	memcpy(p->machine4, p->host4, 4);
	p->machine4[3] |= 1;
	memcpy(p->host6, ula, sizeof(ula));
	p->host6[7] = (uint8_t)number;
	p->host6[14] = (uint8_t)(2 * index >> 8);
	p->host6[15] = (uint8_t)(2 * index);
	memcpy(p->machine6, p->host6, 16);
	p->machine6[15] |= 1;
	memcpy(p->host_mac, mac, 6);
	memcpy(p->machine_mac, mac, 6);
	p->machine_mac[5] = 1;
}

static void
put_bytes(struct buf *b, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_put_u8(b, bytes[i]);
}

static void
get_bytes(struct buf *b, uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = buf_get_u8(b);
}

void
net_plan_put(struct buf *b, const struct net_plan *p)
{
	buf_put_str(b, p->name);
	put_bytes(b, p->host4, sizeof(p->host4));
	put_bytes(b, p->machine4, sizeof(p->machine4));
	put_bytes(b, p->host6, sizeof(p->host6));
	put_bytes(b, p->machine6, sizeof(p->machine6));
	put_bytes(b, p->host_mac, sizeof(p->host_mac));
	put_bytes(b, p->machine_mac, sizeof(p->machine_mac));
	buf_put_u8(b, p->has_ipv6);
	buf_put_u8(b, p->ipv6);
}

void
net_plan_get(struct buf *b, struct net_plan *p)
{
	memset(p, 0, sizeof(*p));
	buf_get_str(b, p->name, sizeof(p->name));
	get_bytes(b, p->host4, sizeof(p->host4));
	get_bytes(b, p->machine4, sizeof(p->machine4));
	get_bytes(b, p->host6, sizeof(p->host6));
	get_bytes(b, p->machine6, sizeof(p->machine6));
	get_bytes(b, p->host_mac, sizeof(p->host_mac));
	get_bytes(b, p->machine_mac, sizeof(p->machine_mac));
	p->has_ipv6 = buf_get_u8(b) != 0;
	p->ipv6 = buf_get_u8(b) != 0;
}
