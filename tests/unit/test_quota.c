/* What runs hold of a node, whoever they are for. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/quota.h"

static struct quota_need
need(const char *sender, const char *function, uint64_t memory)
{
	return (struct quota_need){ sender, function,
		{ [QUOTA_RUNS] = 1, [QUOTA_MEMORY] = memory } };
}

static void
each_scope_has_its_limit(void **state)
{
	struct quota q = { .limits = { {
			       [QUOTA_HOST] = { [QUOTA_MEMORY] = 100 },
			       [QUOTA_SENDER] = { [QUOTA_RUNS] = 2 },
			       [QUOTA_FUNCTION] = { [QUOTA_MEMORY] = 40 },
			   } } };
	struct quota_need a = need("A", "f", 30), b = need("A", "g", 30),
			  c = need("B", "h", 30), big = need("B", "h", 101),
			  more = need("B", "h", 20);
	struct err e;

	(void)state;
	assert_int_equal(quota_take(&q, &a, &e), 0);
	assert_int_equal(quota_take(&q, &a, &e), -1);
	assert_int_equal(e.code, ERR_QUOTA);
	assert_string_equal(e.text,
	    "memory: the function has all of its 40 in use");
	assert_int_equal(quota_take(&q, &b, &e), 0);
	assert_int_equal(quota_take(&q, &b, &e), -1);
	assert_string_equal(e.text, "runs: the sender has all of its 2 in use");
	assert_int_equal(quota_take(&q, &c, &e), 0);
	assert_int_equal(quota_take(&q, &more, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	assert_string_equal(e.text,
	    "memory: the host has all of its 100 in use");
	assert_int_equal(quota_take(&q, &big, &e), -1);
	assert_int_equal(e.code, ERR_DENIED);
	quota_give(&q, &a);
	assert_int_equal(quota_take(&q, &a, &e), 0);
	quota_fini(&q);
}

/* Any order of taking and giving ends with nothing held, and never above. */
static void
what_is_taken_is_given(void **state)
{
	static const char *const names[] = { "a", "b", "c" };
	struct quota q = { .limits = { {
			       [QUOTA_HOST] = { 20, 1000, 0, 0 },
			       [QUOTA_SENDER] = { 9, 400, 0, 0 },
			       [QUOTA_FUNCTION] = { 0, 300, 0, 0 },
			   } } };
	struct quota_need held[64], n;
	unsigned seed = 3;
	size_t len = 0, refused = 0, i;
	struct err e;

	(void)state;
	for (int turn = 0; turn < 20000; turn++) {
		if (rand_r(&seed) % 2 == 0 && len < nitems(held)) {
			n = need(names[rand_r(&seed) % 3],
			    names[rand_r(&seed) % 3],
			    (uint64_t)(rand_r(&seed) % 120));
			if (quota_take(&q, &n, &e) == 0)
				held[len++] = n;
			else
				refused++;
		} else if (len > 0) {
			i = (size_t)rand_r(&seed) % len;
			quota_give(&q, &held[i]);
			held[i] = held[--len];
		}
		assert_true(q.used[QUOTA_RUNS] == len && len <= 20);
		assert_true(q.used[QUOTA_MEMORY] <= 1000);
	}
	assert_true(refused > 100);
	while (len > 0)
		quota_give(&q, &held[--len]);
	for (i = 0; i < QUOTA_BUCKETS; i++)
		assert_null(q.bucket[i]);
	assert_int_equal(q.used[QUOTA_MEMORY], 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_scope_has_its_limit),
		cmocka_unit_test(what_is_taken_is_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
