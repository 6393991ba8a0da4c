#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "runtime/cli.h"
#include "runtime/policy_file.h"
#include "runtime/policy_open.h"
#include "runtime/spawn.h"

struct options {
	const char *policy, *message, *syscall;
	int tier;
	bool json;
};

static struct aleph_program program;
static struct problems problems;

/* Without a message: what the tier gives to one that asks for nothing. */
static int
read_program(const struct options *o, int fd, struct err *e)
{
	struct aleph_envelope n;
	struct value *root;
	char *data;
	size_t len;
	int r;

	if (fd == -1)
		return 0;
	if (fd_read_all(fd, ALEPH_SIZE_MAX, &data, &len, e) == -1)
		return err_in(e, "%s", o->message);
	root = cli_parse(o->message, data, len, e);
	if (root == NULL) {
		free(data);
		return -1;
	}
	r = aleph_read(&program, &n, root, data, len, -1, &problems);
	free(data);
	if (r == -1) {
		cli_problems(&problems, o->message);
		return err_set(e, ERR_INVALID, "%s: not a message that can run",
		    o->message);
	}
	return 0;
}

static int
decide_it(const struct options *o, int message, int policy, struct decision *d,
    struct ceiling *c, struct err *e)
{
	const struct decide_wish wish = { .tier = o->tier };

	if (policy_file_read(policy, o->policy, c, &problems, e) == -1) {
		cli_problems(&problems, o->policy);
		return -1;
	}
	if (read_program(o, message, e) == -1)
		return -1;
	if (message != -1)
		return decide(&program, c, &wish, d, e);
	d->tier = o->tier >= 0 ? (enum grant_tier)o->tier : c->tier;
	d->grant = d->tier == c->tier
	    ? c->grant
	    : grant_meet(&c->grant, grant_of_tier(d->tier));
	for (size_t i = 0; i < GRANT_LIMITS; i++)
		d->origin[i] = (c->set & UINT64_C(1) << i) != 0 ? DECIDE_ADMIN
								: DECIDE_TIER;
	return 0;
}

static void
print_calls(const struct value *calls, const char *only)
{
	for (size_t i = 0; i < calls->len; i++) {
		const struct value *one = calls->item[i];
		const struct value *rules = value_get(one, "rules");

		if (only != NULL && strcmp(only, calls->key[i]) != 0)
			continue;
		for (size_t k = 0; rules != NULL && k < rules->len; k++)
			printf("%-28s %s\n", calls->key[i],
			    rules->item[k]->text);
		printf("%-28s %s%s\n", calls->key[i],
		    rules != NULL ? "otherwise: " : "",
		    value_get_text(one, "verdict"));
	}
}

/* Where to, and which names; nothing where there is no way out. */
static void
print_egress(const struct value *doc)
{
	const struct value *list = value_get(doc, "egress"), *names;

	for (size_t i = 0; list != NULL && i < list->len; i++)
		printf("reaches  %s %s ports %" PRId64 "-%" PRId64 "\n",
		    value_get_text(list->item[i], "proto"),
		    value_get_text(list->item[i], "cidr"),
		    value_get_int(list->item[i], "first", 0),
		    value_get_int(list->item[i], "last", 0));
	names = value_get(value_get(doc, "dns"), "names");
	for (size_t i = 0; names != NULL && i < names->len; i++)
		printf("names    %s\n", names->item[i]->text);
}

static void
print_human(const struct value *doc, const struct options *o)
{
	const struct value *limits = value_get(doc, "limits");
	const struct value *groups = value_get(doc, "groups");
	const struct value *calls =
	    value_get(value_get(doc, "seccomp"), "calls");

	if (o->syscall != NULL) {
		print_calls(calls, o->syscall);
		return;
	}
	printf("tier     %s\nnetwork  %s\n", value_get_text(doc, "tier"),
	    value_get_text(doc, "net"));
	print_egress(doc);
	printf("W^X      %s\ndigest   %s\ngroups  ",
	    value_get_bool(doc, "wx", false) ? "allow" : "deny",
	    value_get_text(doc, "digest"));
	for (size_t i = 0; i < groups->len; i++)
		printf(" %s", groups->item[i]->text);
	printf("\n\n%-14s %20s %-8s %s\n", "limit", "value", "unit", "from");
	for (size_t i = 0; i < limits->len; i++)
		printf("%-14s %20" PRId64 " %-8s %s\n", limits->key[i],
		    value_get_int(limits->item[i], "value", 0),
		    value_get_text(limits->item[i], "unit"),
		    value_get_text(limits->item[i], "from"));
	putchar('\n');
	print_calls(calls, NULL);
}

static int
explain(const struct options *o, struct err *e)
{
	fd_auto int message = -1, policy = -1;
	value_auto struct value *doc = NULL;
	struct decision d;
	struct ceiling c;

	if (o->message != NULL && (message = cli_open(o->message, e)) == -1)
		return -1;
	if (o->policy != NULL && (policy = policy_open(o->policy, e)) == -1)
		return -1;
	if (spawn_drop_for_good(e) == -1 ||
	    decide_it(o, message, policy, &d, &c, e) == -1)
		return -1;
	doc = explain_document(&d, &c, e);
	if (doc == NULL)
		return -1;
	if (o->syscall != NULL &&
	    value_get(value_get(value_get(doc, "seccomp"), "calls"),
		o->syscall) == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s: no such system call",
		    o->syscall);
	if (o->json)
		cli_print(doc);
	else
		print_human(doc, o);
	return 0;
}

static int
groups(const struct options *o, struct err *e)
{
	value_auto struct value *v = explain_groups();

	(void)e;
	if (o->json) {
		cli_print(v);
		return 0;
	}
	for (size_t i = 0; i < v->len; i++) {
		printf("%s\n", v->key[i]);
		for (size_t k = 0; k < v->item[i]->len; k++)
			printf("\t%s\n", v->item[i]->item[k]->text);
	}
	return 0;
}

static int
run(int argc, char **argv)
{
	static const struct option names[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "message", required_argument, NULL, 'm' },
		{ "syscall", required_argument, NULL, 's' },
		{ "tier", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .tier = -1 };
	struct err e;
	int c, r;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (c) {
		case 'p':
			o.policy = optarg;
			break;
		case 'm':
			o.message = optarg;
			break;
		case 's':
			o.syscall = optarg;
			break;
		case 't':
			o.tier = grant_tier_find(optarg);
			if (o.tier == -1)
				return cli_usage(&cmd_policy_command);
			break;
		case 'j':
			o.json = true;
			break;
		default:
			return cli_usage(&cmd_policy_command);
		}
	if (optind != argc - 1)
		return cli_usage(&cmd_policy_command);
	if (strcmp(argv[optind], "explain") == 0)
		r = explain(&o, &e);
	else if (strcmp(argv[optind], "groups") == 0)
		r = groups(&o, &e);
	else
		return cli_usage(&cmd_policy_command);
	if (r == -1)
		cli_error(&e, o.json);
	return r == -1 ? 1 : 0;
}

const struct cli_command cmd_policy_command = { "policy",
	"explain [--message FILE] [--policy FILE] [--tier TIER] "
	"[--syscall NAME] [--json] | groups [--json]",
	"what a machine may do", run };
