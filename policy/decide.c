#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/json.h"
#include "messages/value.h"
#include "policy/decide.h"
#include "policy/groups.h"

const char *
decide_origin_name(enum decide_origin o)
{
	static const char *const names[] = { "tier", "admin", "message",
		"clamp", "command" };

	invariant((size_t)o < nitems(names));
	return names[o];
}

struct ask {
	enum grant_limit limit;
	const char *field;
	bool asked; /* else it is a default, which is never refused */
	uint64_t amount;
};

static int
apply(const struct ask *a, const struct ceiling *c, struct decision *d,
    struct err *e)
{
	uint64_t allowed = d->grant.limit[a->limit];

	if (a->amount <= allowed) {
		d->grant.limit[a->limit] = a->amount;
		d->origin[a->limit] = DECIDE_MESSAGE;
		return 0;
	}
	if (!a->asked)
		return 0;
	if ((c->clamp & UINT64_C(1) << a->limit) != 0) {
		d->origin[a->limit] = DECIDE_CLAMP;
		return 0;
	}
	return err_set(e, ERR_DENIED,
	    "%s: asked %" PRIu64 " %s, allowed %" PRIu64
	    " by rule limits.%s of the %s",
	    a->field, a->amount, grant_limit_unit(a->limit), allowed,
	    grant_limit_name(a->limit),
	    d->origin[a->limit] == DECIDE_ADMIN ? "policy file" : "tier");
}

static int
apply_resources(const struct aleph_program *p, const struct ceiling *c,
    struct decision *d, struct err *e)
{
	uint64_t vcpus = (uint64_t)p->vcpus, seconds = (uint64_t)p->seconds;
	const struct ask asks[] = {
		{ GRANT_MEMORY, "resources.memory", p->has_memory,
		    (uint64_t)p->memory_mib << 20 },
		{ GRANT_CPU, "resources.vcpus", p->has_vcpus, 100 * vcpus },
		{ GRANT_WALL, "resources.seconds", p->has_seconds,
		    seconds * CLOCK_SECOND },
		{ GRANT_CPU_TIME, "resources.seconds", p->has_seconds,
		    seconds * vcpus * CLOCK_SECOND },
	};

	for (size_t i = 0; i < nitems(asks); i++)
		if (apply(&asks[i], c, d, e) == -1)
			return -1;
	return 0;
}

/* Servers: behind 127.0.0.1:8080, or :5004. */
static bool
needs_loopback(const struct aleph_program *p)
{
	return p->code.interface == ALEPH_BINARY ||
	    p->code.interface == ALEPH_ROLLUP;
}

static int
check_wishes(const struct aleph_program *p, const struct ceiling *c,
    const struct decision *d, struct err *e)
{
	if (p->internet && d->grant.net != GRANT_NET_EGRESS)
		return err_set(e, ERR_DENIED,
		    "environment.internet: asked true, allowed %s by rule "
		    "net.mode of the %s",
		    grant_net_name((enum grant_net)d->grant.net),
		    c->from_file && c->grant.net != GRANT_NET_EGRESS
			? "policy file"
			: "tier");
	if (p->internet && p->code.interface >= ALEPH_FUNCTIONS)
		return err_set(e, ERR_DENIED,
		    "environment.internet: asked true, and a machine with a "
		    "state has no way out: what it does must come out the "
		    "same again");
	if (c->refuse_ungranted && p->not_granted->len > 0)
		return err_set(e, ERR_DENIED,
		    "%s: asked true, not offered by this node, and rule "
		    "refuse_ungranted of the policy file is set",
		    p->not_granted->item[0]->text);
	if (needs_loopback(p) && d->grant.net == GRANT_NET_NONE &&
	    d->tier != GRANT_STRICT)
		return err_set(e, ERR_DENIED,
		    "code.interface: %s needs the loopback, allowed none "
		    "by rule net.mode of the policy file",
		    aleph_interface_name(p->code.interface));
	return 0;
}

/*
 * Nobody has a way out who did not ask for one; who asks, and is allowed, is
 * in the networked tier unless the command names another.
 */
static enum grant_tier
choose_tier(const struct aleph_program *p, const struct ceiling *c,
    const struct decide_wish *w)
{
	if (w->tier >= 0)
		return (enum grant_tier)w->tier;
	if (p->internet && c->grant.net == GRANT_NET_EGRESS)
		return GRANT_NETWORKED;
	return c->tier;
}

static void
stay_inside(struct decision *d)
{
	if (d->grant.net == GRANT_NET_EGRESS)
		d->grant.net = GRANT_NET_LOOPBACK;
	d->grant.egress.n = 0;
	d->grant.groups &= ~GROUPS_BIT(GROUPS_SOCK_INET);
}

int
decide(const struct aleph_program *p, const struct ceiling *c,
    const struct decide_wish *w, struct decision *out, struct err *e)
{
	struct decision d = { .tier = choose_tier(p, c, w) };
	const struct grant *tier = grant_of_tier(d.tier);
	uint64_t loopback =
	    GROUPS_BIT(GROUPS_SOCK_LO) | GROUPS_BIT(GROUPS_SOCK_LOCAL);

	/* The ceiling may add groups that its file names to its own tier. */
	d.grant = d.tier == c->tier && c->from_file
	    ? c->grant
	    : grant_meet(&c->grant, tier);
	for (size_t i = 0; i < GRANT_LIMITS; i++)
		d.origin[i] = (c->set & UINT64_C(1) << i) != 0 &&
			d.grant.limit[i] == c->grant.limit[i]
		    ? DECIDE_ADMIN
		    : DECIDE_TIER;
	/* A server brings the loopback with it. */
	if (needs_loopback(p) && d.tier == GRANT_STRICT &&
	    c->grant.net >= GRANT_NET_LOOPBACK) {
		d.grant.net = GRANT_NET_LOOPBACK;
		d.grant.groups |= loopback & c->grant.groups;
	}
	if (w->tier == GRANT_NETWORKED && c->grant.net != GRANT_NET_EGRESS)
		return err_set(e, ERR_DENIED,
		    "tier: asked networked, allowed %s",
		    grant_net_name((enum grant_net)c->grant.net));
	if (!p->internet || d.tier != GRANT_NETWORKED)
		stay_inside(&d);
	if (apply_resources(p, c, &d, e) == -1 ||
	    check_wishes(p, c, &d, e) == -1)
		return -1;
	if (w->wall_ns != 0 && w->wall_ns < d.grant.limit[GRANT_WALL]) {
		d.grant.limit[GRANT_WALL] = w->wall_ns;
		d.origin[GRANT_WALL] = DECIDE_COMMAND;
	}
	*out = d;
	return 0;
}

static void
add_limits(struct value *doc, const struct decision *d)
{
	struct value *limits = value_set_map(doc, "limits"), *one;
	uint64_t n;

	for (int i = 0; i < GRANT_LIMITS; i++) {
		n = d->grant.limit[i];
		one = value_set_map(limits,
		    grant_limit_name((enum grant_limit)i));
		value_set_int(one, "value",
		    n > INT64_MAX ? INT64_MAX : (int64_t)n);
		value_set_text(one, "unit",
		    grant_limit_unit((enum grant_limit)i));
		value_set_text(one, "from",
		    decide_origin_name((enum decide_origin)d->origin[i]));
	}
}

/* Where to and by which names; nothing in a document that has no way out. */
static void
add_egress(struct value *doc, const struct egress *egress,
    const struct ceiling_dns *dns)
{
	struct value *list, *one;
	char text[EGRESS_TEXT_MAX];

	if (egress->n == 0)
		return;
	list = value_set_list(doc, "egress");
	for (uint32_t i = 0; i < egress->n; i++) {
		const struct egress_rule *r = &egress->rule[i];

		one = value_add(list, value_new(VALUE_MAP));
		egress_net_text(text, &r->net);
		value_set_text(one, "cidr", text);
		value_set_text(one, "proto",
		    r->proto == EGRESS_TCP ? "tcp" : "udp");
		value_set_int(one, "first", r->first);
		value_set_int(one, "last", r->last);
	}
	one = value_set_map(doc, "dns");
	list = value_set_list(one, "names");
	for (size_t i = 0; i < dns->nnames; i++)
		value_add_text(list, dns->name[i]);
	list = value_set_list(one, "servers");
	for (size_t i = 0; i < dns->nservers; i++) {
		egress_net_text(text, &dns->server[i]);
		value_add_text(list, text);
	}
}

struct value *
decide_document(const struct decision *d, const struct ceiling *c)
{
	struct value *doc = value_new(VALUE_MAP), *list;

	value_set_int(doc, "version", 1);
	value_set_text(doc, "tier", grant_tier_name(d->tier));
	value_set_text(doc, "net",
	    grant_net_name((enum grant_net)d->grant.net));
	add_egress(doc, &d->grant.egress, &c->dns);
	value_set_bool(doc, "wx", d->grant.wx);
	value_set_bool(doc, "exec_writable", d->grant.exec_writable);
	list = value_set_list(doc, "groups");
	for (int g = 0; g < GROUPS_COUNT; g++)
		if ((d->grant.groups & GROUPS_BIT(g)) != 0)
			value_add_text(list, groups_name((enum groups_id)g));
	list = value_set_list(doc, "optional");
	for (int i = 0; i < MACHINE_CONTROLS; i++)
		if ((c->optional & MACHINE_CONTROL_BIT(i)) != 0)
			value_add_text(list,
			    machine_control_name((enum machine_control)i));
	add_limits(doc, d);
	return doc;
}

void
decide_digest(const struct value *document, char hex[65])
{
	char *text = json_emit(document, JSON_AS_CANONICAL);
	unsigned char head[8];
	size_t len = strlen(text);
	struct sha256 *h = sha256_new();

	/* The length in front: no two documents share their bytes. */
	for (int i = 0; i < 8; i++)
		head[i] = (unsigned char)((uint64_t)len >> (8 * i));
	sha256_add(h, head, sizeof(head));
	sha256_add(h, text, len);
	sha256_end(h, hex);
	free(text);
}
