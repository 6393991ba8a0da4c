/* The commands that ask a node: publish, ps, stop, cron, jobs. */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/cli.h"
#include "runtime/control_client.h"
#include "runtime/route.h"
#include "runtime/spawn.h"

struct options {
	const char *control, *store;
	bool json;
	bool refused; /* by the node */
};

static int
parse(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "control", required_argument, NULL, 'c' },
		{ "store", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (c == 'c')
			o->control = optarg;
		else if (c == 's')
			o->store = optarg;
		else if (c == 'j')
			o->json = true;
		else
			return -1;
	return 0;
}

static void
print_problem(const struct value *p)
{
	const char *path = value_get_text(p, "path");
	const char *text = value_get_text(p, "message");
	char *line = str_printf("%s: %s", path == NULL ? "" : path,
	    text == NULL ? "" : text);
	char *safe = str_printable(line, strlen(line), 1024);

	fprintf(stderr, "message: %s\n", safe);
	free(safe);
	free(line);
}

/* A refusal comes back as the node's own words. */
static int
take_refusal(const struct value *v, int status, bool json, struct err *e)
{
	const struct value *x = value_get(v, "error");
	const struct value *problems = value_get(v, "problems");
	const char *message = value_get_text(x, "message");

	for (size_t i = 0; !json && problems != NULL && i < problems->len; i++)
		print_problem(problems->item[i]);
	return err_set(e, status >= 500 ? ERR_SYSTEM : ERR_DENIED, "%s",
	    message == NULL ? "the node refused and said nothing" : message);
}

/* The answer as a document, or NULL; root parses none. */
static struct value *
ask(struct options *o, const char *method, const char *path, const void *body,
    size_t len, struct err *e)
{
	fd_auto int sock = control_client_open(o->control, o->store, e);
	buf_auto struct buf reply = { 0 };
	struct value *v;
	int status;

	signal(SIGPIPE, SIG_IGN);
	if (sock == -1 || spawn_drop_for_good(e) == -1)
		return NULL;
	status = control_client_ask(sock, method, path, body, len, &reply, e);
	if (status == -1)
		return NULL;
	v = json_parse(buf_text(&reply), reply.len, e);
	if (v == NULL || status == 200)
		return v;
	take_refusal(v, status, o->json, e);
	o->refused = true;
	if (o->json)
		cli_print(v);
	value_free(v);
	return NULL;
}

static int
fail(const struct options *o, const struct err *e)
{
	/* The node's own words are printed already. */
	if (!o->json || !o->refused)
		cli_error(e, o->json);
	return 1;
}

static int
publish(int argc, char **argv)
{
	value_auto struct value *v = NULL;
	struct options o = { NULL };
	fd_auto int fd = -1;
	char *data = NULL;
	struct err e;
	size_t len;

	if (parse(&o, argc, argv) == -1 || argc - optind != 1)
		return cli_usage(&cmd_publish_command);
	fd = cli_open(argv[optind], &e);
	if (fd == -1)
		return fail(&o, &e);
	if (fd_read_all(fd, ALEPH_SIZE_MAX, &data, &len, &e) == -1) {
		err_in(&e, "%s", argv[optind]);
		return fail(&o, &e);
	}
	v = ask(&o, "POST", "/control/messages", data, len, &e);
	free(data);
	if (v == NULL)
		return fail(&o, &e);
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
	struct options o = { NULL };
	struct err e;

	if (parse(&o, argc, argv) == -1 || argc - optind != nargs ||
	    (nargs == 1 && strcmp(argv[optind], "ls") != 0))
		return cli_usage(command);
	v = ask(&o, "GET", path, NULL, 0, &e);
	if (v == NULL)
		return fail(&o, &e);
	if (o.json)
		cli_print(v);
	else
		print(v);
	return 0;
}

/* A message may have written it: the terminal obeys none of it. */
static void
print_cell(const struct value *v, const char *key, int width)
{
	const char *text = value_get_text(v, key);
	char *safe = str_printable(text == NULL ? "-" : text,
	    text == NULL ? 1 : strlen(text), 256);

	printf("%-*s", width, safe);
	free(safe);
}

static void
print_runs(const struct value *v)
{
	printf("%-10s  %-9s  %-8s  %s\n", "RUN", "STATE", "TRIGGER",
	    "FUNCTION");
	for (size_t i = 0; i < v->len; i++) {
		print_cell(v->item[i], "run", 12);
		print_cell(v->item[i], "state", 11);
		print_cell(v->item[i], "trigger", 10);
		print_cell(v->item[i], "item_hash", 0);
		putchar('\n');
	}
}

static int
ps(int argc, char **argv)
{
	return list(&cmd_ps_command, "/control/runs", argc, argv, 0,
	    print_runs);
}

static int
stop(int argc, char **argv)
{
	value_auto struct value *v = NULL;
	struct options o = { NULL };
	struct err e;
	char *path;

	if (parse(&o, argc, argv) == -1 || argc - optind != 1 ||
	    !route_is_call_id(argv[optind]))
		return cli_usage(&cmd_stop_command);
	path = str_printf("/control/runs/%s/stop", argv[optind]);
	v = ask(&o, "POST", path, "", 0, &e);
	free(path);
	if (v == NULL)
		return fail(&o, &e);
	if (o.json)
		cli_print(v);
	return 0;
}

static void
print_cron(const struct value *v)
{
	const struct value *next;

	for (size_t i = 0; i < v->len; i++) {
		print_cell(v->item[i], "item_hash", 0);
		printf("  ");
		print_cell(v->item[i], "cron", 0);
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
		print_cell(v->item[i], "kind", 9);
		print_cell(v->item[i], "state", 9);
		print_cell(v->item[i], "created", 26);
		print_cell(v->item[i], "item_hash", 0);
		if (value_get_text(v->item[i], "error") != NULL) {
			printf("  ");
			print_cell(v->item[i], "error", 0);
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
const struct cli_command cmd_stop_command = { "stop",
	"[--control PATH] [--store DIR] [--json] RUN", "end a run of a node",
	stop };
