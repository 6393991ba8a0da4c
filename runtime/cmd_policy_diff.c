#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/compare.h"
#include "policy/decide.h"
#include "runtime/cli.h"
#include "runtime/cmd_policy.h"
#include "runtime/spawn.h"

/* A side is a policy file, or a tier under the built-in ceiling of all. */
struct side {
	const char *name;
	int tier, fd;
	struct ceiling ceiling;
	struct decision decision;
};

static int
open_side(struct side *s, const char *name, struct err *e)
{
	s->name = name;
	s->fd = -1;
	s->tier = grant_tier_find(name);
	return s->tier != -1 ? 0 : cmd_policy_open(name, &s->fd, e);
}

static int
decide_side(const struct cmd_policy *o, struct side *s, struct err *e)
{
	if (s->tier == -1)
		return cmd_policy_read(s->fd, s->name, &s->ceiling, e) == -1
		    ? -1
		    : cmd_policy_decide(&s->ceiling, o->tier, &s->decision, e);
	ceiling_default(&s->ceiling);
	s->ceiling.tier = (enum grant_tier)s->tier;
	s->ceiling.grant = *grant_of_tier(s->ceiling.tier);
	return cmd_policy_decide(&s->ceiling, -1, &s->decision, e);
}

static void
add(void *arg, const struct compare_difference *d)
{
	struct value *one = value_add(arg, value_new(VALUE_MAP));

	value_set_text(one, "area", d->area);
	value_set_text(one, "item", d->item);
	value_set_text(one, "change", compare_way_name(d->way));
	value_set_text(one, "before", d->before);
	value_set_text(one, "after", d->after);
}

static void
print(const struct value *list)
{
	const struct value *one;

	for (size_t i = 0; i < list->len; i++) {
		one = list->item[i];
		printf("%-9s %s: %s: %s -> %s\n", value_get_text(one, "change"),
		    value_get_text(one, "area"), value_get_text(one, "item"),
		    value_get_text(one, "before"),
		    value_get_text(one, "after"));
	}
}

static int
compare(const struct cmd_policy *o, const struct side *a, const struct side *b,
    struct err *e)
{
	const struct compare_side one = { &a->decision, &a->ceiling };
	const struct compare_side two = { &b->decision, &b->ceiling };
	value_auto struct value *doc = value_new(VALUE_MAP);
	struct value *list = value_new(VALUE_LIST);
	int way = compare_policies(&one, &two, add, list, e);

	if (way != -1)
		value_set_text(doc, "change",
		    compare_way_name((enum compare_way)way));
	value_set(doc, "differences", list);
	if (way == -1)
		return -1;
	if (o->json)
		cli_print(doc);
	else
		print(list);
	if (way == COMPARE_WIDER)
		return 2;
	return o->fail_if_wider ? 0 : way == COMPARE_NARROWER;
}

int
cmd_policy_diff(const struct cmd_policy *o, struct err *e)
{
	static struct side a, b;
	fd_auto int message = -1;
	int r = -1;

	b.fd = -1;
	if (open_side(&a, o->operand[0], e) == 0 &&
	    open_side(&b, o->operand[1], e) == 0 &&
	    cmd_policy_open_message(o, &message, e) == 0 &&
	    spawn_drop_for_good(e) == 0 &&
	    cmd_policy_read_message(o, message, e) == 0 &&
	    decide_side(o, &a, e) == 0 && decide_side(o, &b, e) == 0)
		r = compare(o, &a, &b, e);
	fd_close(&a.fd);
	fd_close(&b.fd);
	return r;
}
