#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/cron.h"

#define MINUTE INT64_C(60)
#define DAY (24 * 60 * MINUTE)
/* The Gregorian calendar repeats itself after 400 years, weekdays and all. */
#define DAYS_MAX 146098

static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun",
	"jul", "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const weekdays[] = { "sun", "mon", "tue", "wed", "thu",
	"fri", "sat", NULL };

static const struct field {
	const char *name;
	unsigned min, max;
	const char *const *names; /* of min and what follows it */
} fields[5] = {
	{ "minute", 0, 59, NULL },
	{ "hour", 0, 23, NULL },
	{ "day of the month", 1, 31, NULL },
	{ "month", 1, 12, months },
	{ "day of the week", 0, 7, weekdays },
};

static const struct {
	const char *name, *means;
} nicknames[] = {
	{ "@hourly", "0 * * * *" },
	{ "@daily", "0 0 * * *" },
	{ "@midnight", "0 0 * * *" },
	{ "@weekly", "0 0 * * 0" },
	{ "@monthly", "0 0 1 * *" },
	{ "@yearly", "0 0 1 1 *" },
	{ "@annually", "0 0 1 1 *" },
};

struct reader {
	const struct field *field;
	const char *at, *end;
	struct err *e;
};

static int
bad(struct reader *r, const char *why)
{
	return err_set(r->e, ERR_INVALID, "cron: %s: %s", r->field->name, why);
}

static bool
take(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool
read_name(struct reader *r, unsigned *value)
{
	const char *const *names = r->field->names;

	for (unsigned i = 0; names != NULL && names[i] != NULL; i++)
		if (r->end - r->at >= 3 &&
		    strncasecmp(r->at, names[i], 3) == 0) {
			r->at += 3;
			*value = r->field->min + i;
			return true;
		}
	return false;
}

static int
read_number(struct reader *r, unsigned *value)
{
	const char *start = r->at;

	*value = 0;
	while (r->at < r->end && *r->at >= '0' && *r->at <= '9' &&
	    r->at - start < 3)
		*value = 10 * *value + (unsigned)(*r->at++ - '0');
	return r->at == start ? bad(r, "no number") : 0;
}

static int
read_value(struct reader *r, unsigned *value)
{
	if (read_name(r, value))
		return 0;
	if (read_number(r, value) == -1)
		return -1;
	if (*value < r->field->min || *value > r->field->max)
		return bad(r, "out of range");
	return 0;
}

/* "*", "a", "a-b", each perhaps with "/step"; "a/step" goes to the end. */
static int
read_item(struct reader *r, uint64_t *bits)
{
	unsigned from = r->field->min, to = r->field->max, step = 1;
	bool one = false;

	if (!take(r, '*')) {
		if (read_value(r, &from) == -1)
			return -1;
		one = !take(r, '-');
		if (!one && read_value(r, &to) == -1)
			return -1;
	}
	if (take(r, '/')) {
		if (read_number(r, &step) == -1)
			return -1;
		if (step == 0 || step > r->field->max)
			return bad(r, "a step out of range");
	} else if (one) {
		to = from;
	}
	if (to < from)
		return bad(r, "a range that ends before it begins");
	for (; from <= to; from += step)
		*bits |= UINT64_C(1) << from;
	return 0;
}

static int
read_field(struct reader *r, uint64_t *bits)
{
	*bits = 0;
	do
		if (read_item(r, bits) == -1)
			return -1;
	while (take(r, ','));
	return r->at == r->end ? 0 : bad(r, "what follows is not understood");
}

static int
parse_fields(struct cron *c, const char *text, struct err *e)
{
	uint64_t bits[nitems(fields)];
	struct reader r = { .e = e };
	size_t n = 0;

	for (;; n++) {
		text += strspn(text, " \t");
		if (*text == '\0')
			break;
		if (n == nitems(fields))
			return err_set(e, ERR_INVALID,
			    "cron: more than five fields; seconds are not "
			    "offered");
		r.field = &fields[n];
		r.at = text;
		r.end = text += strcspn(text, " \t");
		if (n == 2)
			c->any_day = *r.at == '*';
		if (n == 4)
			c->any_weekday = *r.at == '*';
		if (read_field(&r, &bits[n]) == -1)
			return -1;
	}
	if (n < nitems(fields))
		return err_set(e, ERR_INVALID, "cron: %zu fields, not five", n);
	c->minute = bits[0];
	c->hour = (uint32_t)bits[1];
	c->day = (uint32_t)bits[2];
	c->month = (uint16_t)bits[3];
	/* Sunday is 0 and 7. */
	c->weekday = (uint8_t)((bits[4] | bits[4] >> 7) & 0x7f);
	return 0;
}

int
cron_parse(struct cron *c, const char *text, struct err *e)
{
	*c = (struct cron){ 0 };
	if (text[0] != '@')
		return parse_fields(c, text, e);
	for (size_t i = 0; i < nitems(nicknames); i++)
		if (strcasecmp(text, nicknames[i].name) == 0)
			return parse_fields(c, nicknames[i].means, e);
	return err_set(e, ERR_INVALID, "cron: an unknown nickname");
}

static bool
fires_on(const struct cron *c, const struct tm *tm)
{
	bool day = (c->day >> tm->tm_mday & 1) != 0;
	bool weekday = (c->weekday >> tm->tm_wday & 1) != 0;

	if ((c->month >> (tm->tm_mon + 1) & 1) == 0)
		return false;
	return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

/*
 * Whether any day of the calendar will do, without looking at each: a weekday
 * comes to every day of the year in its turn.
 */
static bool
fires_ever(const struct cron *c)
{
	static const uint32_t days[12] = { 31, 29, 31, 30, 31, 30, 31, 31, 30,
		31, 30, 31 };

	if (!c->any_day && !c->any_weekday)
		return true;
	for (int m = 0; m < 12; m++)
		if ((c->month >> (m + 1) & 1) != 0 &&
		    (c->day & ((UINT64_C(2) << days[m]) - 1)) != 0)
			return true;
	return false;
}

/* The first minute of a day from one on, or -1. */
static int
first_minute(const struct cron *c, int from)
{
	for (int m = from; m < 24 * 60; m++)
		if ((c->hour >> m / 60 & 1) != 0 &&
		    (c->minute >> m % 60 & 1) != 0)
			return m;
	return -1;
}

bool
cron_next(const struct cron *c, int64_t after, int64_t *at)
{
	/* Whole minutes only, also before 1970. */
	int64_t next = after - ((after % MINUTE) + MINUTE) % MINUTE + MINUTE;
	int64_t day = next - ((next % DAY) + DAY) % DAY;
	int from = (int)((next - day) / MINUTE), minute;
	struct tm tm;
	time_t t;

	if (!fires_ever(c))
		return false;
	for (int i = 0; i < DAYS_MAX; i++, day += DAY, from = 0) {
		t = (time_t)day;
		if (gmtime_r(&t, &tm) == NULL)
			return false;
		if (!fires_on(c, &tm))
			continue;
		minute = first_minute(c, from);
		if (minute == -1)
			continue;
		*at = day + minute * MINUTE;
		return true;
	}
	return false;
}
