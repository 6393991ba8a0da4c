#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/ceiling.h"
#include "policy/compare.h"
#include "policy/decide.h"
#include "policy/groups.h"
#include "tests/unit/random_grant.h"
#include "tests/unit/unit.h"

struct seen {
	size_t n;
	char item[256][EGRESS_TEXT_MAX + 32];
	enum compare_way way[256];
};

static void
see(void *arg, const struct compare_difference *d)
{
	struct seen *s = arg;

	assert_true(s->n < 256);
	assert_string_not_equal(d->area, "");
	assert_int_not_equal(d->way, COMPARE_EQUAL);
	snprintf(s->item[s->n], sizeof(s->item[0]), "%s: %s: %s -> %s", d->area,
	    d->item, d->before, d->after);
	s->way[s->n++] = d->way;
}

static enum compare_way
compare(const struct ceiling *ca, const struct ceiling *cb, struct seen *s)
{
	static struct decision a, b;
	const struct compare_side one = { &a, ca }, two = { &b, cb };
	struct err e;
	int way;

	a.grant = ca->grant;
	b.grant = cb->grant;
	s->n = 0;
	way = compare_policies(&one, &two, see, s, &e);
	assert_int_not_equal(way, -1);
	return (enum compare_way)way;
}

static bool
says(const struct seen *s, enum compare_way way, const char *item)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->item[i], item) == 0)
			return s->way[i] == way;
	return false;
}

static struct ceiling a, b;
static struct seen seen;

static int
set_up(void **state)
{
	(void)state;
	ceiling_default(&a);
	ceiling_default(&b);
	return 0;
}

static void
a_policy_is_equal_to_itself(void **state)
{
	(void)state;
	assert_int_equal(compare(&a, &b, &seen), COMPARE_EQUAL);
	assert_int_equal(seen.n, 0);
}

static void
a_meet_is_never_wider_than_a_side(void **state)
{
	unsigned seed = 11;

	(void)state;
	for (int i = 0; i < 300; i++) {
		a.grant = random_grant(&seed);
		b.grant = random_grant(&seed);
		b.grant = grant_meet(&a.grant, &b.grant);
		assert_int_not_equal(compare(&a, &b, &seen), COMPARE_WIDER);
	}
}

/* The other way round each narrower thing is a wider one, of the same name. */
static void
both_ways_see_the_same(void **state)
{
	static struct seen back;
	unsigned seed = 7;
	size_t narrower, wider;

	(void)state;
	for (int i = 0; i < 300; i++) {
		a.grant = random_grant(&seed);
		b.grant = random_grant(&seed);
		compare(&a, &b, &seen);
		compare(&b, &a, &back);
		assert_int_equal(seen.n, back.n);
		narrower = wider = 0;
		for (size_t k = 0; k < seen.n; k++) {
			narrower += seen.way[k] == COMPARE_NARROWER;
			wider += back.way[k] == COMPARE_WIDER;
		}
		assert_int_equal(narrower, wider);
	}
}

/* What the launcher would refuse under the first is wider, unless every call
 * of a group stands in others too. */
static void
what_is_not_wider_is_within_but_for_groups(void **state)
{
	unsigned seed = 23;

	(void)state;
	for (int i = 0; i < 300; i++) {
		a.grant = random_grant(&seed);
		b.grant = random_grant(&seed);
		if (compare(&a, &b, &seen) == COMPARE_WIDER)
			continue;
		b.grant.groups &= a.grant.groups;
		assert_true(grant_within(&b.grant, &a.grant));
	}
}

static void
names_what_is_different(void **state)
{
	(void)state;
	b.grant.limit[GRANT_PIDS] = 7;
	b.grant.wx = !a.grant.wx;
	b.grant.groups &= ~GROUPS_BIT(GROUPS_SOCK_LO);
	b.optional |= MACHINE_CONTROL_BIT(MACHINE_CGROUP);
	a.grant.limit[GRANT_PIDS] = 8;
	assert_int_equal(compare(&a, &b, &seen), COMPARE_WIDER);
	assert_true(says(&seen, COMPARE_NARROWER, "limits: pids: 8 -> 7"));
	assert_true(says(&seen, COMPARE_WIDER,
	    "controls: cgroup: required -> optional"));
	assert_true(says(&seen, COMPARE_NARROWER,
	    "system calls: sendmmsg: allowed -> refused"));
	assert_true(says(&seen, a.grant.wx ? COMPARE_NARROWER : COMPARE_WIDER,
	    a.grant.wx ? "memory and files: writable and executable memory: "
			 "allow -> deny"
		       : "memory and files: writable and executable memory: "
			 "deny -> allow"));
}

/* A family more is wider, though the call was allowed before. */
static void
tells_arguments_apart(void **state)
{
	(void)state;
	b.grant.groups |= GROUPS_BIT(GROUPS_NETLINK_ROUTE);
	assert_int_equal(compare(&a, &b, &seen), COMPARE_WIDER);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.item[0],
	    "system calls: socket: by arguments -> by arguments");
}

static void
names_and_their_servers(void **state)
{
	(void)state;
	a.grant.net = b.grant.net = GRANT_NET_EGRESS;
	a.dns.nnames = b.dns.nnames = 1;
	strcpy(a.dns.name[0], "*.example.org");
	strcpy(b.dns.name[0], "a.example.org");
	a.dns.nservers = b.dns.nservers = 1;
	a.dns.server[0] = (struct egress_net){ 4, 32, { 192, 0, 2, 1 } };
	b.dns.server[0] = a.dns.server[0];
	assert_int_equal(compare(&a, &b, &seen), COMPARE_NARROWER);
	assert_true(says(&seen, COMPARE_NARROWER,
	    "names: *.example.org: answered -> not answered"));
	strcpy(b.dns.name[0], "example.org");
	assert_int_equal(compare(&a, &b, &seen), COMPARE_WIDER);
	strcpy(b.dns.name[0], "*.example.org");
	b.dns.server[0].addr[3] = 2;
	assert_int_equal(compare(&a, &b, &seen), COMPARE_WIDER);
	assert_true(
	    says(&seen, COMPARE_OTHER, "names: 192.0.2.2: not asked -> asked"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_policy_is_equal_to_itself, set_up),
		cmocka_unit_test_setup(a_meet_is_never_wider_than_a_side,
		    set_up),
		cmocka_unit_test_setup(both_ways_see_the_same, set_up),
		cmocka_unit_test_setup(
		    what_is_not_wider_is_within_but_for_groups, set_up),
		cmocka_unit_test_setup(names_what_is_different, set_up),
		cmocka_unit_test_setup(tells_arguments_apart, set_up),
		cmocka_unit_test_setup(names_and_their_servers, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
