/* cella session: machines with state, and what they are known by. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/merkle_json.h"
#include "messages/value.h"
#include "runtime/cli.h"

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

static int
run(int argc, char **argv)
{
	static const struct option names[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (c == 'j')
			json = true;
		else
			return cli_usage(&cmd_session_command);
	if (argc - optind != 2 || strcmp(argv[optind], "proof-check") != 0)
		return cli_usage(&cmd_session_command);
	return proof_check(argv[optind + 1], json);
}

const struct cli_command cmd_session_command = { "session",
	"proof-check [--json] FILE", "machines with state: their proofs", run };
