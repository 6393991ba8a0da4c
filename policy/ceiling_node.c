#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "messages/item_hash.h"
#include "policy/amount.h"
#include "policy/ceiling_reader.h"

/* Longer ones are more likely a slip than a wish. */
#define PERIOD_MAX (366 * 86400 * CLOCK_SECOND)
/* A line, with room to turn round. */
#define LOGS_LEAST (64 << 10)

/* A text that is one of two: whether it is the second. */
static bool
choose(const struct ceiling_reader *r, const struct value *v, const char *path,
    const char *first, const char *second)
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
	r->c->node.audit_drops = choose(r, v, path, "stop", "drop");
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
	r->c->node.cron_overlap =
	    choose(r, v, path, "skip", "allow") ? CEILING_ALLOW : CEILING_SKIP;
}

void
ceiling_node_audit(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = { { "on_full",
	    read_on_full } };

	ceiling_read_rows(r, v, path, rows, nitems(rows));
}

void
ceiling_node_cron(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = { { "min_period",
						       read_period },
		{ "jitter", read_jitter }, { "overlap", read_overlap } };

	ceiling_read_rows(r, v, path, rows, nitems(rows));
}

static void
read_bytes(const struct ceiling_reader *r, const struct value *v,
    const char *path, uint64_t *bytes)
{
	if (v->kind != VALUE_STRING ||
	    !amount_parse(GRANT_MEMORY, v->text, bytes) || *bytes < LOGS_LEAST)
		ceiling_report(r, "policy:amount", v, path,
		    "not a number of bytes with its unit, at least 64KiB");
}

static void
read_logs_function(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_bytes(r, v, path, &r->c->node.logs_function);
}

static void
read_logs_total(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_bytes(r, v, path, &r->c->node.logs_total);
}

void
ceiling_node_logs(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = {
		{ "function", read_logs_function }, { "total", read_logs_total }
	};

	ceiling_read_rows(r, v, path, rows, nitems(rows));
}

static void
add_warm(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	struct ceiling_node *n = &r->c->node;

	if (strcmp(v->text, "*") == 0)
		n->warm_all = true;
	else if (item_hash_kind(v->text) == ITEM_HASH_NONE)
		ceiling_report_text(r, "policy:digest", v, path,
		    "is no item hash");
	else if (n->nwarm == nitems(n->warm))
		ceiling_report(r, "policy:many", v, path, "more than 64");
	else
		str_copy(n->warm[n->nwarm++], sizeof(n->warm[0]), v->text);
}

static void
read_warm(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	ceiling_each_text(r, v, path, add_warm);
}

static void
read_idle(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_time(r, v, path, &r->c->node.warm_idle_ns);
}

void
ceiling_node_warm(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = { { "functions", read_warm },
		{ "idle", read_idle } };

	ceiling_read_rows(r, v, path, rows, nitems(rows));
}

/* "admission.SCOPE.WHAT": as limits of machines are written. */
static void
read_quota(const struct ceiling_reader *r, const struct value *v,
    const char *path, enum quota_scope scope)
{
	static const enum grant_limit unit[QUOTA_WHATS] = {
		[QUOTA_RUNS] = GRANT_PIDS,
		[QUOTA_MEMORY] = GRANT_MEMORY,
		[QUOTA_CPU] = GRANT_CPU,
		[QUOTA_PIDS] = GRANT_PIDS,
	};
	const char *name = strrchr(path, '.') + 1;
	char text[32], why[80];
	uint64_t n;

	for (int w = 0; w < QUOTA_WHATS; w++) {
		if (strcmp(name, quota_what_name((enum quota_what)w)) != 0)
			continue;
		text[0] = '\0';
		if (v->kind == VALUE_INT && v->number > 0)
			snprintf(text, sizeof(text), "%" PRId64, v->number);
		else if (v->kind == VALUE_STRING)
			snprintf(text, sizeof(text), "%.31s", v->text);
		snprintf(why, sizeof(why), "not an amount in %s with its unit",
		    grant_limit_unit(unit[w]));
		if (!amount_parse(unit[w], text, &n) || n == 0)
			ceiling_report(r, "policy:amount", v, path, why);
		else
			r->c->node.quota.limit[scope][w] = n;
	}
}

static void
read_host_quota(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_quota(r, v, path, QUOTA_HOST);
}

static void
read_sender_quota(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_quota(r, v, path, QUOTA_SENDER);
}

static void
read_function_quota(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_quota(r, v, path, QUOTA_FUNCTION);
}

static void
read_scope(const struct ceiling_reader *r, const struct value *v,
    const char *path, ceiling_read_fn *read)
{
	struct ceiling_row rows[QUOTA_WHATS];

	for (int w = 0; w < QUOTA_WHATS; w++)
		rows[w] =
		    (struct ceiling_row){ quota_what_name((enum quota_what)w),
			    read };
	ceiling_read_rows(r, v, path, rows, QUOTA_WHATS);
}

static void
read_host(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_scope(r, v, path, read_host_quota);
}

static void
read_sender(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_scope(r, v, path, read_sender_quota);
}

static void
read_function(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_scope(r, v, path, read_function_quota);
}

static void
read_queue(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	if (v->kind != VALUE_INT || v->number < 0 || v->number > 100000)
		ceiling_report(r, "policy:amount", v, path,
		    "not a number up to 100000");
	else
		r->c->node.queue = (uint64_t)v->number;
}

static void
read_wait(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_time(r, v, path, &r->c->node.wait_ns);
}

static void
read_rate(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	if (v->kind != VALUE_INT || v->number < 1 || v->number > 1000000)
		ceiling_report(r, "policy:amount", v, path,
		    "not a number from 1 to 1000000");
	else
		r->c->node.caller_rate = (uint32_t)v->number;
}

void
ceiling_node_callers(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = { { "rate", read_rate } };

	ceiling_read_rows(r, v, path, rows, nitems(rows));
}

void
ceiling_node_exec(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	r->c->node.no_exec = choose(r, v, path, "allow", "refuse");
}

void
ceiling_node_admission(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = { { "host", read_host },
		{ "sender", read_sender }, { "function", read_function },
		{ "queue", read_queue }, { "wait", read_wait } };

	ceiling_read_rows(r, v, path, rows, nitems(rows));
}
