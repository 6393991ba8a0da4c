/* The admin's command for the audit log: verify, show, key, receipt. */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/receipt.h"
#include "messages/value.h"
#include "runtime/audit_files.h"
#include "runtime/audit_follow.h"
#include "runtime/audit_log.h"
#include "runtime/audit_open.h"
#include "runtime/audit_show.h"
#include "runtime/audit_verify.h"
#include "runtime/cli.h"
#include "runtime/node_key.h"

struct options {
	struct audit_mark key, checkpoint;
	struct audit_show show;
	const char *store;
	bool json, follow;
};

/* ---- verify ---- */

static void
print_verified(const struct audit_verified *v)
{
	if (v->why == NULL && v->last == 0)
		puts("the log is empty");
	else if (v->why == NULL)
		printf("good: records %" PRIu64 " to %" PRIu64 ", %s\n",
		    v->first, v->last, v->hash);
	else if (v->line == 0)
		printf("bad: %s\n", v->why);
	else
		printf("bad: %s (%s, line %" PRIu64 ")\n", v->why, v->file,
		    v->line);
	if (v->partial > 0)
		printf("the last line is not whole (yet): %" PRIu64 " bytes\n",
		    v->partial);
	if (v->breaks > 0)
		printf("the node itself found its log broken %" PRIu64
		       " times\n",
		    v->breaks);
}

static void
print_verified_json(const struct audit_verified *v, bool keyed)
{
	value_auto struct value *o = value_new(VALUE_MAP);

	value_set_bool(o, "good", v->why == NULL);
	value_set_bool(o, "keyed", keyed);
	value_set_int(o, "first", (int64_t)v->first);
	value_set_int(o, "last", (int64_t)v->last);
	value_set_text(o, "hash", v->hash);
	value_set_int(o, "breaks", (int64_t)v->breaks);
	value_set_int(o, "partial_bytes", (int64_t)v->partial);
	if (v->why != NULL) {
		value_set_text(o, "why", v->why);
		if (v->line > 0) {
			value_set_text(o, "file", v->file);
			value_set_int(o, "line", (int64_t)v->line);
		}
	}
	cli_print(o);
}

static int
verify(const struct options *o, int dir, struct err *e)
{
	struct audit_verified v;
	int r;

	if (audit_verify(&v, dir, &o->key, &o->checkpoint, e) == -1)
		return -1;
	if (o->json)
		print_verified_json(&v, o->key.seq != 0);
	else
		print_verified(&v);
	r = v.why == NULL ? 0 : 1;
	audit_verify_fini(&v);
	return r;
}

/* ---- show ---- */

static int
show(const struct options *o, int dir, struct err *e)
{
	struct audit_show all = o->show;
	uint64_t last = 0;

	all.last = &last;
	all.json = o->json;
	if (audit_files_each(dir, all.kind, audit_show_print, &all, e) == -1)
		return -1;
	return o->follow ? audit_follow(dir, last, audit_show_print, &all, e)
			 : 0;
}

/* ---- key ---- */

/* Once: what is left on the host is of no use to whoever breaks in later. */
static int
key(const struct options *o, int dir, struct err *e)
{
	fd_auto int fd = openat(dir, AUDIT_LOG_INITIAL,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	char *text;
	size_t len;

	(void)o;
	if (fd == -1)
		return err_set(e, ERR_NOT_FOUND,
		    "the first key was taken away, or no node ever started");
	if (fd_read_all(fd, 256, &text, &len, e) == -1)
		return -1;
	printf("%s", text);
	explicit_bzero(text, len);
	free(text);
	if (fflush(stdout) != 0)
		return err_sys(e, "standard output");
	if (unlinkat(dir, AUDIT_LOG_INITIAL, 0) == -1)
		return err_sys(e, AUDIT_LOG_INITIAL);
	return 0;
}

/* ---- receipt ---- */

struct receipt {
	const char *run;
	struct value *records;
	char wanted[65]; /* digest of the run's terms */
};

static struct value *
new_entry(uint64_t seq, const char *hash, const struct value *record)
{
	struct value *v = value_new(VALUE_MAP);

	value_set_int(v, "seq", (int64_t)seq);
	value_set_text(v, "hash", hash);
	value_set(v, "record", value_copy(record));
	return v;
}

static int
take_record(void *arg, uint64_t seq, const char *hash, const struct value *r)
{
	struct receipt *t = arg;
	const char *run = value_get_text(r, "run");
	const char *terms = value_get_text(r, "terms");

	if (run == NULL || strcmp(run, t->run) != 0)
		return 0;
	value_add(t->records, new_entry(seq, hash, r));
	if (terms != NULL)
		(void)str_copy(t->wanted, sizeof(t->wanted), terms);
	return 0;
}

static int
take_terms(void *arg, uint64_t seq, const char *hash, const struct value *r)
{
	struct receipt *t = arg;
	const char *digest = value_get_text(r, "digest");

	if (digest == NULL || strcmp(digest, t->wanted) != 0)
		return 0;
	value_add(t->records, new_entry(seq, hash, r));
	return 1;
}

static int
receipt(const struct options *o, int dir, struct err *e)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	struct receipt t = { .run = o->show.run };
	unsigned char key[RECEIPT_KEY];

	if (o->show.run == NULL)
		return err_set(e, ERR_INVALID, "receipt: --run ID is needed");
	value_set_int(v, "receipt", 1);
	value_set_text(v, "run", o->show.run);
	t.records = value_set_list(v, "records");
	if (audit_files_each(dir, NULL, take_record, &t, e) == -1 ||
	    audit_files_each(dir, "terms", take_terms, &t, e) == -1 ||
	    node_key_read(dir, key, e) == -1)
		return -1;
	if (t.records->len == 0)
		return err_set(e, ERR_NOT_FOUND, "run %s: no record of it",
		    o->show.run);
	receipt_sign(v, key);
	explicit_bzero(key, sizeof(key));
	cli_print(v);
	return 0;
}

/* ---- the command ---- */

static const struct {
	const char *name;
	int (*run)(const struct options *, int dir, struct err *);
} verbs[] = {
	{ "verify", verify },
	{ "show", show },
	{ "key", key },
	{ "receipt", receipt },
};

static int
run_verb(const struct options *o, const char *verb, const char *path)
{
	fd_auto int dir = -1;
	struct err e;
	int r = -1;

	for (size_t i = 0; i < nitems(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		dir = audit_open(o->store, path, &e);
		if (dir != -1)
			r = verbs[i].run(o, dir, &e);
		if (r == -1)
			cli_error(&e, o->json);
		return r == -1 ? CLI_FAILED : r;
	}
	return cli_usage(&cmd_audit_command);
}

static int
take_mark(struct audit_mark *m, const char *option, const char *text)
{
	struct err e;

	if (audit_verify_mark(m, text, &e) == 0)
		return 0;
	fprintf(stderr, "cella: %s: %s\n", option, e.text);
	return -1;
}

static int
parse(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "store", required_argument, NULL, 's' },
		{ "key", required_argument, NULL, 'k' },
		{ "checkpoint", required_argument, NULL, 'c' },
		{ "run", required_argument, NULL, 'r' },
		{ "kind", required_argument, NULL, 'i' },
		{ "since", required_argument, NULL, 'a' },
		{ "until", required_argument, NULL, 'b' },
		{ "follow", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c, r = 0;

	while (r == 0 && (c = getopt_long(argc, argv, "f", names, NULL)) != -1)
		switch (c) {
		case 's':
			o->store = optarg;
			break;
		case 'k':
			r = take_mark(&o->key, "--key", optarg);
			break;
		case 'c':
			r = take_mark(&o->checkpoint, "--checkpoint", optarg);
			break;
		case 'r':
			o->show.run = optarg;
			break;
		case 'i':
			o->show.kind = optarg;
			break;
		case 'a':
			r = audit_open_time("--since", o->show.since = optarg);
			break;
		case 'b':
			r = audit_open_time("--until", o->show.until = optarg);
			break;
		case 'f':
			o->follow = true;
			break;
		case 'j':
			o->json = true;
			break;
		default:
			return -1;
		}
	return r;
}

static int
run(int argc, char **argv)
{
	struct options o = { .json = false };

	if (parse(&o, argc, argv) == -1 || optind >= argc || argc - optind > 2)
		return cli_usage(&cmd_audit_command);
	return run_verb(&o, argv[optind],
	    argc - optind == 2 ? argv[optind + 1] : NULL);
}

const struct cli_command cmd_audit_command = { "audit",
	"verify [--key KEY] [--checkpoint MARK] | show [--run ID] [--kind KIND] "
	"[--since TIME] [--until TIME] [-f] | key | receipt --run ID "
	"[--store DIR] [--json] [DIR]",
	"what a node did, and whether its record is whole", run };
