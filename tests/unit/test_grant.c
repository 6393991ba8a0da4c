#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "policy/grant.h"
#include "policy/groups.h"
#include "tests/unit/random_grant.h"
#include "tests/unit/unit.h"

static bool
equal(const struct grant *a, const struct grant *b)
{
	return grant_within(a, b) && grant_within(b, a);
}

static void
meet_is_a_lattice_operation(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct grant a = random_grant(&seed), b = random_grant(&seed);
		struct grant c = random_grant(&seed);
		struct grant ab = grant_meet(&a, &b), ba = grant_meet(&b, &a);
		struct grant aa = grant_meet(&a, &a);
		struct grant bc = grant_meet(&b, &c);
		struct grant left = grant_meet(&ab, &c);
		struct grant right = grant_meet(&a, &bc);
		struct grant top = grant_top();
		struct grant with_top = grant_meet(&a, &top);

		assert_true(equal(&ab, &ba));
		assert_true(equal(&aa, &a));
		assert_true(equal(&left, &right));
		assert_true(grant_within(&ab, &a));
		assert_true(grant_within(&ab, &b));
		assert_true(equal(&with_top, &a));
		/* The greatest lower bound: what is in both is in the meet. */
		if (grant_within(&c, &a) && grant_within(&c, &b))
			assert_true(grant_within(&c, &ab));
	}
}

static void
each_dimension_is_seen_when_it_is_wider(void **state)
{
	struct grant base = *grant_of_tier(GRANT_STRICT), wide;
	struct err e;

	(void)state;
	for (size_t i = 0; i < GRANT_LIMITS; i++) {
		wide = base;
		wide.limit[i]++;
		assert_int_equal(grant_check(&wide, &base, &e), -1);
		assert_int_equal(e.code, ERR_DENIED);
		assert_non_null(
		    strstr(e.text, grant_limit_name((enum grant_limit)i)));
	}
	for (int g = 0; g < GROUPS_COUNT; g++) {
		if ((base.groups & GROUPS_BIT(g)) != 0)
			continue;
		wide = base;
		wide.groups |= GROUPS_BIT(g);
		assert_int_equal(grant_check(&wide, &base, &e), -1);
		assert_non_null(strstr(e.text, groups_name((enum groups_id)g)));
	}
	wide = base;
	wide.net = GRANT_NET_LOOPBACK;
	assert_int_equal(grant_check(&wide, &base, &e), -1);
	wide = base;
	wide.wx = true;
	assert_int_equal(grant_check(&wide, &base, &e), -1);
	wide = base;
	wide.exec_writable = true;
	assert_int_equal(grant_check(&wide, &base, &e), -1);
	assert_int_equal(grant_check(&base, &base, &e), 0);
}

static void
tiers_are_ordered(void **state)
{
	(void)state;
	assert_true(grant_within(grant_of_tier(GRANT_STRICT),
	    grant_of_tier(GRANT_STANDARD)));
	assert_true(grant_within(grant_of_tier(GRANT_STANDARD),
	    grant_of_tier(GRANT_NETWORKED)));
	assert_false(grant_within(grant_of_tier(GRANT_STANDARD),
	    grant_of_tier(GRANT_STRICT)));
}

static void
survives_the_wire(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct grant a = random_grant(&seed), b;
		struct buf w = { 0 };

		grant_put(&w, &a);
		grant_get(&w, &b);
		assert_true(buf_ok(&w));
		assert_true(equal(&a, &b));
		w.at = 0;
		w.len--;
		grant_get(&w, &b);
		assert_false(buf_ok(&w));
		buf_fini(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meet_is_a_lattice_operation),
		cmocka_unit_test(each_dimension_is_seen_when_it_is_wider),
		cmocka_unit_test(tiers_are_ordered),
		cmocka_unit_test(survives_the_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
