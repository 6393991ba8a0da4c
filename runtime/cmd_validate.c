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
#include "runtime/spawn.h"

static const char *
hash_verdict(const struct aleph_envelope *n, const struct problems *p)
{
	if (!n->present)
		return "none";
	if (n->hash_good)
		return "good";
	return problems_has(p, "item_hash:missing") ? "missing"
	    : n->computed[0] == '\0'                ? "unchecked"
						    : "bad";
}

static struct value *
report(const struct aleph_program *p, const struct aleph_envelope *n,
    const struct problems *problems, bool good)
{
	struct value *v = value_new(VALUE_MAP);

	value_set_bool(v, "valid", good);
	value_set_text(v, "type", n->present ? n->type : "none");
	value_set_bool(v, "program", n->is_program);
	value_set_text(v, "item_hash", hash_verdict(n, problems));
	value_set_text(v, "signature", signature_verdict_name(n->signature));
	if (n->signature != SIGNATURE_GOOD)
		value_set_text(v, "signature_why", n->why);
	if (n->is_program) {
		value_set_text(v, "dialect", aleph_dialect_name(p->dialect));
		value_set_text(v, "hash", p->id);
		value_set_bool(v, "unverified", p->unverified);
		if (p->code.entrypoint != NULL)
			value_set_text(v, "interface",
			    aleph_interface_name(p->code.interface));
		value_set(v, "not_enforced", value_copy(p->not_enforced));
		value_set(v, "not_granted", value_copy(p->not_granted));
	}
	value_set(v, "problems", cli_problem_list(problems));
	return v;
}

static void
print_list(const char *label, const struct value *list)
{
	if (list->len == 0)
		return;
	printf("%s:", label);
	for (size_t i = 0; i < list->len; i++)
		printf("%s %s", i == 0 ? "" : ",", list->item[i]->text);
	putchar('\n');
}

/* What this node would refuse to run is a warning here. */
static void
print_warnings(const struct aleph_program *p)
{
	if (p->code.address != NULL || p->runtime.address != NULL ||
	    p->data.address != NULL)
		puts("warning: it refers to code by its publisher, and a run "
		     "is refused");
	for (size_t i = 0; i < p->nvolumes; i++) {
		if (p->volume[i].store)
			printf("warning: volumes[%zu].persistence: store is "
			       "refused at a run\n",
			    i);
		if (p->volume[i].mount == NULL)
			printf("warning: volumes[%zu] has no mount, and is "
			       "refused at a run\n",
			    i);
	}
}

static void
print_human(const struct aleph_program *p, const struct aleph_envelope *n,
    const struct problems *problems, bool good, const char *file)
{
	if (n->present) {
		printf("type: %s\n", n->type == NULL ? "unknown" : n->type);
		printf("item_hash: %s\n", hash_verdict(n, problems));
		printf("signature: %s%s%s\n",
		    signature_verdict_name(n->signature),
		    n->signature == SIGNATURE_GOOD ? "" : ": ",
		    n->signature == SIGNATURE_GOOD ? "" : n->why);
	}
	if (n->is_program) {
		printf("dialect: %s\n", aleph_dialect_name(p->dialect));
		printf("hash: %s%s\n", p->id,
		    p->unverified ? " (unverified)" : "");
		if (p->code.entrypoint != NULL)
			printf("interface: %s\n",
			    aleph_interface_name(p->code.interface));
		print_list("not enforced", p->not_enforced);
		print_list("not granted", p->not_granted);
		print_warnings(p);
	}
	fflush(stdout);
	cli_problems(problems, file);
	if (n->present && !n->is_program)
		fprintf(stderr, "%s: not a PROGRAM\n", file);
	if (good)
		puts("valid");
}

static int
validate(const char *path, int dialect, bool json)
{
	static struct aleph_program p;
	static struct problems problems;
	struct aleph_envelope n;
	fd_auto int fd = -1;
	struct value *root;
	struct err e;
	char *data = NULL;
	size_t len;
	bool good;

	fd = cli_open(path, &e);
	/* Parsing needs no privilege, so there is none. */
	if (fd == -1 || spawn_drop_for_good(&e) == -1) {
		cli_error(&e, json);
		return 1;
	}
	if (fd_read_all(fd, ALEPH_SIZE_MAX, &data, &len, &e) == -1) {
		err_in(&e, "%s", path);
		cli_error(&e, json);
		return 1;
	}
	root = cli_parse(path, data, len, &e);
	if (root == NULL) {
		free(data);
		cli_error(&e, json);
		return 1;
	}
	good = aleph_read(&p, &n, root, data, len, dialect, &problems) == 0;
	/* A bad signature is somebody else's message. */
	good = good && n.signature != SIGNATURE_BAD;
	if (json) {
		value_auto struct value *v = report(&p, &n, &problems, good);

		cli_print(v);
	} else {
		print_human(&p, &n, &problems, good, path);
	}
	aleph_fini(&p);
	problems_fini(&problems);
	free(data);
	return good ? 0 : 1;
}

static int
run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dialect", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c, dialect = -1;
	bool json = false;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'd':
			dialect = aleph_dialect_find(optarg);
			if (dialect == -1) {
				fprintf(stderr,
				    "cella: --dialect %s: none of proposal-1, "
				    "proposal-2, accepted, local\n",
				    optarg);
				return CLI_USAGE;
			}
			break;
		case 'j':
			json = true;
			break;
		default:
			return cli_usage(&cmd_validate_command);
		}
	if (optind != argc - 1)
		return cli_usage(&cmd_validate_command);
	return validate(argv[optind], dialect, json);
}

const struct cli_command cmd_validate_command = { "validate",
	"[--dialect NAME] [--json] MESSAGE", "judge a message by itself", run };
