/* The commands that ask a node: publish, ps, inspect, stop, cron, jobs. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/value.h"
#include "runtime/cli.h"
#include "runtime/node_client.h"
#include "runtime/route.h"

static int
publish(int argc, char **argv)
{
	value_auto struct value *v = NULL;
	struct node_client o = { NULL };
	fd_auto int fd = -1;
	char *data = NULL;
	struct err e;
	size_t len;

	if (node_client_parse(&o, argc, argv) == -1 || argc - optind != 1)
		return cli_usage(&cmd_publish_command);
	fd = cli_open(argv[optind], &e);
	if (fd == -1)
		return node_client_fail(&o, &e);
	if (fd_read_all(fd, ALEPH_SIZE_MAX, &data, &len, &e) == -1) {
		err_in(&e, "%s", argv[optind]);
		return node_client_fail(&o, &e);
	}
	v = node_client_ask(&o, "POST", "/control/messages", data, len, &e);
	free(data);
	if (v == NULL)
		return node_client_fail(&o, &e);
	if (o.json)
		cli_print(v);
	else
		puts(value_get_text(v, "item_hash"));
	return 0;
}

/* What a node answers to GET: printed as it is, or by a function. */
static int
list(const struct cli_command *command, const char *path, int argc, char **argv,
    int nargs, void (*print)(const struct value *))
{
	value_auto struct value *v = NULL;
	struct node_client o = { NULL };
	struct err e;

	if (node_client_parse(&o, argc, argv) == -1 || argc - optind != nargs ||
	    (nargs == 1 && strcmp(argv[optind], "ls") != 0))
		return cli_usage(command);
	v = node_client_ask(&o, "GET", path, NULL, 0, &e);
	if (v == NULL)
		return node_client_fail(&o, &e);
	if (o.json)
		cli_print(v);
	else
		print(v);
	return 0;
}

static void
print_runs(const struct value *v)
{
	printf("%-10s  %-9s  %-10s  %s\n", "RUN", "STATE", "TRIGGER",
	    "FUNCTION");
	for (size_t i = 0; i < v->len; i++) {
		node_client_print(v->item[i], "run", 12);
		node_client_print(v->item[i], "state", 11);
		node_client_print(v->item[i], "trigger", 12);
		node_client_print(v->item[i], "item_hash", 0);
		putchar('\n');
	}
}

static int
ps(int argc, char **argv)
{
	return list(&cmd_ps_command, "/control/runs", argc, argv, 0,
	    print_runs);
}

/* Of one function or run, which the path names between two parts of it. */
static int
one(const struct cli_command *command, const char *method, const char *before,
    const char *after, int argc, char **argv, bool print)
{
	value_auto struct value *v = NULL;
	struct node_client o = { NULL };
	struct err e;
	char *path;

	if (node_client_parse(&o, argc, argv) == -1 || argc - optind != 1 ||
	    !route_is_call_id(argv[optind]))
		return cli_usage(command);
	path = str_printf("/control/%s/%s%s", before, argv[optind], after);
	v = node_client_ask(&o, method, path, "", 0, &e);
	free(path);
	if (v == NULL)
		return node_client_fail(&o, &e);
	if (o.json || print)
		cli_print(v);
	return 0;
}

static int
stop(int argc, char **argv)
{
	return one(&cmd_stop_command, "POST", "runs", "/stop", argc, argv,
	    false);
}

/* There is no short form of everything. */
static int
inspect(int argc, char **argv)
{
	return one(&cmd_inspect_command, "GET", "inspect", "", argc, argv,
	    true);
}

static void
print_cron(const struct value *v)
{
	const struct value *next;

	for (size_t i = 0; i < v->len; i++) {
		node_client_print(v->item[i], "item_hash", 0);
		printf("  ");
		node_client_print(v->item[i], "cron", 0);
		printf("  (UTC, %lld s later)\n",
		    (long long)value_get_int(v->item[i], "delay_s", 0));
		next = value_get(v->item[i], "next");
		for (size_t k = 0; next != NULL && k < next->len; k++)
			printf("    %s\n", next->item[k]->text);
	}
}

static int
cron(int argc, char **argv)
{
	return list(&cmd_cron_command, "/control/cron", argc, argv, 1,
	    print_cron);
}

static void
print_jobs(const struct value *v)
{
	printf("%-8s %-8s %-8s %-24s  %s\n", "JOB", "KIND", "STATE", "CREATED",
	    "FUNCTION");
	for (size_t i = 0; i < v->len; i++) {
		printf("%-8lld ",
		    (long long)value_get_int(v->item[i], "job", 0));
		node_client_print(v->item[i], "kind", 9);
		node_client_print(v->item[i], "state", 9);
		node_client_print(v->item[i], "created", 26);
		node_client_print(v->item[i], "item_hash", 0);
		if (value_get_text(v->item[i], "error") != NULL) {
			printf("  ");
			node_client_print(v->item[i], "error", 0);
		}
		putchar('\n');
	}
}

static int
jobs(int argc, char **argv)
{
	return list(&cmd_jobs_command, "/control/jobs", argc, argv, 0,
	    print_jobs);
}

const struct cli_command cmd_publish_command = { "publish",
	"[--control PATH] [--store DIR] [--json] MESSAGE",
	"publish a message on a node", publish };
const struct cli_command cmd_ps_command = { "ps",
	"[--control PATH] [--store DIR] [--json]", "what a node runs now", ps };
const struct cli_command cmd_cron_command = { "cron",
	"ls [--control PATH] [--store DIR] [--json]",
	"functions that a clock calls, and when", cron };
const struct cli_command cmd_jobs_command = { "jobs",
	"[--control PATH] [--store DIR] [--json]",
	"calls that nobody waits for, and what came of them", jobs };
const struct cli_command cmd_inspect_command = { "inspect",
	"[--control PATH] [--store DIR] HASH | RUN",
	"all that a node knows of a function, or of a run", inspect };

const struct cli_command cmd_stop_command = { "stop",
	"[--control PATH] [--store DIR] [--json] RUN", "end a run of a node",
	stop };
