/*
 * When a cron expression fires: five fields (minute, hour, day of the month,
 * month, day of the week), as crontab(5) has them, in UTC.  Lists, ranges and
 * steps; names of months and days; 7 is Sunday too; @hourly, @daily,
 * @midnight, @weekly, @monthly, @yearly, @annually.  A day fires if either of
 * its two fields matches, when neither begins with a star.  Seconds, @reboot
 * and the letters of other dialects (L, W, #, ?) are refused.  Pure.
 */
#ifndef MESSAGES_CRON_H
#define MESSAGES_CRON_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/* Bit n: the value n. */
struct cron {
	uint64_t minute;           /* 0..59 */
	uint32_t hour, day;        /* 0..23, 1..31 */
	uint16_t month;            /* 1..12 */
	uint8_t weekday;           /* 0..6, 0 is Sunday */
	bool any_day, any_weekday; /* the field begins with a star */
};

/* ERR_INVALID names the field and what is wrong with it. */
int cron_parse(struct cron *, const char *, struct err *);

/*
 * The first time after a second, both since 1970 (UTC, no leap seconds).
 * False: there is none, such as on the 30th of February.
 */
bool cron_next(const struct cron *, int64_t after, int64_t *at);

#endif
