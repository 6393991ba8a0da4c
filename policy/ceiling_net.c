#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/problems.h"
#include "policy/ceiling_reader.h"
#include "policy/egress_text.h"

static bool
read_net_text(const struct ceiling_reader *r, const struct value *v,
    const char *path, struct egress_net *out)
{
	if (v == NULL || v->kind != VALUE_STRING ||
	    !egress_text_net(v->text, out)) {
		ceiling_report(r, "policy:egress", v, path,
		    "not a network such as 203.0.113.0/24 or 2001:db8::/32, "
		    "with no bit set past its prefix");
		return false;
	}
	if (egress_is_never(out)) {
		ceiling_report(r, "policy:egress", v, path,
		    "never reachable: this host, link-local, metadata, "
		    "multicast and translated networks");
		return false;
	}
	return true;
}

bool
ceiling_net_ports(const struct value *v, struct egress_rule *out)
{
	char text[24];

	if (v->kind == VALUE_INT)
		snprintf(text, sizeof(text), "%" PRId64, v->number);
	else if (v->kind == VALUE_STRING)
		snprintf(text, sizeof(text), "%.23s", v->text);
	else
		return false;
	return egress_text_ports(text, &out->first, &out->last);
}

/* One entry of the list: a rule for each of its ports. */
static void
add_allow(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	const struct value *ports = value_get(v, "ports");
	const char *proto = value_get_text(v, "proto");
	struct egress_rule rule;
	char below[96];

	memset(&rule, 0, sizeof(rule));
	snprintf(below, sizeof(below), "%.60s.cidr", path);
	if (!ceiling_is_kind(r, v, VALUE_MAP, path) ||
	    !read_net_text(r, value_get(v, "cidr"), below, &rule.net))
		return;
	if (proto != NULL && strcmp(proto, "tcp") == 0)
		rule.proto = EGRESS_TCP;
	else if (proto != NULL && strcmp(proto, "udp") == 0)
		rule.proto = EGRESS_UDP;
	if (rule.proto == 0 || v->len != 3 || ports == NULL ||
	    ports->kind != VALUE_LIST || ports->len == 0) {
		ceiling_report(r, "policy:egress", v, path,
		    "needs cidr, proto (tcp or udp) and a list of ports, and "
		    "nothing else");
		return;
	}
	for (size_t i = 0; i < ports->len; i++) {
		snprintf(below, sizeof(below), "%.60s.ports[%zu]", path, i);
		if (!ceiling_net_ports(ports->item[i], &rule))
			ceiling_report(r, "policy:egress", ports->item[i],
			    below, "not a port or a range such as 8000-8100");
		else if (!egress_add(&r->c->grant.egress, &rule))
			ceiling_report(r, "policy:egress", v, below,
			    "more than 64 rules");
	}
}

static void
read_allow(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	char below[96];

	if (!ceiling_is_kind(r, v, VALUE_LIST, path))
		return;
	for (size_t i = 0; i < v->len; i++) {
		snprintf(below, sizeof(below), "%s[%zu]", path, i);
		add_allow(r, v->item[i], below);
	}
}

static bool
is_pattern(const char *s)
{
	if (strcmp(s, "*") == 0)
		return true;
	if (strncmp(s, "*.", 2) == 0)
		s += 2;
	return *s != '\0' && *s != '.' && s[strlen(s) - 1] != '.' &&
	    strlen(s) < CEILING_NAME_SIZE && strstr(s, "..") == NULL &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(s);
}

static void
add_name(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	struct ceiling_dns *d = &r->c->dns;

	if (!is_pattern(v->text))
		ceiling_report_text(r, "policy:dns", v, path,
		    "is neither a domain name in lower case, nor *.NAME, nor "
		    "*");
	else if (d->nnames == CEILING_NAMES_MAX)
		ceiling_report(r, "policy:dns", v, path, "more than 64 names");
	else
		invariant(
		    str_copy(d->name[d->nnames++], CEILING_NAME_SIZE, v->text));
}

static void
add_server(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	struct ceiling_dns *d = &r->c->dns;
	struct egress_net n;

	/* The node asks it, not the machine: any address will do. */
	if (!egress_text_net(v->text, &n) ||
	    n.prefix != (n.family == 4 ? 32 : 128))
		ceiling_report_text(r, "policy:dns", v, path,
		    "is not an address");
	else if (d->nservers == CEILING_SERVERS_MAX)
		ceiling_report(r, "policy:dns", v, path, "more than 3 servers");
	else
		d->server[d->nservers++] = n;
}

static void
read_names(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	ceiling_each_text(r, v, path, add_name);
}

static void
read_servers(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	ceiling_each_text(r, v, path, add_server);
}

static void
read_dns(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = { { "names", read_names },
		{ "servers", read_servers } };

	ceiling_read_rows(r, v, path, rows, nitems(rows));
	if (r->c->dns.nnames == 0 || r->c->dns.nservers == 0)
		ceiling_report(r, "policy:dns", v, path,
		    "needs names and servers");
}

static void
read_mode(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	for (int n = GRANT_NET_NONE; n <= GRANT_NET_EGRESS; n++)
		if (v->kind == VALUE_STRING &&
		    strcmp(v->text, grant_net_name((enum grant_net)n)) == 0) {
			r->c->grant.net = (uint8_t)n;
			return;
		}
	ceiling_report(r, "policy:net", v, path,
	    "none of none, loopback, egress");
}

void
ceiling_net_read(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = { { "mode", read_mode },
		{ "allow", read_allow }, { "dns", read_dns } };
	struct ceiling *c = r->c;
	size_t before = r->problems->len;

	ceiling_read_rows(r, v, path, rows, nitems(rows));
	if (r->problems->len != before)
		return;
	if (value_get(v, "mode") == NULL)
		ceiling_report(r, "policy:net", v, path, "mode is missing");
	else if ((c->grant.net == GRANT_NET_EGRESS) != (c->grant.egress.n > 0))
		ceiling_report(r, "policy:net", v, path,
		    "mode egress, and no other, needs a list allow");
	else if (c->dns.nservers > 0 && c->grant.net != GRANT_NET_EGRESS)
		ceiling_report(r, "policy:net", v, path,
		    "dns is for mode egress");
}
