/* cella key: who may call a function of a node. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/item_hash.h"
#include "messages/value.h"
#include "runtime/cli.h"
#include "runtime/node_client.h"
#include "runtime/route.h"

struct options {
	struct node_client node;
	const char *name, *rate;
};

static int
parse(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "control", required_argument, NULL, 'c' },
		{ "store", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "name", required_argument, NULL, 'n' },
		{ "rate", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'c':
			o->node.control = optarg;
			break;
		case 's':
			o->node.store = optarg;
			break;
		case 'j':
			o->node.json = true;
			break;
		case 'n':
			o->name = optarg;
			break;
		case 'r':
			o->rate = optarg;
			break;
		default:
			return -1;
		}
	return 0;
}

static bool
is_number(const char *text)
{
	return text[0] != '\0' && strlen(text) < 7 &&
	    strspn(text, "0123456789") == strlen(text);
}

static void
print_keys(const struct value *v)
{
	printf("%-6s %-8s %-8s %-20s  %s\n", "KEY", "STATE", "RATE", "NAME",
	    "FUNCTION");
	for (size_t i = 0; i < v->len; i++) {
		printf("%-6lld ",
		    (long long)value_get_int(v->item[i], "key", 0));
		node_client_print(v->item[i], "state", 9);
		printf("%-8lld ",
		    (long long)value_get_int(v->item[i], "rate", 0));
		node_client_print(v->item[i], "name", 22);
		node_client_print(v->item[i], "item_hash", 0);
		putchar('\n');
	}
}

/* The key itself is told once, and by nobody again. */
static void
print_one(const struct value *v)
{
	const char *secret = value_get_text(v, "secret");

	if (secret != NULL)
		printf("%s\n", secret);
}

static int
ask(struct options *o, const char *method, const char *path,
    void (*print)(const struct value *))
{
	value_auto struct value *v = NULL;
	struct err e;

	v = node_client_ask(&o->node, method, path, "", 0, &e);
	if (v == NULL)
		return node_client_fail(&o->node, &e);
	if (o->node.json)
		cli_print(v);
	else
		print(v);
	return 0;
}

static char *
path_of(const struct options *o, const char *verb, const char *what)
{
	if (strcmp(verb, "add") == 0)
		return str_printf("/control/keys/%s?name=%s&rate=%s", what,
		    o->name == NULL ? "-" : o->name,
		    o->rate == NULL ? "0" : o->rate);
	return str_printf("/control/keys/%s/%s", what, verb);
}

static int
run(int argc, char **argv)
{
	struct options o = { .name = NULL };
	const char *verb;
	char *path;
	int r;

	if (parse(&o, argc, argv) == -1 || optind >= argc)
		return cli_usage(&cmd_key_command);
	verb = argv[optind++];
	if (strcmp(verb, "ls") == 0 && optind == argc)
		return ask(&o, "GET", "/control/keys", print_keys);
	if (optind + 1 != argc ||
	    (o.name != NULL && !route_is_call_id(o.name)) ||
	    (o.rate != NULL && !is_number(o.rate)))
		return cli_usage(&cmd_key_command);
	if (strcmp(verb, "revoke") == 0
		? !is_number(argv[optind])
		: (strcmp(verb, "add") != 0 && strcmp(verb, "open") != 0) ||
		    item_hash_kind(argv[optind]) == ITEM_HASH_NONE)
		return cli_usage(&cmd_key_command);
	path = path_of(&o, verb, argv[optind]);
	r = ask(&o, "POST", path, print_one);
	free(path);
	return r;
}

const struct cli_command cmd_key_command = { "key",
	"add HASH [--name NAME] [--rate CALLS-A-MINUTE] | ls | revoke KEY | "
	"open HASH   [--control PATH] [--store DIR] [--json]",
	"who may call a function of a node", run };
