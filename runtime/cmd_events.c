/* What a node does, as it does it: cella events. */
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "runtime/audit_follow.h"
#include "runtime/audit_open.h"
#include "runtime/audit_show.h"
#include "runtime/cli.h"

struct options {
	struct audit_show show;
	const char *store;
};

static int
parse(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "store", required_argument, NULL, 's' },
		{ "kind", required_argument, NULL, 'k' },
		{ "since", required_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (c) {
		case 's':
			o->store = optarg;
			break;
		case 'k':
			o->show.kind = optarg;
			break;
		case 'a':
			o->show.since = optarg;
			if (audit_open_time("--since", optarg) == -1)
				return -1;
			break;
		case 'j':
			o->show.json = true;
			break;
		default:
			return -1;
		}
	return 0;
}

static int
follow(struct options *o, struct err *e)
{
	fd_auto int dir = audit_open(o->store, NULL, e);
	uint64_t last = 0;

	if (dir == -1 ||
	    (o->show.since == NULL && audit_follow_last(dir, &last, e) == -1))
		return -1;
	return audit_follow(dir, last, audit_show_print, &o->show, e);
}

static int
run(int argc, char **argv)
{
	struct options o = { .store = NULL };
	struct err e;

	if (parse(&o, argc, argv) == -1 || optind != argc)
		return cli_usage(&cmd_events_command);
	if (follow(&o, &e) == -1)
		cli_error(&e, o.show.json);
	return 1; /* it ends only so, or by a signal */
}

const struct cli_command cmd_events_command = { "events",
	"[--kind KIND] [--since TIME] [--store DIR] [--json]",
	"what a node does, as it does it", run };
