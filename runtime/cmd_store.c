#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/item_hash.h"
#include "messages/value.h"
#include "policy/amount.h"
#include "runtime/cli.h"
#include "runtime/spawn.h"
#include "runtime/store.h"
#include "runtime/store_cache.h"
#include "runtime/store_open.h"

struct options {
	const char *store, *as, *ref;
	const char *second; /* of two arguments */
	uint64_t max;       /* gc: bytes that may stay */
	bool json, dry;
};

/* A message is found by its own hash from then on. */
static int
bind_message(struct store *s, const char *path, const char *digest,
    char ref[ITEM_HASH_MAX], struct err *e)
{
	static struct aleph_program p;
	static struct problems problems;
	struct aleph_envelope n;
	fd_auto int fd = store_get(s, digest, e);
	struct value *root;
	char *data;
	size_t len;
	int r;

	if (fd == -1 || fd_read_all(fd, ALEPH_SIZE_MAX, &data, &len, e) == -1)
		return -1;
	root = cli_parse(path, data, len, e);
	if (root == NULL) {
		free(data);
		return -1;
	}
	r = aleph_read(&p, &n, root, data, len, -1, &problems);
	free(data);
	if (r == -1) {
		cli_problems(&problems, path);
		err_set(e, ERR_INVALID, "%s: not a message that can run", path);
	} else {
		memcpy(ref, p.id, ITEM_HASH_MAX);
		r = store_bind(s, ref, digest, e);
	}
	aleph_fini(&p);
	problems_fini(&problems);
	return r;
}

/* By a program of its own: libarchive brings a dozen libraries along. */
static int
archive(int dir, int out, struct err *e)
{
	char path[PATH_MAX];
	const char *argv[] = { path, "archive", NULL };

	if (spawn_find("cella-unpack", path, sizeof(path), e) == -1)
		return -1;
	return spawn_program(argv, dir, out, e);
}

static int
put(struct store *s, const char *path, char digest[SHA256_HEX], uint64_t *size,
    struct err *e)
{
	fd_auto int fd = cli_open(path, e);
	struct stat st;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		return err_sys(e, "%s", path);
	if (S_ISDIR(st.st_mode)) {
		fd_auto int file = store_tmp_file(s, e);

		if (file == -1 || archive(fd, file, e) == -1)
			return err_in(e, "%s", path);
		if (lseek(file, 0, SEEK_SET) == -1)
			return err_sys(e, "%s", path);
		return store_put(s, file, digest, size, e);
	}
	return store_put(s, fd, digest, size, e);
}

/* The operator's, whatever it was: no cache may let it go. */
static int
own(struct store *s, const char *digest, struct err *e)
{
	value_auto struct value *entry = store_entry(s, digest);

	store_cache_keep(s, digest);
	return value_get_text(entry, "from") == NULL
	    ? 0
	    : store_cache_pin(s, digest, true, e);
}

static int
add(const struct options *o, struct store *s, const char *path, struct err *e)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	char digest[SHA256_HEX], ref[ITEM_HASH_MAX] = "";
	bool message = o->as != NULL && strcmp(o->as, "message") == 0;
	uint64_t size = 0;

	if (put(s, path, digest, &size, e) == -1)
		return -1;
	if (message && bind_message(s, path, digest, ref, e) == -1)
		return -1;
	if (o->ref != NULL && store_bind(s, o->ref, digest, e) == -1)
		return -1;
	if (own(s, digest, e) == -1)
		return -1;
	if (o->as != NULL && !message) {
		value_auto struct value *entry = value_new(VALUE_MAP);
		value_auto struct value *old = store_entry(s, digest);

		value_set_text(entry, "kind", o->as);
		/* What we built stays what it is. */
		if (old == NULL && store_set_entry(s, digest, entry, e) == -1)
			return -1;
	}
	value_set_text(v, "digest", digest);
	value_set_text(v, "ref",
	    o->ref != NULL ? o->ref
		: ref[0]   ? ref
			   : digest);
	value_set_int(v, "bytes", (int64_t)size);
	if (o->json)
		cli_print(v);
	else
		puts(o->ref != NULL ? o->ref : ref[0] ? ref : digest);
	return 0;
}

static int
print_one(struct store *s, const char *digest, void *arg)
{
	value_auto struct value *entry = store_entry(s, digest);
	struct value *list = arg, *one;
	const char *kind = value_get_text(entry, "kind");
	bool fetched = store_cache_has(s, digest);
	bool pinned = store_cache_is_pinned(s, digest);

	if (list == NULL) {
		printf("%s %s%s%s\n", digest, kind == NULL ? "blob" : kind,
		    fetched ? " fetched" : "", pinned ? " pinned" : "");
		return 0;
	}
	one = value_add(list, value_new(VALUE_MAP));
	value_set_text(one, "digest", digest);
	value_set_text(one, "kind", kind == NULL ? "blob" : kind);
	value_set_bool(one, "fetched", fetched);
	value_set_bool(one, "pinned", pinned);
	if (entry != NULL)
		value_set(one, "entry", value_copy(entry));
	return 0;
}

static int
list(const struct options *o, struct store *s, const char *arg, struct err *e)
{
	value_auto struct value *all = o->json ? value_new(VALUE_LIST) : NULL;

	(void)arg;
	if (store_each(s, print_one, all, e) == -1)
		return -1;
	if (all != NULL)
		cli_print(all);
	return 0;
}

static int
get(const struct options *o, struct store *s, const char *ref, struct err *e)
{
	char digest[SHA256_HEX], data[64 << 10];
	fd_auto int fd = -1;
	bool bound;
	ssize_t n;

	(void)o;
	if (item_hash_kind(ref) == ITEM_HASH_NONE)
		return err_set(e, ERR_INVALID, "%s: not a hash", ref);
	if (store_resolve(s, ref, digest, &bound, e) == -1)
		return -1;
	fd = store_get(s, digest, e);
	if (fd == -1)
		return -1;
	while ((n = read(fd, data, sizeof(data))) > 0)
		if (fd_write_full(STDOUT_FILENO, data, (size_t)n) == -1)
			return err_sys(e, "standard output");
	return n == -1 ? err_sys(e, "blob %s", digest) : 0;
}

struct check {
	size_t good, bad;
};

static int
check_one(struct store *s, const char *digest, void *arg)
{
	struct check *c = arg;
	struct err e;
	int fd = store_get(s, digest, &e);

	if (fd == -1) {
		cli_error(&e, false);
		c->bad++;
	} else {
		c->good++;
	}
	fd_close(&fd);
	return 0;
}

static int
verify(const struct options *o, struct store *s, const char *arg, struct err *e)
{
	struct check c = { 0, 0 };

	(void)arg;
	(void)o;
	if (store_each(s, check_one, &c, e) == -1)
		return -1;
	printf("%zu good, %zu damaged\n", c.good, c.bad);
	return c.bad == 0
	    ? 0
	    : err_set(e, ERR_INVALID, "store %s: damaged blobs", s->path);
}

/* On the operator's word: the record of a run says so. */
static int
bind(const struct options *o, struct store *s, const char *ref, struct err *e)
{
	fd_auto int fd = -1;

	if (item_hash_kind(ref) == ITEM_HASH_NONE || !str_is_sha256(o->second))
		return err_set(e, ERR_INVALID, "bind: not a hash and a digest");
	fd = store_get(s, o->second, e);
	if (fd == -1 || own(s, o->second, e) == -1)
		return -1;
	return store_bind(s, ref, o->second, e);
}

/* ---- what came from servers ---- */

static int
set_pin(struct store *s, const char *ref, bool pinned, struct err *e)
{
	char digest[SHA256_HEX];
	bool bound;

	if (item_hash_kind(ref) == ITEM_HASH_NONE)
		return err_set(e, ERR_INVALID, "%s: not a hash", ref);
	if (store_resolve(s, ref, digest, &bound, e) == -1)
		return -1;
	return store_cache_pin(s, digest, pinned, e);
}

static int
pin(const struct options *o, struct store *s, const char *ref, struct err *e)
{
	(void)o;
	return set_pin(s, ref, true, e);
}

static int
unpin(const struct options *o, struct store *s, const char *ref, struct err *e)
{
	(void)o;
	return set_pin(s, ref, false, e);
}

static void
print_gone(void *arg, const char *digest, uint64_t bytes)
{
	struct value *list = arg, *one;

	if (list == NULL) {
		printf("%s %" PRIu64 "\n", digest, bytes);
		return;
	}
	one = value_add(list, value_new(VALUE_MAP));
	value_set_text(one, "digest", digest);
	value_set_int(one, "bytes", (int64_t)bytes);
}

static int
gc(const struct options *o, struct store *s, const char *arg, struct err *e)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	struct value *list = o->json ? value_set_list(v, "blobs") : NULL;
	struct store_cache_gone gone;

	(void)arg;
	if (store_cache_trim(s, o->max, STORE_CACHE_GRACE_S, o->dry, print_gone,
		list, &gone, e) == -1)
		return -1;
	if (o->json) {
		value_set_int(v, "bytes", (int64_t)gone.bytes);
		value_set_int(v, "left_bytes", (int64_t)gone.left);
		cli_print(v);
	} else {
		printf("%" PRIu64 " blobs, %" PRIu64 " bytes %s; %" PRIu64
		       " bytes stay\n",
		    gone.blobs, gone.bytes, o->dry ? "would go" : "are gone",
		    gone.left);
	}
	return 0;
}

static const struct {
	const char *name;
	int takes;
	int (*run)(const struct options *, struct store *, const char *,
	    struct err *);
} verbs[] = {
	{ "add", 1, add },
	{ "bind", 2, bind },
	{ "ls", 0, list },
	{ "get", 1, get },
	{ "verify", 0, verify },
	{ "pin", 1, pin },
	{ "unpin", 1, unpin },
	{ "gc", 0, gc },
};

static int
run_verb(const struct options *o, const char *verb, const char *arg, int n)
{
	struct store s;
	struct err e;
	int r;

	for (size_t i = 0; i < nitems(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0 || verbs[i].takes != n)
			continue;
		if (store_open_chosen(&s, o->store, &e) == -1) {
			cli_error(&e, o->json);
			return 1;
		}
		r = verbs[i].run(o, &s, arg, &e);
		if (r == -1)
			cli_error(&e, o->json);
		store_close(&s);
		return r == -1 ? 1 : 0;
	}
	return cli_usage(&cmd_store_command);
}

static int
check_options(const struct options *o)
{
	static const char *const kinds[] = { "code", "data", "runtime",
		"message" };
	size_t i;

	for (i = 0; o->as != NULL && i < nitems(kinds); i++)
		if (strcmp(kinds[i], o->as) == 0)
			break;
	if (o->as != NULL && i == nitems(kinds)) {
		fprintf(stderr,
		    "cella: --as %s: none of code, data, runtime, message\n",
		    o->as);
		return -1;
	}
	if (o->ref != NULL && item_hash_kind(o->ref) == ITEM_HASH_NONE) {
		fprintf(stderr, "cella: --ref %s: not a hash\n", o->ref);
		return -1;
	}
	return 0;
}

static int
run(int argc, char **argv)
{
	static const struct option names[] = {
		{ "store", required_argument, NULL, 's' },
		{ "as", required_argument, NULL, 'a' },
		{ "ref", required_argument, NULL, 'r' },
		{ "max", required_argument, NULL, 'm' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (c) {
		case 's':
			o.store = optarg;
			break;
		case 'a':
			o.as = optarg;
			break;
		case 'r':
			o.ref = optarg;
			break;
		case 'm':
			if (!amount_parse(GRANT_MEMORY, optarg, &o.max))
				return cli_usage(&cmd_store_command);
			break;
		case 'n':
			o.dry = true;
			break;
		case 'j':
			o.json = true;
			break;
		default:
			return cli_usage(&cmd_store_command);
		}
	if (optind >= argc || argc - optind > 3)
		return cli_usage(&cmd_store_command);
	if (check_options(&o) == -1)
		return CLI_USAGE;
	argv += optind;
	argc -= optind;
	o.second = argc == 3 ? argv[2] : NULL;
	return run_verb(&o, argv[0], argc > 1 ? argv[1] : NULL, argc - 1);
}

const struct cli_command cmd_store_command = { "store",
	"add FILE|DIR [--as KIND] [--ref HASH] | bind REF DIGEST | ls | get REF | verify | "
	"pin REF | unpin REF | gc [--max SIZE] [--dry-run] [--store DIR] [--json]",
	"what messages refer to", run };
