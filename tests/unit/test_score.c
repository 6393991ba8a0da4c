#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "policy/groups.h"
#include "policy/score.h"
#include "tests/unit/random_grant.h"
#include "tests/unit/unit.h"

static struct ceiling ceiling;
static struct score score;

static unsigned
score_of(const struct grant *g, uint32_t optional)
{
	const struct decision d = { .grant = *g };
	struct score_facts f;
	struct err e;

	ceiling.optional = optional;
	assert_int_equal(score_gather(&d, &ceiling, &f, &e), 0);
	score_rate(&f, &score);
	return score.total;
}

static int
set_up(void **state)
{
	(void)state;
	ceiling_default(&ceiling);
	return 0;
}

static void
weights_are_a_thousand(void **state)
{
	unsigned sum = 0;

	(void)state;
	score_of(grant_of_tier(GRANT_STRICT), 0);
	for (size_t i = 0; i < SCORE_CHECKS; i++) {
		assert_non_null(score.check[i].id);
		sum += score.check[i].weight;
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(score.check[i].id,
			    score.check[k].id);
	}
	assert_int_equal(sum, 1000);
}

static void
tiers_are_in_order(void **state)
{
	unsigned strict = score_of(grant_of_tier(GRANT_STRICT), 0);
	unsigned standard = score_of(grant_of_tier(GRANT_STANDARD), 0);
	unsigned networked = score_of(grant_of_tier(GRANT_NETWORKED), 0);
	struct grant top = grant_top();

	(void)state;
	assert_true(strict < 10);
	assert_true(strict < standard && standard < 25);
	assert_true(standard < networked && networked < 50);
	assert_true(score_of(&top, UINT32_MAX >> 22) > networked);
	assert_true(score.total <= 100);
}

/* A policy within another never has a higher score, check by check. */
static void
less_is_never_more(void **state)
{
	static struct score before;
	unsigned seed = 3;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct grant a = random_grant(&seed), b = random_grant(&seed);
		uint32_t optional = (uint32_t)rand_r(&seed) & 0x3ff;

		for (size_t k = 0; k < GRANT_LIMITS; k++) {
			a.limit[k] <<= rand_r(&seed) % 40;
			b.limit[k] <<= rand_r(&seed) % 40;
		}
		b = grant_meet(&a, &b);
		score_of(&a, optional);
		before = score;
		score_of(&b, optional & (uint32_t)rand_r(&seed));
		assert_true(score.total <= before.total);
		for (size_t k = 0; k < SCORE_CHECKS; k++)
			assert_true(
			    score.check[k].badness <= before.check[k].badness);
	}
}

static void
what_is_out_of_bounds_is_unsafe(void **state)
{
	struct score_facts f = { .forbidden = 1 };

	(void)state;
	score_rate(&f, &score);
	assert_int_equal(score.total, 75);
	assert_string_equal(score_band(score.total), "unsafe");
	f.forbidden = 0;
	score_rate(&f, &score);
	assert_string_equal(score_band(score.total), "strict");
}

static void
bands_begin_where_the_page_says(void **state)
{
	(void)state;
	assert_string_equal(score_band(9), "strict");
	assert_string_equal(score_band(10), "good");
	assert_string_equal(score_band(24), "good");
	assert_string_equal(score_band(25), "fair");
	assert_string_equal(score_band(49), "fair");
	assert_string_equal(score_band(50), "weak");
	assert_string_equal(score_band(74), "weak");
	assert_string_equal(score_band(75), "unsafe");
}

static void
improvements_are_what_adds_most(void **state)
{
	struct grant top = grant_top();
	size_t best[3], last;

	(void)state;
	score_of(&top, UINT32_MAX >> 22);
	assert_int_equal(score_improvements(&score, best, 3), 3);
	for (size_t i = 0; i < SCORE_CHECKS; i++) {
		last = best[2];
		if (i == best[0] || i == best[1] || i == last ||
		    score.check[i].improve == NULL)
			continue;
		assert_true(score.check[i].weight * score.check[i].badness <=
		    score.check[last].weight * score.check[last].badness);
	}
	assert_true(
	    score.check[best[0]].weight * score.check[best[0]].badness >=
	    score.check[best[1]].weight * score.check[best[1]].badness);
	score_rate(&(struct score_facts){ 0 }, &score);
	assert_int_equal(score_improvements(&score, best, 3), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(weights_are_a_thousand, set_up),
		cmocka_unit_test_setup(tiers_are_in_order, set_up),
		cmocka_unit_test_setup(less_is_never_more, set_up),
		cmocka_unit_test_setup(what_is_out_of_bounds_is_unsafe, set_up),
		cmocka_unit_test_setup(bands_begin_where_the_page_says, set_up),
		cmocka_unit_test_setup(improvements_are_what_adds_most, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
