#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "policy/amount.h"
#include "policy/ceiling_reader.h"

/* Longer ones are more likely a slip than a wish. */
#define PERIOD_MAX (366 * 86400 * CLOCK_SECOND)

bool
ceiling_choose(const struct ceiling_reader *r, const struct value *v,
    const char *path, const char *first, const char *second)
{
	char why[80];

	if (v->kind == VALUE_STRING && strcmp(v->text, second) == 0)
		return true;
	if (v->kind == VALUE_STRING && strcmp(v->text, first) == 0)
		return false;
	snprintf(why, sizeof(why), "neither %s nor %s", first, second);
	ceiling_report(r, "policy:choice", v, path, why);
	return false;
}

static void
read_on_full(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	r->c->node.audit_drops = ceiling_choose(r, v, path, "stop", "drop");
}

static void
read_time(const struct ceiling_reader *r, const struct value *v,
    const char *path, uint64_t *ns)
{
	if (v->kind != VALUE_STRING || !amount_parse(GRANT_WALL, v->text, ns) ||
	    *ns > PERIOD_MAX)
		ceiling_report(r, "policy:amount", v, path,
		    "not a time with its unit, of a year at most");
}

static void
read_period(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_time(r, v, path, &r->c->node.cron_period_ns);
}

static void
read_jitter(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_time(r, v, path, &r->c->node.cron_jitter_ns);
}

static void
read_overlap(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	r->c->node.cron_overlap = ceiling_choose(r, v, path, "skip", "allow")
	    ? CEILING_ALLOW
	    : CEILING_SKIP;
}

void
ceiling_audit_read(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = { { "on_full",
	    read_on_full } };

	ceiling_read_rows(r, v, path, rows, nitems(rows));
}

void
ceiling_cron_read(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = { { "min_period",
						       read_period },
		{ "jitter", read_jitter }, { "overlap", read_overlap } };

	ceiling_read_rows(r, v, path, rows, nitems(rows));
}
