/* How often somebody may, and how often an address may. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rate.h"
#include "runtime/front_rate.h"

#define NOW (1000 * CLOCK_SECOND)

/* A minute's at once; then one for each part of the minute, and not before. */
static void
a_minute(void **state)
{
	uint64_t spent = 0, now = NOW, wait;

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_true(rate_take(&spent, 6, now) == 0);
	for (int i = 0; i < 20; i++) {
		wait = rate_take(&spent, 6, now);
		assert_true(wait == 10 * CLOCK_SECOND);
		assert_true(rate_take(&spent, 6, now + wait - 1) == 1);
		now += wait;
		assert_true(rate_take(&spent, 6, now) == 0);
	}
	/* Who was away has a minute's again, and no more. */
	now += 1000 * CLOCK_SECOND;
	for (int i = 0; i < 6; i++)
		assert_true(rate_take(&spent, 6, now) == 0);
	assert_true(rate_take(&spent, 6, now) > 0);
}

static void
no_rate(void **state)
{
	uint64_t spent = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_true(rate_take(&spent, 0, NOW) == 0);
	assert_true(spent == 0);
}

static struct front_address
address(const char *text)
{
	struct front_address a;

	assert_int_equal(inet_pton(AF_INET6, text, a.byte), 1);
	return a;
}

static void
addresses(void **state)
{
	static struct front_rate r = { .per_minute = 3, .salt = 42 };
	struct front_address one = address("::ffff:192.0.2.1");
	struct front_address two = address("::ffff:192.0.2.2");

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(front_rate_take(&r, &one, NOW) == 0);
	assert_true(front_rate_take(&r, &one, NOW) == 20 * CLOCK_SECOND);
	assert_true(front_rate_take(&r, &two, NOW) == 0);
	assert_true(front_rate_take(&r, &one, NOW) > 0);
}

/* More of them than there are places: nobody is refused, and who has used his
 * rate is not forgotten for those who have not. */
static void
many(void **state)
{
	static struct front_rate r = { .per_minute = 100, .salt = 7 };
	struct front_address busy = address("2001:db8::"), other = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_true(front_rate_take(&r, &busy, NOW) == 0);
	for (uint32_t i = 0; i < 200000; i++) {
		memcpy(other.byte, "\xfd", 1);
		memcpy(other.byte + 4, &i, sizeof(i));
		assert_true(front_rate_take(&r, &other, NOW) == 0);
	}
	assert_true(front_rate_take(&r, &busy, NOW) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_minute),
		cmocka_unit_test(no_rate),
		cmocka_unit_test(addresses),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
