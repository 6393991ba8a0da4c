/* When functions with on.cron fire, whatever the clock does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/crontab.h"

#define DAY 86400
/* 2026-11-21 00:00:00 UTC, a Saturday. */
#define START INT64_C(1795219200)
#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct crontab
table(int64_t period, int64_t jitter, const char *text)
{
	struct crontab t = { .period = period, .jitter = jitter };
	struct err e;

	assert_int_equal(crontab_add(&t, A, 0, text, START, &e), 0);
	return t;
}

/* Each turn of the loop; the slots that fired, at most n. */
static size_t
turn(struct crontab *t, int64_t now, int64_t *slots, size_t n)
{
	size_t len = 0;
	int64_t slot;

	while (crontab_fire(t, now, &slot) != NULL) {
		assert_true(len < n);
		assert_true(slot <= now);
		slots[len++] = slot;
	}
	return len;
}

static void
a_day_has_each_slot_once(void **state)
{
	static const struct {
		const char *text;
		size_t fires;
	} rows[] = {
		{ "* * * * *", 1440 },
		{ "*/5 * * * *", 288 },
		{ "@hourly", 24 },
		{ "0 9-17 * * *", 9 },
		{ "30 4 * * 6", 1 },
		{ "30 4 * * 1", 0 },
		{ "0 0 30 2 *", 0 },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct crontab t = table(60, 0, rows[i].text);
		int64_t last = START, slot[8];
		size_t fires = 0, n;

		/* Turns come when they like. */
		for (int64_t now = START; now < START + DAY; now += 7) {
			n = turn(&t, now, slot, 8);
			assert_true(n <= 1);
			if (n == 1)
				assert_true(slot[0] > last || fires == 0);
			if (n == 1)
				last = slot[0];
			fires += n;
		}
		/* Midnight itself was when it was published. */
		if (rows[i].fires > 9)
			assert_int_equal(fires, rows[i].fires - 1);
		else
			assert_int_equal(fires, rows[i].fires);
		crontab_fini(&t);
	}
}

static void
what_was_missed_comes_down_to_one(void **state)
{
	struct crontab t = table(60, 0, "0 * * * *");
	int64_t slot[4];

	(void)state;
	assert_int_equal(turn(&t, START + 10 * 3600 + 1, slot, 4), 1);
	assert_int_equal(slot[0], START + 10 * 3600);
	/* Ten years: it does not walk through them all. */
	assert_int_equal(turn(&t, START + INT64_C(3650) * DAY + 5, slot, 4), 1);
	assert_int_equal(slot[0], START + INT64_C(3650) * DAY);
	assert_int_equal(turn(&t, START + INT64_C(3650) * DAY + 6, slot, 4), 0);
	crontab_fini(&t);
}

static void
a_clock_that_is_set_back_fires_nothing_twice(void **state)
{
	struct crontab t = table(60, 0, "* * * * *");
	int64_t slot[4];
	size_t fires = 0;

	(void)state;
	assert_int_equal(turn(&t, START + 3600, slot, 4), 1);
	for (int64_t now = START; now <= START + 3600; now += 30)
		fires += turn(&t, now, slot, 4);
	assert_int_equal(fires, 0);
	assert_int_equal(turn(&t, START + 3660, slot, 4), 1);
	assert_int_equal(slot[0], START + 3660);
	crontab_fini(&t);
}

static void
a_restart_goes_on_behind_the_last_slot(void **state)
{
	struct crontab t = { .period = 60 };
	struct err e;
	int64_t slot[4];

	(void)state;
	assert_int_equal(crontab_add(&t, A, 1, "*/10 * * * *", START + 600, &e),
	    0);
	assert_int_equal(turn(&t, START + 660, slot, 4), 0);
	assert_int_equal(turn(&t, START + 1200, slot, 4), 1);
	crontab_fini(&t);
}

static void
a_period_thins_out(void **state)
{
	struct crontab t = table(3600, 0, "*/7 * * * *");
	int64_t slot[4], last = START;
	size_t fires = 0;

	(void)state;
	for (int64_t now = START; now < START + DAY; now += 60)
		if (turn(&t, now, slot, 4) == 1) {
			assert_true(slot[0] - last >= 3600);
			last = slot[0];
			fires++;
		}
	assert_in_range(fires, 20, 24);
	crontab_fini(&t);
}

static void
jitter_is_a_functions_own_and_bounded(void **state)
{
	struct crontab t = { .period = 60, .jitter = 1000 }, again = t;
	struct err e;
	int64_t slot[4];

	(void)state;
	assert_int_equal(crontab_add(&t, A, 0, "@hourly", START, &e), 0);
	assert_int_equal(crontab_add(&t, B, 0, "@hourly", START, &e), 0);
	assert_int_equal(crontab_add(&again, A, 0, "@hourly", START, &e), 0);
	assert_int_equal(t.entry[0].delay, again.entry[0].delay);
	assert_int_not_equal(t.entry[0].delay, t.entry[1].delay);
	assert_in_range(t.entry[0].delay, 0, 1000);
	assert_int_equal(crontab_due(&again),
	    START + 3600 + again.entry[0].delay);
	assert_int_equal(turn(&t, START + 3600 + 1000, slot, 4), 2);
	assert_int_equal(slot[0], START + 3600);
	crontab_fini(&t);
	crontab_fini(&again);
}

static void
the_next_slots_are_those_that_fire(void **state)
{
	struct crontab t = table(600, 0, "*/5 * * * *");
	int64_t next[5], slot[4];
	size_t n = 0;

	(void)state;
	assert_int_equal(crontab_next(&t, &t.entry[0], START, next, 5), 5);
	for (int64_t now = START; n < 5; now += 60)
		if (turn(&t, now, slot, 4) == 1)
			assert_int_equal(slot[0], next[n++]);
	crontab_fini(&t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_has_each_slot_once),
		cmocka_unit_test(what_was_missed_comes_down_to_one),
		cmocka_unit_test(a_clock_that_is_set_back_fires_nothing_twice),
		cmocka_unit_test(a_restart_goes_on_behind_the_last_slot),
		cmocka_unit_test(a_period_thins_out),
		cmocka_unit_test(jitter_is_a_functions_own_and_bounded),
		cmocka_unit_test(the_next_slots_are_those_that_fire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
