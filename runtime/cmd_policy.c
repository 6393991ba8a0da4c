#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/grant.h"
#include "runtime/cli.h"
#include "runtime/cmd_policy.h"
#include "policy/path_query.h"

static const struct verb {
	const char *name;
	size_t noperands;
	int failed; /* exit status of one that could not be done */
	int (*run)(const struct cmd_policy *, struct err *);
} verbs[] = {
	{ "explain", 0, 1, cmd_policy_explain },
	{ "groups", 0, 1, cmd_policy_groups },
	{ "score", 0, 1, cmd_policy_score },
	{ "lint", 1, CLI_FAILED, cmd_policy_lint },
	{ "diff", 2, CLI_FAILED, cmd_policy_diff },
};

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; name != NULL && i < nitems(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static bool
read_threshold(const char *text, unsigned *to)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*to = (unsigned)n;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && n <= 100;
}

static bool
read_access(const char *text, unsigned *to)
{
	static const char letters[] = "rwx";
	const char *at;

	*to = 0;
	for (; *text != '\0'; text++) {
		at = strchr(letters, *text);
		if (at == NULL)
			return false;
		*to |= 1U << (at - letters);
	}
	return *to != 0;
}

static bool
take_option(struct cmd_policy *o, int c)
{
	switch (c) {
	case 'p':
		o->policy = optarg;
		break;
	case 'm':
		o->message = optarg;
		break;
	case 's':
		o->syscall = optarg;
		break;
	case 'c':
		o->connect = optarg;
		break;
	case 'f':
		o->filter = true;
		break;
	case 'P':
		o->path = optarg;
		break;
	case 'a':
		return read_access(optarg, &o->access);
	case 't':
		o->tier = grant_tier_find(optarg);
		return o->tier != -1;
	case 'j':
		o->json = true;
		break;
	case 'n':
		o->has_threshold = true;
		return read_threshold(optarg, &o->threshold);
	case 'w':
		o->fail_if_wider = true;
		break;
	default:
		return false;
	}
	return true;
}

static int
run(int argc, char **argv)
{
	static const struct option names[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "message", required_argument, NULL, 'm' },
		{ "syscall", required_argument, NULL, 's' },
		{ "connect", required_argument, NULL, 'c' },
		{ "filter", no_argument, NULL, 'f' },
		{ "path", required_argument, NULL, 'P' },
		{ "access", required_argument, NULL, 'a' },
		{ "tier", required_argument, NULL, 't' },
		{ "threshold", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "fail-if-wider", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	struct cmd_policy o = { .tier = -1, .access = PATH_QUERY_READ };
	const struct verb *v;
	struct err e;
	int c, r;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (!take_option(&o, c))
			return cli_usage(&cmd_policy_command);
	v = find_verb(argv[optind]);
	if (v == NULL || (size_t)(argc - optind - 1) != v->noperands)
		return cli_usage(&cmd_policy_command);
	for (size_t i = 0; i < v->noperands; i++)
		o.operand[o.noperands++] = argv[optind + 1 + (int)i];
	r = v->run(&o, &e);
	if (r == -1)
		cli_error(&e, o.json);
	return r == -1 ? v->failed : r;
}

const struct cli_command cmd_policy_command = { "policy",
	"explain [--message FILE] [--policy FILE] [--tier TIER] "
	"[--syscall NAME[(ARGS)] | --connect ADDRESS:PORT[/udp] | "
	"--path PATH [--access rwx] | --filter] [--json] | groups [--json] | "
	"score [--message FILE] [--policy FILE] [--tier TIER] [--threshold N] "
	"[--json] | lint [--json] FILE | diff [--message FILE] [--tier TIER] [--fail-if-wider] "
	"[--json] A B",
	"what a machine may do", run };
