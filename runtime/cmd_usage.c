/* Who used how much: the ends of runs in the audit log, summed up. */
#include <getopt.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/value.h"
#include "runtime/audit_files.h"
#include "runtime/audit_open.h"
#include "runtime/cli.h"

enum by { BY_SENDER, BY_FUNCTION, BY_DAY, BY_HOUR, BY_TRIGGER, BY_KINDS };

static const char *const by_names[BY_KINDS] = { "sender", "function", "day",
	"hour", "trigger" };

enum sum {
	SUM_RUNS,
	SUM_FAILED, /* with another verdict than ok */
	SUM_WALL,
	SUM_CPU,
	SUM_MEMORY, /* MiB * ms: peak memory for as long as it ran */
	SUM_IN,
	SUM_OUT,
	SUMS,
};

static const char *const sum_names[SUMS] = { "runs", "failed", "wall_ns",
	"cpu_ns", "memory_mib_ms", "bytes_in", "bytes_out" };

struct group {
	char *name;
	uint64_t sum[SUMS];
};

struct usage {
	enum by by;
	const char *store, *path, *since, *until;
	bool json, csv;
	void *tree; /* tsearch(3) */
	size_t len;
	struct group **group;
};

static int
by_name(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct group *
find(struct usage *u, const char *name, size_t len)
{
	struct group *g = calloc(1, sizeof(*g)), **at;

	invariant(g != NULL);
	g->name = str_printf("%.*s", (int)len, name);
	at = tsearch(g, &u->tree, by_name);
	invariant(at != NULL);
	if (*at != g) {
		free(g->name);
		free(g);
		return *at;
	}
	u->group = realloc(u->group, (u->len + 1) * sizeof(*u->group));
	invariant(u->group != NULL);
	u->group[u->len++] = g;
	return g;
}

/* The record's key: a text, and how much of it. */
static struct group *
group_of(struct usage *u, const struct value *r)
{
	static const char *const fields[BY_KINDS] = { "owner", "item_hash",
		NULL, NULL, "trigger" };
	const char *text = fields[u->by] != NULL
	    ? value_get_text(r, fields[u->by])
	    : value_get_text(value_get(r, "t"), "real");
	size_t n = u->by == BY_DAY ? 10 : u->by == BY_HOUR ? 13 : 256;

	return text == NULL ? NULL : find(u, text, n);
}

static uint64_t
amount(const struct value *usage, const char *key)
{
	int64_t n = value_get_int(usage, key, 0);

	return n < 0 ? 0 : (uint64_t)n;
}

static int
add_one(void *arg, uint64_t seq, const char *hash, const struct value *r)
{
	struct usage *u = arg;
	const struct value *x = value_get(r, "usage");
	const char *verdict = value_get_text(r, "verdict");
	struct group *g;

	(void)seq;
	(void)hash;
	if (!audit_open_is_within(r, u->since, u->until))
		return 0;
	g = group_of(u, r);
	if (g == NULL)
		return 0;
	g->sum[SUM_RUNS]++;
	g->sum[SUM_FAILED] += verdict == NULL || strcmp(verdict, "ok") != 0;
	g->sum[SUM_WALL] += amount(x, "wall_ns");
	g->sum[SUM_CPU] += amount(x, "cpu_ns");
	g->sum[SUM_MEMORY] += (amount(x, "memory_peak") >> 10) *
		(amount(x, "wall_ns") / 1000000) >>
	    10;
	g->sum[SUM_IN] += amount(x, "bytes_in");
	g->sum[SUM_OUT] += amount(x, "bytes_out");
	return 0;
}

/* ---- printing ---- */

static int
by_name_of(const void *a, const void *b)
{
	struct group *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void
print_json(const struct usage *u)
{
	value_auto struct value *list = value_new(VALUE_LIST);
	struct value *v;

	for (size_t i = 0; i < u->len; i++) {
		v = value_add(list, value_new(VALUE_MAP));
		value_set_text(v, by_names[u->by], u->group[i]->name);
		for (size_t k = 0; k < SUMS; k++)
			value_set_int(v, sum_names[k],
			    (int64_t)u->group[i]->sum[k]);
	}
	cli_print(list);
}

/* RFC 4180: a name with a comma or a quote is quoted. */
static void
print_csv_name(const char *name)
{
	char *safe = str_printable(name, strlen(name), 256);

	if (strpbrk(safe, ",\"") == NULL) {
		printf("%s", safe);
	} else {
		putchar('"');
		for (const char *p = safe; *p != '\0'; p++)
			printf(*p == '"' ? "\"\"" : "%c", *p);
		putchar('"');
	}
	free(safe);
}

static void
print_csv(const struct usage *u)
{
	printf("%s", by_names[u->by]);
	for (size_t k = 0; k < SUMS; k++)
		printf(",%s", sum_names[k]);
	printf("\r\n");
	for (size_t i = 0; i < u->len; i++) {
		print_csv_name(u->group[i]->name);
		for (size_t k = 0; k < SUMS; k++)
			printf(",%" PRIu64, u->group[i]->sum[k]);
		printf("\r\n");
	}
}

static void
print_table(const struct usage *u)
{
	const struct group *g;
	char *safe;

	printf("%8s %8s %12s %12s %12s %12s  %s\n", "RUNS", "FAILED", "WALL s",
	    "CPU s", "IN KiB", "OUT KiB", by_names[u->by]);
	for (size_t i = 0; i < u->len; i++) {
		g = u->group[i];
		safe = str_printable(g->name, strlen(g->name), 256);
		printf("%8" PRIu64 " %8" PRIu64
		       " %12.3f %12.3f %12.1f %12.1f  %s\n",
		    g->sum[SUM_RUNS], g->sum[SUM_FAILED],
		    (double)g->sum[SUM_WALL] / 1e9,
		    (double)g->sum[SUM_CPU] / 1e9,
		    (double)g->sum[SUM_IN] / 1024,
		    (double)g->sum[SUM_OUT] / 1024, safe);
		free(safe);
	}
}

static void
free_groups(struct usage *u)
{
	for (size_t i = 0; i < u->len; i++) {
		tdelete(u->group[i], &u->tree, by_name);
		free(u->group[i]->name);
		free(u->group[i]);
	}
	free(u->group);
}

/* ---- the command ---- */

static int
take_by(struct usage *u, const char *name)
{
	for (int i = 0; i < BY_KINDS; i++)
		if (strcmp(name, by_names[i]) == 0) {
			u->by = (enum by)i;
			return 0;
		}
	return -1;
}

static int
parse(struct usage *u, int argc, char **argv)
{
	static const struct option names[] = {
		{ "by", required_argument, NULL, 'y' },
		{ "store", required_argument, NULL, 's' },
		{ "since", required_argument, NULL, 'a' },
		{ "until", required_argument, NULL, 'b' },
		{ "csv", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c, r = 0;

	while (r == 0 && (c = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (c == 'y')
			r = take_by(u, optarg);
		else if (c == 's')
			u->store = optarg;
		else if (c == 'a')
			r = audit_open_time("--since", u->since = optarg);
		else if (c == 'b')
			r = audit_open_time("--until", u->until = optarg);
		else if (c == 'v')
			u->csv = true;
		else if (c == 'j')
			u->json = true;
		else
			r = -1;
	return r == -1 || (u->csv && u->json) ? -1 : 0;
}

static int
run(int argc, char **argv)
{
	struct usage u = { .by = BY_SENDER };
	fd_auto int dir = -1;
	struct err e;

	if (parse(&u, argc, argv) == -1 || argc - optind > 1)
		return cli_usage(&cmd_usage_command);
	dir = audit_open(u.store, optind < argc ? argv[optind] : NULL, &e);
	if (dir == -1 || audit_files_each(dir, "end", add_one, &u, &e) == -1) {
		cli_error(&e, u.json);
		return 1;
	}
	if (u.len > 0)
		qsort(u.group, u.len, sizeof(struct group *), by_name_of);
	if (u.json)
		print_json(&u);
	else if (u.csv)
		print_csv(&u);
	else
		print_table(&u);
	free_groups(&u);
	return 0;
}

const struct cli_command cmd_usage_command = { "usage",
	"[--by sender|function|day|hour|trigger] [--since TIME] [--until TIME] "
	"[--csv | --json] [--store DIR] [DIR]",
	"who used how much of a node", run };
