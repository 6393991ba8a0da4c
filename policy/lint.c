#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/ceiling_reader.h"
#include "policy/compare_calls.h"
#include "policy/egress_text.h"
#include "policy/groups.h"
#include "policy/lint.h"

#define WIDE UINT8_C(8) /* bits of a network */

/* Groups that no tier has: what they open is for the few that need it. */
static bool
is_rare(int group)
{
	return ((GROUPS_NETWORKED | GROUPS_STANDARD) & GROUPS_BIT(group)) == 0;
}

/* ---- wide, and nobody says why ---- */

static void
say_wide(struct problems *p, const char *path, const char *what)
{
	problems_add(p, "lint:why", path,
	    "%s, and the file does not say why (why: \"...\")", what);
}

static void
check_groups_why(const struct value *groups, struct problems *p)
{
	char path[64];
	int g;

	for (size_t i = 0; groups != NULL && i < groups->len; i++) {
		g = groups_find(groups->item[i]->text);
		if (g == -1 || !is_rare(g))
			continue;
		snprintf(path, sizeof(path), "seccomp.groups[%zu]", i);
		say_wide(p, path, "no tier has this group");
	}
}

static void
check_networks_why(const struct value *allow, struct problems *p)
{
	struct egress_net net;
	char path[64];

	for (size_t i = 0; allow != NULL && i < allow->len; i++) {
		if (!egress_text_net(value_get_text(allow->item[i], "cidr"),
			&net) ||
		    net.prefix > WIDE)
			continue;
		snprintf(path, sizeof(path), "net.allow[%zu].cidr", i);
		say_wide(p, path, "a wide network");
	}
}

static void
check_why(const struct value *root, const struct ceiling *c, struct problems *p)
{
	const char *why = value_get_text(root, "why");

	if (why != NULL && why[0] != '\0')
		return;
	if (c->grant.exec_writable)
		say_wide(p, "exec_writable",
		    "programs on writable volumes may run");
	if (c->node.audit_drops)
		say_wide(p, "audit.on_full", "records may be dropped");
	if ((c->optional & MACHINE_CONTROL_BIT(MACHINE_CGROUP)) != 0)
		say_wide(p, "optional", "limits may be missing (cgroup)");
	if ((c->optional & MACHINE_CONTROL_BIT(MACHINE_LANDLOCK)) != 0)
		say_wide(p, "optional", "Landlock may be missing");
	check_groups_why(value_get(value_get(root, "seccomp"), "groups"), p);
	check_networks_why(value_get(value_get(root, "net"), "allow"), p);
}

/* ---- without effect ---- */

struct entry {
	struct egress_rule rule[16];
	size_t n;
};

/* As far as it is an entry: the reader has refused what is none. */
static void
read_entry(const struct value *v, struct entry *e)
{
	const struct value *ports = value_get(v, "ports");
	const char *proto = value_get_text(v, "proto");
	struct egress_rule r = { .proto = EGRESS_TCP };

	e->n = 0;
	if (proto != NULL && strcmp(proto, "udp") == 0)
		r.proto = EGRESS_UDP;
	if (!egress_text_net(value_get_text(v, "cidr"), &r.net))
		return;
	for (size_t i = 0; ports != NULL && i < ports->len; i++) {
		if (e->n == nitems(e->rule) ||
		    !ceiling_net_ports(ports->item[i], &r)) {
			e->n = 0; /* not looked at */
			return;
		}
		e->rule[e->n++] = r;
	}
}

static bool
lies_within(const struct egress_rule *a, const struct egress_rule *b)
{
	return a->proto == b->proto && a->first >= b->first &&
	    a->last <= b->last && egress_net_within(&a->net, &b->net);
}

/* All of it in some rule of the other. */
static bool
is_covered(const struct entry *a, const struct entry *b)
{
	bool found = a->n > 0;

	for (size_t i = 0; found && i < a->n; i++) {
		found = false;
		for (size_t k = 0; !found && k < b->n; k++)
			found = lies_within(&a->rule[i], &b->rule[k]);
	}
	return found;
}

static void
check_networks(const struct value *allow, struct problems *p)
{
	struct entry one, other;
	char path[64];

	for (size_t i = 0; allow != NULL && i < allow->len; i++) {
		read_entry(allow->item[i], &one);
		for (size_t k = 0; k < allow->len; k++) {
			read_entry(allow->item[k], &other);
			/* Of two that are the same, the later one. */
			if (k == i || !is_covered(&one, &other) ||
			    (k > i && is_covered(&other, &one)))
				continue;
			snprintf(path, sizeof(path), "net.allow[%zu]", i);
			problems_add(p, "lint:covered", path,
			    "net.allow[%zu] has all of it", k);
			break;
		}
	}
}

static void
see(void *arg, const struct compare_call *c)
{
	(void)c;
	*(bool *)arg = true;
}

static int
check_groups(const struct value *groups, const struct ceiling *c,
    struct problems *p, struct err *e)
{
	struct grant less;
	char path[64];
	bool matters;
	int g;

	for (size_t i = 0; groups != NULL && i < groups->len; i++) {
		g = groups_find(groups->item[i]->text);
		if (g == -1)
			continue;
		less = c->grant;
		less.groups &= ~GROUPS_BIT(g);
		matters = false;
		if (compare_calls(&c->grant, &less, see, &matters, e) == -1)
			return -1;
		if (matters)
			continue;
		snprintf(path, sizeof(path), "seccomp.groups[%zu]", i);
		problems_add(p, "lint:group", path,
		    "the others permit all that it does");
	}
	return 0;
}

static void
check_clamp(const struct value *root, const struct ceiling *c,
    struct problems *p)
{
	const struct value *clamp = value_get(root, "clamp");
	char path[64];
	int l;

	for (size_t i = 0; clamp != NULL && i < clamp->len; i++) {
		l = grant_limit_find(clamp->item[i]->text);
		if (l == -1 || (c->set & UINT64_C(1) << l) != 0)
			continue;
		snprintf(path, sizeof(path), "clamp[%zu]", i);
		problems_add(p, "lint:clamp", path,
		    "limits does not name it: the tier's is lowered to");
	}
}

int
lint(const struct value *root, const struct ceiling *c, struct problems *p,
    struct err *e)
{
	if (check_groups(value_get(value_get(root, "seccomp"), "groups"), c, p,
		e) == -1)
		return -1;
	check_networks(value_get(value_get(root, "net"), "allow"), p);
	check_clamp(root, c, p);
	check_why(root, c, p);
	problems_locate(p, root);
	return 0;
}
