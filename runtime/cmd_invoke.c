/* cella invoke: calls a function of a node, as HTTP would. */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/item_hash.h"
#include "messages/value.h"
#include "runtime/cli.h"
#include "runtime/control_client.h"
#include "runtime/exchange.h"
#include "runtime/spawn.h"

#define BODY_MAX (64 << 20)
#define KEY_MAX 128

struct options {
	const char *control, *store, *method, *input, *key;
	struct exchange_headers headers;
	bool json;
};

/* "NAME: TEXT", as curl takes them. */
static bool
add_header(struct options *o, const char *line)
{
	const char *colon = strchr(line, ':'), *text;

	if (colon == NULL || colon == line || strpbrk(line, "\r\n") != NULL)
		return false;
	text = colon + 1 + strspn(colon + 1, " \t");
	return exchange_headers_add(&o->headers, line, (size_t)(colon - line),
	    text, strlen(text));
}

static int
parse(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "control", required_argument, NULL, 'c' },
		{ "store", required_argument, NULL, 's' },
		{ "method", required_argument, NULL, 'm' },
		{ "input", required_argument, NULL, 'i' },
		{ "header", required_argument, NULL, 'h' },
		{ "key", required_argument, NULL, 'k' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	const char **texts[] = { ['c'] = &o->control,
		['s'] = &o->store,
		['m'] = &o->method,
		['i'] = &o->input,
		['k'] = &o->key };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (c == '?' || (c == 'h' && !add_header(o, optarg)))
			return -1;
		else if (c == 'j')
			o->json = true;
		else if (c != 'h')
			*texts[c] = optarg;
	return 0;
}

/* It stands in a file, and in no list of processes. */
static int
add_key(struct options *o, struct err *e)
{
	static const char name[] = "Cella-Key";
	fd_auto int fd = -1;
	char *text;
	size_t len;

	if (o->key == NULL)
		return 0;
	fd = cli_open(o->key, e);
	if (fd == -1 || fd_read_all(fd, KEY_MAX, &text, &len, e) == -1)
		return -1;
	text[strcspn(text, "\r\n")] = '\0';
	(void)exchange_headers_add(&o->headers, name, strlen(name), text,
	    strlen(text));
	free(text);
	return 0;
}

static int
read_body(const struct options *o, char **data, size_t *len, struct err *e)
{
	fd_auto int fd = -1;

	*data = NULL;
	*len = 0;
	if (o->input == NULL)
		return 0;
	fd = cli_open(o->input, e);
	if (fd == -1 || fd_read_all(fd, BODY_MAX, data, len, e) == -1)
		return err_in(e, "%s", o->input);
	return 0;
}

static void
print_json(const struct exchange *x)
{
	const struct buf *b = &x->body;
	value_auto struct value *v = value_new(VALUE_MAP);
	struct value *list = value_set_list(v, "headers"), *pair;
	char *text = str_printable(b->data == NULL ? "" : b->data + b->at,
	    b->len - b->at, 4 * (b->len - b->at) + 1);

	value_set_int(v, "status", x->status);
	for (size_t i = 0; i < x->headers.len; i++) {
		pair = value_add(list, value_new(VALUE_LIST));
		value_add_text(pair, x->headers.item[i].name);
		value_add_text(pair, x->headers.item[i].text);
	}
	value_set_text(v, "body_escaped", text);
	free(text);
	cli_print(v);
}

static int
print(const struct options *o, const struct exchange *x)
{
	const struct buf *b = &x->body;
	int to = x->status >= 400 && !o->json ? STDERR_FILENO : STDOUT_FILENO;

	if (o->json)
		print_json(x);
	else if (b->len > b->at &&
	    cli_write(to, b->data + b->at, b->len - b->at) == -1)
		return 1;
	if (x->status >= 400 && !o->json)
		fprintf(stderr, "%scella: status %d\n",
		    b->len > b->at && b->data[b->len - 1] != '\n' ? "\n" : "",
		    x->status);
	return x->status >= 400 ? 1 : 0;
}

/* HASH[/PATH][?QUERY] */
static bool
is_target(const char *text)
{
	size_t n = strcspn(text, "/?");
	char hash[ITEM_HASH_MAX];

	if (n >= sizeof(hash))
		return false;
	memcpy(hash, text, n);
	hash[n] = '\0';
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '#')
			return false;
	return item_hash_kind(hash) != ITEM_HASH_NONE;
}

static int
call(struct options *o, const char *target, struct err *e)
{
	struct exchange_request r = { .query = "", .headers = &o->headers };
	char *data = NULL, *path;
	struct exchange x;
	fd_auto int sock = -1;
	size_t len;
	int status = -1;

	if (add_key(o, e) == -1 || read_body(o, &data, &len, e) == -1)
		return -1;
	sock = control_client_open(o->control, o->store, e);
	if (sock == -1 || spawn_drop_for_good(e) == -1) {
		free(data);
		return -1;
	}
	path = str_printf("/vm/%s", target);
	r.path = path;
	r.length = (long long)len;
	r.method = o->method != NULL ? o->method
	    : o->input != NULL       ? "POST"
				     : "GET";
	if (control_client_exchange(sock, &r, data, len, &x, e) == 0)
		status = print(o, &x);
	exchange_fini(&x);
	free(path);
	free(data);
	return status;
}

static int
run(int argc, char **argv)
{
	static struct options o;
	struct err e;
	int r;

	if (parse(&o, argc, argv) == -1 || argc - optind != 1 ||
	    !is_target(argv[optind]) ||
	    (o.method != NULL && strpbrk(o.method, " \t\r\n") != NULL))
		return cli_usage(&cmd_invoke_command);
	signal(SIGPIPE, SIG_IGN);
	r = call(&o, argv[optind], &e);
	exchange_headers_fini(&o.headers);
	if (r == -1)
		cli_error(&e, o.json);
	return r == -1 ? 1 : r;
}

const struct cli_command cmd_invoke_command = { "invoke",
	"[--method M] [--input FILE] [--header 'NAME: TEXT']... [--key FILE] "
	"[--control PATH] [--store DIR] [--json] HASH[/PATH][?QUERY]",
	"call a function of a node", run };
