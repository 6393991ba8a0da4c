#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/decide.h"
#include "policy/egress_text.h"
#include "policy/groups.h"
#include "policy/query.h"

struct connection {
	struct egress_net host;
	uint16_t port;
	uint8_t proto;
};

/* ---- the question ---- */

static bool
read_host(const char *text, size_t len, struct egress_net *host)
{
	char copy[64];

	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return strchr(copy, '/') == NULL && egress_text_net(copy, host);
}

static int
read_connection(const char *text, struct connection *c, struct err *e)
{
	const bool brackets = text[0] == '[';
	const char *end = brackets ? strstr(text, "]:") : strrchr(text, ':');
	const char *proto = strchr(text, '/');
	uint16_t last;
	char port[16] = "";

	c->proto = EGRESS_TCP;
	if (proto != NULL && strcmp(proto, "/udp") == 0)
		c->proto = EGRESS_UDP;
	else if (proto != NULL && strcmp(proto, "/tcp") != 0)
		end = NULL;
	if (end != NULL)
		snprintf(port, sizeof(port), "%.*s",
		    (int)strcspn(end + 1 + brackets, "/"), end + 1 + brackets);
	if (end == NULL ||
	    !read_host(text + brackets, (size_t)(end - text) - brackets,
		&c->host) ||
	    (c->host.family == 6) != brackets ||
	    !egress_text_ports(port, &c->port, &last) || c->port != last)
		return err_set(e, ERR_INVALID,
		    "%s: not an address and a port, such as 192.0.2.1:443 or "
		    "[2001:db8::1]:53/udp",
		    text);
	return 0;
}

/* ---- what decides ---- */

static void
answer(struct query_answer *a, bool allowed, const char *verdict,
    const char *layer, const char *rule)
{
	a->allowed = allowed;
	snprintf(a->verdict, sizeof(a->verdict), "%s", verdict);
	a->layer = layer;
	snprintf(a->rule, sizeof(a->rule), "%s", rule);
}

static bool
is_loopback(const struct egress_net *h)
{
	static const unsigned char one[16] = { [15] = 1 };

	return h->family == 4 ? h->addr[0] == 127
			      : memcmp(h->addr, one, sizeof(one)) == 0;
}

static void
ask_rules(const struct grant *g, const struct connection *c,
    struct query_answer *a)
{
	const struct egress_rule *r =
	    egress_find(&g->egress, &c->host, c->proto, c->port);
	char text[EGRESS_TEXT_MAX], rule[QUERY_TEXT];

	a->second = "nothing: whoever is there answers";
	if (r != NULL) {
		egress_rule_text(text, r);
		snprintf(rule, sizeof(rule), "net.allow: %s", text);
		answer(a, true, "allow", "nf_tables", rule);
		return;
	}
	a->second = "the host's own routes and rules";
	answer(a, false, "dropped", "nf_tables",
	    egress_is_never(&c->host) ? "never reachable, whatever a list says"
		: egress_is_private(&c->host)
		? "no entry of net.allow that lies in a private network has it"
		: "no entry of net.allow has it");
}

int
query_net(const struct decision *d, const char *text, struct query_answer *a,
    struct err *e)
{
	const struct grant *g = &d->grant;
	const uint64_t inet =
	    GROUPS_BIT(GROUPS_SOCK_LO) | GROUPS_BIT(GROUPS_SOCK_INET);
	struct connection c;

	if (read_connection(text, &c, e) == -1)
		return -1;
	if ((g->groups & inet) == 0) {
		answer(a, false, "EAFNOSUPPORT", "seccomp",
		    "no group of this policy has sockets of the Internet "
		    "(sock-lo, sock-inet)");
		a->second = "network namespace of its own, without a route";
	} else if (is_loopback(&c.host)) {
		answer(a, g->net != GRANT_NET_NONE,
		    g->net != GRANT_NET_NONE ? "allow" : "no route",
		    "network namespace",
		    g->net != GRANT_NET_NONE
			? "net.mode: its own loopback, nobody else's"
			: "net.mode none: its loopback is down");
		a->second = "nothing else is in its network";
	} else if (g->net != GRANT_NET_EGRESS) {
		answer(a, false, "no route", "network namespace",
		    "net.mode: no link leads out of it");
		a->second = "no capability to make a link";
	} else {
		ask_rules(g, &c, a);
	}
	return 0;
}
