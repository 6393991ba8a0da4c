#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/amount.h"
#include "policy/ceiling.h"
#include "messages/aleph.h"
#include "runtime/cli.h"
#include "runtime/run_options.h"

static int
parse_timeout(const char *text, uint64_t *ns)
{
	char with_unit[40];

	/* Plain digits are seconds. */
	snprintf(with_unit, sizeof(with_unit), "%.30s%s", text,
	    strspn(text, "0123456789") == strlen(text) ? "s" : "");
	if (amount_parse(GRANT_WALL, with_unit, ns) && *ns > 0)
		return 0;
	fprintf(stderr, "cella: --timeout %s: not a time such as 5s\n", text);
	return -1;
}

static int
add_extra(const char *list[], size_t *n, const char *text, const char *option)
{
	if (*n == ASSEMBLE_ARGS_MAX) {
		fprintf(stderr, "cella: %s: more than %d\n", option,
		    ASSEMBLE_ARGS_MAX);
		return -1;
	}
	list[(*n)++] = text;
	return 0;
}

static int
take_option(struct run_options *o, int c, const char *arg)
{
	switch (c) {
	case 'i':
		o->input = arg;
		return 0;
	case 'r':
		o->request = arg;
		return 0;
	case 'p':
		o->policy = arg;
		return 0;
	case 's':
		o->store = arg;
		return 0;
	case 'R':
		o->result = arg;
		return 0;
	case 'x':
		o->export = arg;
		return 0;
	case 'S':
		o->extra.shell = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case 't':
		o->wish.tier = grant_tier_find(arg);
		if (o->wish.tier != -1)
			return 0;
		fprintf(stderr,
		    "cella: --tier %s: none of strict, standard, networked\n",
		    arg);
		return -1;
	case 'd':
		o->dialect = aleph_dialect_find(arg);
		if (o->dialect != -1)
			return 0;
		fprintf(stderr, "cella: --dialect %s: no such dialect\n", arg);
		return -1;
	case 'T':
		return parse_timeout(arg, &o->wish.wall_ns);
	case 'a':
		return add_extra(o->extra.arg, &o->extra.nargs, arg, "--arg");
	case 'e':
		if (strchr(arg, '=') == NULL || arg[0] == '=') {
			fprintf(stderr, "cella: --env %s: not NAME=value\n",
			    arg);
			return -1;
		}
		return add_extra(o->extra.env, &o->extra.nenv, arg, "--env");
	default:
		cli_usage(&cmd_run_command);
		return -1;
	}
}

int
run_options_parse(struct run_options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "input", required_argument, NULL, 'i' },
		{ "request", required_argument, NULL, 'r' },
		{ "policy", required_argument, NULL, 'p' },
		{ "store", required_argument, NULL, 's' },
		{ "result", required_argument, NULL, 'R' },
		{ "export", required_argument, NULL, 'x' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "tier", required_argument, NULL, 't' },
		{ "dialect", required_argument, NULL, 'd' },
		{ "timeout", required_argument, NULL, 'T' },
		{ "shell", no_argument, NULL, 'S' },
		{ "arg", required_argument, NULL, 'a' },
		{ "env", required_argument, NULL, 'e' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	memset(o, 0, sizeof(*o));
	o->dialect = o->wish.tier = -1;

	while ((c = getopt_long(argc, argv, "v", names, NULL)) != -1)
		if (take_option(o, c, optarg) == -1)
			return -1;
	if (optind != argc - 1) {
		cli_usage(&cmd_run_command);
		return -1;
	}
	if (o->extra.shell &&
	    (o->extra.nargs > 0 || o->request != NULL || o->json)) {
		fprintf(stderr,
		    "cella: --shell: not with --arg, --request or --json\n");
		return -1;
	}
	o->extra.prompts = o->input == NULL && isatty(STDIN_FILENO) == 1;
	o->message = argv[optind];
	return 0;
}
