/* cella session: machines with state, and what they are known by. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/merkle_json.h"
#include "messages/value.h"
#include "runtime/cli.h"
#include "runtime/cmd_session_call.h"
#include "runtime/node_session.h"

#define FILE_MAX ((size_t)1 << 30)

static void
print_good(size_t proofs, bool json)
{
	value_auto struct value *v = NULL;

	if (!json) {
		printf("good: %zu proof%s\n", proofs, proofs == 1 ? "" : "s");
		return;
	}
	v = value_new(VALUE_MAP);
	value_set_int(v, "proofs", (int64_t)proofs);
	cli_print(v);
}

static int
proof_check(const char *path, bool json)
{
	value_auto struct value *v = NULL;
	size_t proofs;
	struct err e;

	v = cli_read_json(path, FILE_MAX, json_parse_own, &e);
	if (v != NULL && merkle_json_check(v, &proofs, &e) == -1) {
		err_in(&e, "%s", path);
		cli_error(&e, json);
		return e.code == ERR_DENIED ? 1 : CLI_FAILED;
	}
	if (v != NULL && proofs == 0)
		err_set(&e, ERR_INVALID, "%s: there is no proof in it", path);
	if (v == NULL || proofs == 0) {
		cli_error(&e, json);
		return CLI_FAILED;
	}
	print_good(proofs, json);
	return 0;
}

/* ---- what is typed ---- */

enum { OPTION_WAIT = 1, OPTION_JSON, OPTION_NUMBERS };

static struct cmd_session_call typed = { .nargs = 0 };

/* In the order of their options, from OPTION_NUMBERS on. */
static uint64_t *const numbers[] = { &typed.epoch, &typed.index, &typed.block,
	&typed.time, &typed.max_cycles, &typed.cycles_increment,
	&typed.deadline_ms, &typed.increment_ms, &typed.checkin_ms };

static const struct option names[] = {
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "wait", no_argument, NULL, OPTION_WAIT },
	{ "grpc", required_argument, NULL, 'g' },
	{ "sender", required_argument, NULL, 's' },
	{ "store", required_argument, NULL, 'd' },
	{ "epoch", required_argument, NULL, OPTION_NUMBERS },
	{ "index", required_argument, NULL, OPTION_NUMBERS + 1 },
	{ "block", required_argument, NULL, OPTION_NUMBERS + 2 },
	{ "time", required_argument, NULL, OPTION_NUMBERS + 3 },
	{ "max-cycles", required_argument, NULL, OPTION_NUMBERS + 4 },
	{ "cycles-increment", required_argument, NULL, OPTION_NUMBERS + 5 },
	{ "deadline", required_argument, NULL, OPTION_NUMBERS + 6 },
	{ "increment-deadline", required_argument, NULL, OPTION_NUMBERS + 7 },
	{ "checkin", required_argument, NULL, OPTION_NUMBERS + 8 },
	{ NULL, 0, NULL, 0 },
};

static bool
take_number(uint64_t *to, const char *text)
{
	char *end;

	errno = 0;
	*to = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool
take_option(int c)
{
	switch (c) {
	case OPTION_JSON:
		typed.json = true;
		return true;
	case OPTION_WAIT:
		typed.wait = true;
		return true;
	case 'g':
		typed.grpc = optarg;
		return true;
	case 's':
		typed.sender = optarg;
		return true;
	case 'd':
		typed.store = optarg;
		return true;
	default:
		return c >= OPTION_NUMBERS &&
		    (size_t)(c - OPTION_NUMBERS) < nitems(numbers) &&
		    take_number(numbers[c - OPTION_NUMBERS], optarg);
	}
}

/* While we are who may read them. */
static int
open_files(const struct cmd_session_verb *verb, struct err *e)
{
	static const char *const input[] = { "-" };

	if (!verb->files)
		return 0;
	if (typed.nargs == 0) {
		typed.arg = input;
		typed.nargs = 1;
	}
	typed.file = calloc((size_t)typed.nargs, sizeof(int));
	invariant(typed.file != NULL);
	for (int i = 0; i < typed.nargs; i++)
		typed.file[i] = -1;
	for (int i = 0; i < typed.nargs; i++)
		if ((typed.file[i] = cli_open(typed.arg[i], e)) == -1)
			return -1;
	return 0;
}

static int
ask(const struct cmd_session_verb *verb, int nargs, char **args)
{
	struct err e;
	int r;

	if (nargs < verb->least || (verb->most != -1 && nargs > verb->most))
		return cli_usage(&cmd_session_command);
	typed.id = nargs > 0 ? args[0] : "";
	typed.arg = (const char *const *)args + (nargs > 0);
	typed.nargs = nargs > 0 ? nargs - 1 : 0;
	if (open_files(verb, &e) == -1 ||
	    (typed.client = node_session_open(typed.grpc, &e)) == NULL) {
		cli_error(&e, typed.json);
		r = CLI_FAILED;
	} else {
		r = verb->run(&typed);
		node_session_close(typed.client);
	}
	for (int i = 0; typed.file != NULL && i < typed.nargs; i++)
		fd_close(&typed.file[i]);
	free(typed.file);
	return r;
}

static int
run(int argc, char **argv)
{
	const struct cmd_session_verb *verb;
	int c;

	for (size_t i = 0; i < nitems(numbers); i++)
		*numbers[i] = UINT64_MAX;
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (!take_option(c))
			return cli_usage(&cmd_session_command);
	if (argc - optind == 2 && strcmp(argv[optind], "proof-check") == 0)
		return proof_check(argv[optind + 1], typed.json);
	verb = argc > optind ? cmd_session_call_find(argv[optind]) : NULL;
	return verb == NULL ? cli_usage(&cmd_session_command)
			    : ask(verb, argc - optind - 1, argv + optind + 1);
}

const struct cli_command cmd_session_command = { "session",
	"start|advance|inspect|status|epoch|finish|end|ls|proof-check [OPTION...] "
	"[ID] [FILE...]",
	"machines with state: their inputs, and their proofs", run };
