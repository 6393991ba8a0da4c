#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/cli.h"
#include "runtime/control_client.h"
#include "runtime/node_client.h"
#include "runtime/spawn.h"

static int
parse(struct node_client *o, int argc, char **argv, const char *order)
{
	static const struct option options[] = {
		{ "control", required_argument, NULL, 'c' },
		{ "store", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, order, options, NULL)) != -1)
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

int
node_client_parse(struct node_client *o, int argc, char **argv)
{
	return parse(o, argc, argv, "");
}

int
node_client_parse_first(struct node_client *o, int argc, char **argv)
{
	return parse(o, argc, argv, "+");
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

int
node_client_refusal(const struct buf *b, int status, struct err *e)
{
	value_auto struct value *v = NULL;
	struct err ignored; /* whatever it was, it is no word of the node's */

	v = b->len == b->at
	    ? NULL
	    : json_parse(b->data + b->at, b->len - b->at, &ignored);
	return take_refusal(v, status, false, e);
}

struct value *
node_client_ask(struct node_client *o, const char *method, const char *path,
    const void *body, size_t len, struct err *e)
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

int
node_client_fail(const struct node_client *o, const struct err *e)
{
	/* The node's own words are printed already. */
	if (!o->json || !o->refused)
		cli_error(e, o->json);
	return 1;
}

void
node_client_print(const struct value *v, const char *key, int width)
{
	const char *text = value_get_text(v, key);
	char *safe = str_printable(text == NULL ? "-" : text,
	    text == NULL ? 1 : strlen(text), 256);

	printf("%-*s", width, safe);
	free(safe);
}
