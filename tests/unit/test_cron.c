/* When cron expressions fire, and which are none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/cron.h"

static int64_t
when(const char *text)
{
	struct tm tm = { 0 };

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return (int64_t)timegm(&tm);
}

static void
times_are_those_of_crontab(void **state)
{
	static const struct {
		const char *cron, *after, *next;
	} rows[] = {
		{ "5 4 * * *", "2026-11-21 04:04:59", "2026-11-21 04:05:00" },
		{ "5 4 * * *", "2026-11-21 04:05:00", "2026-11-22 04:05:00" },
		{ "* * * * *", "2026-12-31 23:59:30", "2027-01-01 00:00:00" },
		{ "*/15 * * * *", "2026-01-01 00:45:00",
		    "2026-01-01 01:00:00" },
		{ "7-59/20 * * * *", "2026-01-01 00:48:00",
		    "2026-01-01 01:07:00" },
		{ "5/20 * * * *", "2026-01-01 00:06:00",
		    "2026-01-01 00:25:00" },
		/* A Saturday of the first half-month of April: eleven years. */
		{ "4 * */14 apr sat", "2034-11-21 00:00:00",
		    "2045-04-01 00:04:00" },
		/* Over the turn of a century that has no leap year. */
		{ "0 0 29 2 */7", "2072-03-01 00:00:00",
		    "2088-02-29 00:00:00" },
		{ "0 0 29 2 *", "2026-01-01 00:00:00", "2028-02-29 00:00:00" },
		{ "0 0 29 2 *", "2096-03-01 00:00:00", "2104-02-29 00:00:00" },
		{ "0 0 31 * *", "2026-04-01 00:00:00", "2026-05-31 00:00:00" },
		/* Either day, when both are told. */
		{ "0 0 13 * FRI", "2026-11-01 00:00:00",
		    "2026-11-06 00:00:00" },
		{ "0 0 13 * fri", "2026-11-06 00:00:00",
		    "2026-11-13 00:00:00" },
		{ "0 0 10,20 * mon", "2026-11-16 00:00:00",
		    "2026-11-20 00:00:00" },
		/* Both, when one begins with a star. */
		{ "0 0 */2 * sun", "2026-11-21 00:00:00",
		    "2026-11-29 00:00:00" },
		{ "0 0 * * 7", "2026-11-21 00:00:00", "2026-11-22 00:00:00" },
		{ "0 0 * * 5-7", "2026-11-22 00:00:00", "2026-11-27 00:00:00" },
		{ "30 8-10,14 1 jan-mar,JUL *", "2026-03-01 14:30:00",
		    "2026-07-01 08:30:00" },
		{ "@hourly", "2026-01-01 00:00:01", "2026-01-01 01:00:00" },
		{ "@Daily", "2026-01-01 00:00:00", "2026-01-02 00:00:00" },
		{ "@weekly", "2026-11-21 00:00:00", "2026-11-22 00:00:00" },
		{ "@monthly", "2026-11-21 00:00:00", "2026-12-01 00:00:00" },
		{ "@annually", "2026-11-21 00:00:00", "2027-01-01 00:00:00" },
		{ " 0\t0 * * * ", "1969-12-31 23:59:59",
		    "1970-01-01 00:00:00" },
		{ "0 12 * * *", "1968-02-29 13:00:00", "1968-03-01 12:00:00" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		struct cron c;
		struct err e;
		int64_t at = 0;

		if (cron_parse(&c, rows[i].cron, &e) == -1)
			fail_msg("%s: %s", rows[i].cron, e.text);
		assert_true(cron_next(&c, when(rows[i].after), &at));
		if (at != when(rows[i].next))
			fail_msg("%s after %s: %lld, not %lld", rows[i].cron,
			    rows[i].after, (long long)at,
			    (long long)when(rows[i].next));
	}
}

static void
what_is_no_time_never_fires(void **state)
{
	static const char *const never[] = { "0 0 30 2 *",
		"0 0 31 4,6,9,11 *" };
	struct cron c;
	struct err e;
	int64_t at;

	(void)state;
	for (size_t i = 0; i < nitems(never); i++) {
		assert_int_equal(cron_parse(&c, never[i], &e), 0);
		assert_false(cron_next(&c, 1700000000, &at));
	}
}

static void
what_is_no_expression_is_refused(void **state)
{
	static const char *const rows[] = { "", " ", "*", "* * * *",
		"* * * * * *", "0 * * * * *", "60 * * * *", "* 24 * * *",
		"* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *",
		"* * * * 8", "-1 * * * *", "1- * * * *", "-5 * * * *",
		"5-1 * * * *", "*/0 * * * *", "*/60 * * * *", "*/ * * * *",
		"/5 * * * *", "1,, * * * *", ",1 * * * *", "1, * * * *",
		"1 -2 * * *", "** * * * *", "*5 * * * *", "*-5 * * * *",
		"1/2/3 * * * *", "1-2-3 * * * *", "a * * * *", "1a * * * *",
		"0x1 * * * *", "1.5 * * * *", "+1 * * * *", "1000 * * * *",
		"* * * janu *", "* * * * mo", "* * jan * *", "* * ? * *",
		"* * L * *", "* * 1W * *", "* * * * 1#2", "* * * * fri-mon",
		"@reboot", "@", "@hourly @daily", "@every 5m", "@hourlyx",
		"* * * * *\n* * * * *", "\n* * * * *" };
	struct cron c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		if (cron_parse(&c, rows[i], &e) == 0)
			fail_msg("accepted: %s", rows[i]);
		assert_int_equal(e.code, ERR_INVALID);
		assert_true(strncmp(e.text, "cron: ", 6) == 0);
	}
}

/* ---- every minute, one by one, by another way ---- */

static bool
matches(const struct cron *c, int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;
	bool day, weekday;

	gmtime_r(&t, &tm);
	day = (c->day & 1U << tm.tm_mday) != 0;
	weekday = (c->weekday & 1U << tm.tm_wday) != 0;
	if (c->any_day)
		day = day && weekday;
	else if (c->any_weekday)
		day = weekday && day;
	else
		day = day || weekday;
	return day && (c->minute & UINT64_C(1) << tm.tm_min) != 0 &&
	    (c->hour & 1U << tm.tm_hour) != 0 &&
	    (c->month & 1U << (tm.tm_mon + 1)) != 0;
}

static void
random_field(char *out, size_t size, unsigned min, unsigned max)
{
	unsigned a = min + (unsigned)random() % (max - min + 1);
	unsigned b = a + (unsigned)random() % (max - a + 1);
	unsigned s = 1 + (unsigned)random() % max;

	switch (random() % 6) {
	case 0:
	case 1:
		snprintf(out, size, "*");
		break;
	case 2:
		snprintf(out, size, "*/%u", s);
		break;
	case 3:
		snprintf(out, size, "%u", a);
		break;
	case 4:
		snprintf(out, size, "%u-%u/%u", a, b, s);
		break;
	default:
		snprintf(out, size, "%u,%u-%u", b, a, b);
		break;
	}
}

static void
the_next_time_is_the_first_minute_that_matches(void **state)
{
	(void)state;
	srandom(11);
	for (int round = 0; round < 400; round++) {
		char f[5][32], *text;
		int64_t after = 1600000000 + random() % 300000000, at, want;
		struct cron c;
		struct err e;
		bool fires;

		random_field(f[0], sizeof(f[0]), 0, 59);
		random_field(f[1], sizeof(f[1]), 0, 23);
		random_field(f[2], sizeof(f[2]), 1, 31);
		random_field(f[3], sizeof(f[3]), 1, 12);
		random_field(f[4], sizeof(f[4]), 0, 7);
		text =
		    str_printf("%s %s %s %s %s", f[0], f[1], f[2], f[3], f[4]);
		if (cron_parse(&c, text, &e) == -1)
			fail_msg("%s: %s", text, e.text);
		fires = cron_next(&c, after, &at);
		/* A month's minutes, or up to where it says that it fires. */
		want = after - after % 60 + 60;
		for (int m = 0; m < 31 * 24 * 60 && !matches(&c, want); m++)
			want += 60;
		if (matches(&c, want) && (!fires || at != want))
			fail_msg("%s after %lld", text, (long long)after);
		if (fires) {
			assert_true(matches(&c, at) && at >= want);
		}
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_those_of_crontab),
		cmocka_unit_test(what_is_no_time_never_fires),
		cmocka_unit_test(what_is_no_expression_is_refused),
		cmocka_unit_test(
		    the_next_time_is_the_first_minute_that_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
