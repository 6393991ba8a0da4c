#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "policy/egress.h"

#define NET4(bits, a, b, c, d)     \
	{                          \
		4, bits,           \
		{                  \
			a, b, c, d \
		}                  \
	}
#define NET6(bits, ...)             \
	{                           \
		6, bits,            \
		{                   \
			__VA_ARGS__ \
		}                   \
	}

static const struct egress_net never[] = {
	NET4(8, 0, 0, 0, 0),          /* this network */
	NET4(8, 127, 0, 0, 0),        /* loopback */
	NET4(16, 169, 254, 0, 0),     /* link-local, metadata */
	NET4(32, 100, 100, 100, 200), /* Alibaba's metadata */
	NET4(32, 168, 63, 129, 16),   /* Azure's wire server */
	NET4(24, 192, 0, 0, 0),       /* protocols; Oracle's metadata */
	NET4(24, 192, 88, 99, 0),     /* 6to4 relays */
	NET4(15, 198, 18, 0, 0),      /* our own links: net_plan.h */
	NET4(4, 224, 0, 0, 0),        /* multicast */
	NET4(4, 240, 0, 0, 0),        /* reserved, broadcast */
	NET6(96, 0),                  /* unspecified, loopback, compatible */
	NET6(96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff), /* mapped */
	NET6(96, 0, 0x64, 0xff, 0x9b),                      /* NAT64 */
	NET6(48, 0, 0x64, 0xff, 0x9b, 0, 1),                /* local NAT64 */
	NET6(32, 0x20, 0x01, 0, 0),                         /* Teredo */
	NET6(16, 0x20, 0x02),                               /* 6to4 */
	NET6(32, 0xfd, 0x00, 0x0e, 0xc2),             /* Amazon's metadata */
	NET6(48, 0xfd, 0x20, 0x00, 0xce),             /* Google's metadata */
	NET6(48, 0xfd, 0xce, 0x11, 0xa0, 0xce, 0x11), /* our own links */
	NET6(10, 0xfe, 0x80),                         /* link-local */
	NET6(10, 0xfe, 0xc0),                         /* site-local */
	NET6(8, 0xff),                                /* multicast */
};

static const struct egress_net private[] = {
	NET4(8, 10, 0, 0, 0),
	NET4(12, 172, 16, 0, 0),
	NET4(16, 192, 168, 0, 0),
	NET4(10, 100, 64, 0, 0),
	NET6(7, 0xfc),
};

const struct egress_net *
egress_never(size_t i)
{
	return i < nitems(never) ? &never[i] : NULL;
}

const struct egress_net *
egress_private(size_t i)
{
	return i < nitems(private) ? &private[i] : NULL;
}

bool
egress_net_within(const struct egress_net *a, const struct egress_net *b)
{
	size_t whole = b->prefix / 8;
	unsigned rest = b->prefix % 8;

	if (a->family != b->family || a->prefix < b->prefix ||
	    memcmp(a->addr, b->addr, whole) != 0)
		return false;
	return rest == 0 ||
	    ((a->addr[whole] ^ b->addr[whole]) & (0xff00 >> rest)) == 0;
}

bool
egress_is_never(const struct egress_net *n)
{
	for (size_t i = 0; i < nitems(never); i++)
		if (egress_net_within(n, &never[i]))
			return true;
	return false;
}

bool
egress_is_private(const struct egress_net *n)
{
	for (size_t i = 0; i < nitems(private); i++)
		if (egress_net_within(n, &private[i]))
			return true;
	return false;
}

/* A wide rule reaches nothing of what lies in a private network. */
static bool
rule_net_within(const struct egress_net *a, const struct egress_net *b)
{
	return egress_net_within(a, b) &&
	    egress_is_private(a) == egress_is_private(b);
}

static bool
rule_within(const struct egress_rule *a, const struct egress_rule *b)
{
	return a->proto == b->proto && a->first >= b->first &&
	    a->last <= b->last && rule_net_within(&a->net, &b->net);
}

static int
compare(const struct egress_rule *a, const struct egress_rule *b)
{
	int c = memcmp(a->net.addr, b->net.addr, sizeof(a->net.addr));

	if (a->net.family != b->net.family)
		return a->net.family - b->net.family;
	if (c != 0)
		return c;
	if (a->net.prefix != b->net.prefix)
		return a->net.prefix - b->net.prefix;
	if (a->proto != b->proto)
		return a->proto - b->proto;
	return a->first != b->first ? a->first - b->first : a->last - b->last;
}

bool
egress_add(struct egress *e, const struct egress_rule *r)
{
	uint32_t kept = 0, at = 0;

	for (uint32_t i = 0; i < e->n; i++)
		if (rule_within(r, &e->rule[i]))
			return true;
	for (uint32_t i = 0; i < e->n; i++)
		if (!rule_within(&e->rule[i], r))
			e->rule[kept++] = e->rule[i];
	e->n = kept;
	if (e->n == EGRESS_RULES_MAX)
		return false;
	while (at < e->n && compare(&e->rule[at], r) < 0)
		at++;
	memmove(&e->rule[at + 1], &e->rule[at],
	    (e->n - at) * sizeof(e->rule[0]));
	e->rule[at] = *r;
	e->n++;
	return true;
}

void
egress_top(struct egress *e)
{
	static const uint8_t protos[] = { EGRESS_TCP, EGRESS_UDP };
	struct egress_rule r = { .first = 1, .last = 65535 };

	memset(e, 0, sizeof(*e));
	for (size_t p = 0; p < nitems(protos); p++) {
		r.proto = protos[p];
		for (uint8_t family = 4; family <= 6; family += 2) {
			r.net = (struct egress_net){ .family = family };
			invariant(egress_add(e, &r));
		}
		for (size_t i = 0; i < nitems(private); i++) {
			r.net = private[i];
			invariant(egress_add(e, &r));
		}
	}
}

/* What both rules allow; false if that is nothing. */
static bool
meet_rules(const struct egress_rule *a, const struct egress_rule *b,
    struct egress_rule *out)
{
	if (a->proto != b->proto)
		return false;
	*out = *a;
	out->first = a->first > b->first ? a->first : b->first;
	out->last = a->last < b->last ? a->last : b->last;
	if (rule_net_within(&b->net, &a->net))
		out->net = b->net;
	else if (!rule_net_within(&a->net, &b->net))
		return false;
	return out->first <= out->last;
}

void
egress_meet(struct egress *out, const struct egress *a, const struct egress *b)
{
	struct egress_rule r;

	memset(out, 0, sizeof(*out));
	/* What there is no room for is not allowed. */
	for (uint32_t i = 0; i < a->n; i++)
		for (uint32_t k = 0; k < b->n; k++)
			if (meet_rules(&a->rule[i], &b->rule[k], &r))
				(void)egress_add(out, &r);
}

const struct egress_rule *
egress_first_above(const struct egress *a, const struct egress *b)
{
	uint32_t k;

	for (uint32_t i = 0; i < a->n; i++) {
		for (k = 0; k < b->n; k++)
			if (rule_within(&a->rule[i], &b->rule[k]))
				break;
		if (k == b->n)
			return &a->rule[i];
	}
	return NULL;
}

const struct egress_rule *
egress_find(const struct egress *e, const struct egress_net *host,
    uint8_t proto, uint16_t port)
{
	const struct egress_rule *r;

	if (egress_is_never(host))
		return NULL;
	for (uint32_t i = 0; i < e->n; i++) {
		r = &e->rule[i];
		if (r->proto == proto &&
		    (port == 0 || (r->first <= port && port <= r->last)) &&
		    rule_net_within(host, &r->net))
			return r;
	}
	return NULL;
}

bool
egress_allows(const struct egress *e, const struct egress_net *host,
    uint8_t proto, uint16_t port)
{
	return egress_find(e, host, proto, port) != NULL;
}

bool
egress_allows_host(const struct egress *e, const struct egress_net *host)
{
	return egress_allows(e, host, EGRESS_TCP, 0) ||
	    egress_allows(e, host, EGRESS_UDP, 0);
}

void
egress_net_text(char *out, const struct egress_net *n)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(n->family == 4 ? AF_INET : AF_INET6, n->addr, text,
	    sizeof(text));
	snprintf(out, EGRESS_TEXT_MAX, "%s/%u", text, n->prefix);
}

void
egress_rule_text(char *out, const struct egress_rule *r)
{
	char net[EGRESS_TEXT_MAX];

	egress_net_text(net, &r->net);
	snprintf(out, EGRESS_TEXT_MAX, "%s %.55s ports %u-%u",
	    r->proto == EGRESS_TCP ? "tcp" : "udp", net, r->first, r->last);
}

void
egress_put(struct buf *b, const struct egress *e)
{
	const struct egress_rule *r;

	buf_put_u32(b, e->n);
	for (uint32_t i = 0; i < e->n; i++) {
		r = &e->rule[i];
		buf_put_u8(b, r->net.family);
		buf_put_u8(b, r->net.prefix);
		buf_put_u8(b, r->proto);
		buf_put_u32(b, (uint32_t)r->first << 16 | r->last);
		for (size_t k = 0; k < sizeof(r->net.addr); k++)
			buf_put_u8(b, r->net.addr[k]);
	}
}

/* A network's bits past its prefix are zero: two spellings would be two. */
static bool
is_clean(const struct egress_rule *r)
{
	size_t bytes = r->net.family == 4 ? 4 : 16, whole = r->net.prefix / 8;
	unsigned rest = r->net.prefix % 8;

	if ((r->net.family != 4 && r->net.family != 6) ||
	    r->net.prefix > 8 * bytes || r->first == 0 || r->first > r->last ||
	    (r->proto != EGRESS_TCP && r->proto != EGRESS_UDP))
		return false;
	if (rest != 0 && (r->net.addr[whole] & (0xff >> rest)) != 0)
		return false;
	for (size_t i = whole + (rest != 0); i < sizeof(r->net.addr); i++)
		if (r->net.addr[i] != 0)
			return false;
	return true;
}

void
egress_get(struct buf *b, struct egress *e)
{
	struct egress_rule r;
	uint32_t n = buf_get_u32(b), ports;

	memset(e, 0, sizeof(*e));
	if (n > EGRESS_RULES_MAX)
		b->failed = true;
	for (uint32_t i = 0; i < n && !b->failed; i++) {
		memset(&r, 0, sizeof(r));
		r.net.family = buf_get_u8(b);
		r.net.prefix = buf_get_u8(b);
		r.proto = buf_get_u8(b);
		ports = buf_get_u32(b);
		r.first = (uint16_t)(ports >> 16);
		r.last = (uint16_t)ports;
		for (size_t k = 0; k < sizeof(r.net.addr); k++)
			r.net.addr[k] = buf_get_u8(b);
		/* In order and none within another: as it was put. */
		if (!is_clean(&r) || !egress_add(e, &r) || e->n != i + 1 ||
		    compare(&e->rule[i], &r) != 0)
			b->failed = true;
	}
}
