#include <string.h>

#include "base/buf.h"
#include "runtime/dns_msgs.h"

static void
put_host(struct buf *b, const struct egress_net *n)
{
	buf_put_u8(b, n->family);
	for (size_t i = 0; i < sizeof(n->addr); i++)
		buf_put_u8(b, n->addr[i]);
}

static void
get_host(struct buf *b, struct egress_net *n)
{
	n->family = buf_get_u8(b);
	n->prefix = n->family == 4 ? 32 : 128;
	for (size_t i = 0; i < sizeof(n->addr); i++)
		n->addr[i] = buf_get_u8(b);
	if (n->family != 4 && n->family != 6)
		b->failed = true;
}

void
dns_msgs_put_serve(struct buf *b, const struct ceiling_dns *d,
    const struct egress *e)
{
	buf_put_u8(b, (uint8_t)d->nservers);
	for (size_t i = 0; i < d->nservers; i++)
		put_host(b, &d->server[i]);
	buf_put_u8(b, (uint8_t)d->nnames);
	for (size_t i = 0; i < d->nnames; i++)
		buf_put_str(b, d->name[i]);
	egress_put(b, e);
}

void
dns_msgs_get_serve(struct buf *b, struct dns_msgs_serve *s)
{
	memset(s, 0, sizeof(*s));
	s->dns.nservers = buf_get_u8(b);
	if (s->dns.nservers == 0 || s->dns.nservers > CEILING_SERVERS_MAX)
		b->failed = true;
	for (size_t i = 0; i < s->dns.nservers && !b->failed; i++)
		get_host(b, &s->dns.server[i]);
	s->dns.nnames = buf_get_u8(b);
	if (s->dns.nnames > CEILING_NAMES_MAX)
		b->failed = true;
	for (size_t i = 0; i < s->dns.nnames && !b->failed; i++)
		buf_get_str(b, s->dns.name[i], sizeof(s->dns.name[i]));
	egress_get(b, &s->egress);
}
