#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "policy/compare_calls.h"
#include "policy/filter.h"
#include "policy/grant.h"
#include "policy/groups.h"

#define TRIED_MAX 256 /* values of one argument */

/* The values of one argument that are told apart by some rule. */
struct tried {
	uint8_t arg;
	size_t n;
	uint32_t value[TRIED_MAX];
};

struct trial {
	const struct filter_model *a, *b;
	uint32_t nr;
	size_t nargs;
	struct tried tried[FILTER_CONDS_MAX];
	bool some_a, all_a, some_b, all_b, only_a, only_b;
};

static struct tried *
find_argument(struct trial *t, uint8_t arg)
{
	for (size_t i = 0; i < t->nargs; i++)
		if (t->tried[i].arg == arg)
			return &t->tried[i];
	if (t->nargs == FILTER_CONDS_MAX)
		return NULL;
	t->tried[t->nargs] = (struct tried){ .arg = arg };
	return &t->tried[t->nargs++];
}

static bool
add(struct tried *r, uint32_t value)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->value[i] == value)
			return true;
	if (r->n == TRIED_MAX)
		return false;
	r->value[r->n++] = value;
	return true;
}

/* The value, what is near it, and each bit of a mask by itself and left out. */
static bool
add_condition(struct trial *t, const struct filter_cond *c)
{
	struct tried *r = find_argument(t, c->arg);

	if (r == NULL || !add(r, 0) || !add(r, UINT32_MAX) ||
	    !add(r, c->value) || !add(r, c->value | ~c->mask) ||
	    !add(r, ~c->mask))
		return false;
	if (c->mask == UINT32_MAX)
		return add(r, c->value + 1);
	for (uint32_t bit = 1; bit != 0; bit <<= 1)
		if ((c->mask & bit) != 0 &&
		    (!add(r, bit) || !add(r, c->value ^ bit)))
			return false;
	return true;
}

static bool
add_rules(struct trial *t, const struct filter_model *m)
{
	const struct filter_rule *r;

	for (uint16_t at = m->ruled[t->nr]; at != 0; at = r->next) {
		r = &m->rule[at - 1];
		for (uint8_t k = 0; k < r->nconds; k++)
			if (!add_condition(t, &r->cond[k]))
				return false;
	}
	return true;
}

static void
try_one(struct trial *t, const uint64_t args[6])
{
	const bool a =
	    filter_decide(t->a, t->nr, args).act == (uint8_t)FILTER_ALLOW;
	const bool b =
	    filter_decide(t->b, t->nr, args).act == (uint8_t)FILTER_ALLOW;

	t->some_a |= a;
	t->some_b |= b;
	t->all_a &= a;
	t->all_b &= b;
	t->only_a |= a && !b;
	t->only_b |= b && !a;
}

/* All values of each argument with all of the others. */
static void
try_all(struct trial *t, uint64_t args[6], size_t i)
{
	if (i == t->nargs) {
		try_one(t, args);
		return;
	}
	for (size_t k = 0; k < t->tried[i].n; k++) {
		args[t->tried[i].arg] = t->tried[i].value[k];
		try_all(t, args, i + 1);
	}
}

static enum compare_permitted
permitted(bool some, bool all)
{
	return all ? COMPARE_ALL : some ? COMPARE_SOME : COMPARE_NOTHING;
}

int
compare_calls(const struct grant *ga, const struct grant *gb,
    void (*fn)(void *arg, const struct compare_call *), void *arg,
    struct err *e)
{
	static struct filter_model a, b;
	static struct trial t;
	uint64_t args[6] = { 0 };
	const char *name;
	int nr;

	if (groups_model(ga->groups, !ga->wx, &a, e) == -1 ||
	    groups_model(gb->groups, !gb->wx, &b, e) == -1)
		return -1;
	for (size_t i = 0; (name = syscalls_at(i)) != NULL; i++) {
		nr = syscalls_number(SYSCALLS_NATIVE, name);
		if (nr < 0)
			continue;
		t = (struct trial){ .a = &a,
			.b = &b,
			.nr = (uint32_t)nr,
			.all_a = true,
			.all_b = true };
		if (!add_rules(&t, &a) || !add_rules(&t, &b))
			return err_set(e, ERR_INVALID,
			    "%s: too many rules to compare", name);
		memset(args, 0, sizeof(args));
		try_all(&t, args, 0);
		if (t.only_a || t.only_b)
			fn(arg,
			    &(struct compare_call){ name,
				!t.only_a       ? COMPARE_WIDER
				    : !t.only_b ? COMPARE_NARROWER
						: COMPARE_OTHER,
				permitted(t.some_a, t.all_a),
				permitted(t.some_b, t.all_b) });
	}
	return 0;
}
