#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/ceiling.h"
#include "policy/compare.h"
#include "policy/compare_calls.h"
#include "policy/decide.h"
#include "policy/groups.h"

struct comparing {
	const struct compare_side *a, *b;
	compare_fn *fn;
	void *arg;
	enum compare_way all;
};

const char *
compare_way_name(enum compare_way w)
{
	static const char *const names[] = { "equal", "narrower", "wider",
		"different" };

	invariant((size_t)w < nitems(names));
	return names[w];
}

static void
tell(struct comparing *c, enum compare_way way, const char *area,
    const char *item, const char *before, const char *after)
{
	const struct compare_difference d = { way, area, item, before, after };

	if (way == COMPARE_EQUAL)
		return;
	c->fn(c->arg, &d);
	if (way != COMPARE_NARROWER)
		c->all = COMPARE_WIDER;
	else if (c->all == COMPARE_EQUAL)
		c->all = COMPARE_NARROWER;
}

static enum compare_way
compare_numbers(uint64_t a, uint64_t b)
{
	return b < a ? COMPARE_NARROWER : b > a ? COMPARE_WIDER : COMPARE_EQUAL;
}

/* ---- limits, and what is on or off ---- */

static void
compare_limits(struct comparing *c)
{
	const uint64_t *a = c->a->decision->grant.limit;
	const uint64_t *b = c->b->decision->grant.limit;
	char before[32], after[32];

	for (int i = 0; i < GRANT_LIMITS; i++) {
		snprintf(before, sizeof(before), "%" PRIu64, a[i]);
		snprintf(after, sizeof(after), "%" PRIu64, b[i]);
		tell(c, compare_numbers(a[i], b[i]), "limits",
		    grant_limit_name((enum grant_limit)i), before, after);
	}
}

static void
compare_switch(struct comparing *c, const char *item, bool a, bool b)
{
	tell(c, compare_numbers(a, b), "memory and files", item,
	    a ? "allow" : "deny", b ? "allow" : "deny");
}

/* A control that may be missing is one that may not hold. */
static void
compare_controls(struct comparing *c)
{
	bool a, b;

	for (int i = 0; i < MACHINE_CONTROLS; i++) {
		a = (c->a->ceiling->optional & MACHINE_CONTROL_BIT(i)) != 0;
		b = (c->b->ceiling->optional & MACHINE_CONTROL_BIT(i)) != 0;
		tell(c, compare_numbers(a, b), "controls",
		    machine_control_name((enum machine_control)i),
		    a ? "optional" : "required", b ? "optional" : "required");
	}
}

/* ---- network ---- */

static void
tell_rules(struct comparing *c, const struct egress *of,
    const struct egress *other, enum compare_way way)
{
	static struct egress one;
	char text[EGRESS_TEXT_MAX];

	for (uint32_t i = 0; i < of->n; i++) {
		one = (struct egress){ .n = 1, .rule = { of->rule[i] } };
		if (egress_first_above(&one, other) == NULL)
			continue;
		egress_rule_text(text, &of->rule[i]);
		tell(c, way, "network", text,
		    way == COMPARE_WIDER ? "not reached" : "reached",
		    way == COMPARE_WIDER ? "reached" : "not reached");
	}
}

/* "*.example.org" holds all below it. */
static bool
holds_name(const struct ceiling_dns *d, const char *name)
{
	const char *p;
	size_t n = strlen(name), k;

	for (size_t i = 0; i < d->nnames; i++) {
		p = d->name[i];
		if (strcmp(p, "*") == 0 || strcmp(p, name) == 0)
			return true;
		k = strlen(p);
		if (p[0] == '*' && n > k - 1 &&
		    strcmp(name + n - (k - 1), p + 1) == 0)
			return true;
	}
	return false;
}

static void
tell_names(struct comparing *c, const struct ceiling_dns *of,
    const struct ceiling_dns *other, enum compare_way way)
{
	for (size_t i = 0; i < of->nnames; i++)
		if (!holds_name(other, of->name[i]))
			tell(c, way, "names", of->name[i],
			    way == COMPARE_WIDER ? "not answered" : "answered",
			    way == COMPARE_WIDER ? "answered" : "not answered");
}

static void
server_text(char out[EGRESS_TEXT_MAX], const struct egress_net *host)
{
	egress_net_text(out, host);
	out[strcspn(out, "/")] = '\0';
}

static bool
has_server(const struct ceiling_dns *d, const struct egress_net *s)
{
	for (size_t i = 0; i < d->nservers; i++)
		if (memcmp(&d->server[i], s, sizeof(*s)) == 0)
			return true;
	return false;
}

/* Who is asked is neither more nor less than another. */
static void
compare_servers(struct comparing *c, const struct ceiling_dns *a,
    const struct ceiling_dns *b)
{
	char text[EGRESS_TEXT_MAX];

	for (size_t i = 0; i < b->nservers; i++) {
		server_text(text, &b->server[i]);
		if (!has_server(a, &b->server[i]))
			tell(c,
			    a->nservers == 0 ? COMPARE_WIDER : COMPARE_OTHER,
			    "names", text, "not asked", "asked");
	}
	for (size_t i = 0; i < a->nservers; i++) {
		server_text(text, &a->server[i]);
		if (!has_server(b, &a->server[i]))
			tell(c, COMPARE_NARROWER, "names", text, "asked",
			    "not asked");
	}
}

static void
compare_networks(struct comparing *c)
{
	static const struct ceiling_dns none;
	const struct grant *a = &c->a->decision->grant;
	const struct grant *b = &c->b->decision->grant;
	const struct ceiling_dns *da =
	    a->net == GRANT_NET_EGRESS ? &c->a->ceiling->dns : &none;
	const struct ceiling_dns *db =
	    b->net == GRANT_NET_EGRESS ? &c->b->ceiling->dns : &none;

	tell(c, compare_numbers(a->net, b->net), "network", "mode",
	    grant_net_name((enum grant_net)a->net),
	    grant_net_name((enum grant_net)b->net));
	tell_rules(c, &b->egress, &a->egress, COMPARE_WIDER);
	tell_rules(c, &a->egress, &b->egress, COMPARE_NARROWER);
	tell_names(c, db, da, COMPARE_WIDER);
	tell_names(c, da, db, COMPARE_NARROWER);
	compare_servers(c, da, db);
}

/* ---- all of it ---- */

static void
tell_call(void *arg, const struct compare_call *d)
{
	static const char *const texts[] = { "refused", "by arguments",
		"allowed" };

	tell(arg, d->way, "system calls", d->name, texts[d->before],
	    texts[d->after]);
}

int
compare_policies(const struct compare_side *a, const struct compare_side *b,
    compare_fn *fn, void *arg, struct err *e)
{
	struct comparing c = { a, b, fn, arg, COMPARE_EQUAL };
	const struct grant *ga = &a->decision->grant, *gb = &b->decision->grant;

	if (compare_calls(ga, gb, tell_call, &c, e) == -1)
		return -1;
	compare_networks(&c);
	compare_switch(&c, "writable and executable memory", ga->wx, gb->wx);
	compare_switch(&c, "programs on writable volumes", ga->exec_writable,
	    gb->exec_writable);
	compare_limits(&c);
	compare_controls(&c);
	return (int)c.all;
}
