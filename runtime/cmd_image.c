#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"
#include "messages/yaml.h"
#include "runtime/cli.h"
#include "runtime/cmd_image_import.h"
#include "runtime/image_recipe.h"
#include "runtime/spawn.h"
#include "runtime/store.h"
#include "runtime/store_open.h"

struct options {
	const char *store, *ref, *policy;
	const char *second; /* of two arguments */
	bool json;
};

/* ---- build ---- */

static struct value *
read_pins(const char *path)
{
	fd_auto int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct value *list = value_new(VALUE_LIST);
	struct err ignored;
	char *data, *save = NULL;
	size_t len;

	if (fd == -1 || fd_read_all(fd, 1 << 20, &data, &len, &ignored) == -1)
		return list;
	for (char *line = strtok_r(data, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		value_add_text(list, line);
	free(data);
	return list;
}

/* "image.<name>": how other commands find it. */
static void
image_ref(char out[96], const char *name)
{
	snprintf(out, 96, "image.%.80s", name);
}

static int
keep(struct store *s, const struct image_recipe *r, const char *image,
    const char *pins, char digest[SHA256_HEX], struct err *e)
{
	fd_auto int fd = open(image, O_RDONLY | O_CLOEXEC);
	value_auto struct value *entry = value_new(VALUE_MAP);
	char ref[96];

	if (fd == -1)
		return err_sys(e, "%s", image);
	if (store_put(s, fd, digest, NULL, e) == -1)
		return -1;
	value_set_text(entry, "kind", "image");
	value_set_text(entry, "name", r->name);
	value_set(entry, "packages", read_pins(pins));
	image_ref(ref, r->name);
	if (store_set_entry(s, digest, entry, e) == -1)
		return -1;
	return store_bind(s, ref, digest, e);
}

static void
print_digest(const struct options *o, const char *name, const char *digest)
{
	value_auto struct value *v = value_new(VALUE_MAP);

	if (!o->json) {
		puts(digest);
		return;
	}
	value_set_text(v, "name", name);
	value_set_text(v, "digest", digest);
	cli_print(v);
}

/* In a directory of the store that goes away, whoever kills us. */
static int
build_in(const struct options *o, struct store *s, const struct image_recipe *r,
    const char *tmp, struct err *e)
{
	char *image = str_printf("%s/image", tmp);
	char *pins = str_printf("%s/pins", tmp);
	char *tree = str_printf("%s/tree", tmp), digest[SHA256_HEX];
	char **argv = image_recipe_command(r, image, pins,
	    spawn_is_rootless() ? tree : NULL, e);
	int status = argv == NULL
	    ? -1
	    : spawn_program((const char *const *)argv, -1, -1, e);

	if (status == 0)
		status = keep(s, r, image, pins, digest, e);
	if (status == 0 && spawn_is_rootless())
		status = store_set_tree(s, digest, tree, e);
	if (status == 0)
		print_digest(o, r->name, digest);
	image_recipe_free_command(argv);
	free(image);
	free(pins);
	free(tree);
	return status;
}

static int
build(const struct options *o, struct store *s, const char *arg, struct err *e)
{
	/* The script changes its directory: the path must not be relative. */
	char *whole = realpath(s->path, NULL), *tmp, name[64];
	struct image_recipe r;
	fd_auto int dir = -1;
	int status = -1;

	if (image_recipe_read(&r, arg, e) == 0) {
		dir = store_tmp_dir(s, name, e);
		if (dir != -1) {
			tmp = str_printf("%s/tmp/%s",
			    whole == NULL ? s->path : whole, name);
			status = build_in(o, s, &r, tmp, e);
			free(tmp);
			store_remove_tmp(s, name);
		}
		image_recipe_fini(&r);
	}
	free(whole);
	return status == 0 ? 0 : err_in(e, "image %s", arg);
}

static int
import(const struct options *o, struct store *s, const char *arg, struct err *e)
{
	const struct cmd_image_import i = { arg, o->second, o->ref, o->policy };
	char digest[SHA256_HEX];

	if (cmd_image_import(&i, s, digest, e) == -1)
		return -1;
	print_digest(o, arg, digest);
	return 0;
}

/* ---- ls ---- */

static int
print_one(struct store *s, const char *digest, void *arg)
{
	value_auto struct value *entry = store_entry(s, digest);
	const char *kind = value_get_text(entry, "kind");
	const char *name = value_get_text(entry, "name");
	struct value *list = arg, *one;

	if (kind == NULL || strcmp(kind, "image") != 0 || name == NULL)
		return 0;
	if (list == NULL) {
		printf("%s %s\n", digest, name);
		return 0;
	}
	one = value_add(list, value_copy(entry));
	value_set_text(one, "digest", digest);
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

/* The digest of a named image. */
static int
show(const struct options *o, struct store *s, const char *arg, struct err *e)
{
	char digest[SHA256_HEX], ref[96];
	bool bound;

	image_ref(ref, arg);
	if (strchr(arg, '/') != NULL ||
	    store_resolve(s, ref, digest, &bound, e) == -1)
		return err_set(e, ERR_NOT_FOUND,
		    "store %s: no image %s; run 'cella image build %s'",
		    s->path, arg, arg);
	print_digest(o, arg, digest);
	return 0;
}

static const struct {
	const char *name;
	int takes;
	int (*run)(const struct options *, struct store *, const char *,
	    struct err *);
} verbs[] = {
	{ "build", 1, build },
	{ "import", 2, import },
	{ "ls", 0, list },
	{ "show", 1, show },
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
	return cli_usage(&cmd_image_command);
}

static int
run(int argc, char **argv)
{
	static const struct option names[] = {
		{ "store", required_argument, NULL, 's' },
		{ "ref", required_argument, NULL, 'r' },
		{ "policy", required_argument, NULL, 'p' },
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
		case 'r':
			o.ref = optarg;
			break;
		case 'p':
			o.policy = optarg;
			break;
		case 'j':
			o.json = true;
			break;
		default:
			return cli_usage(&cmd_image_command);
		}
	argv += optind;
	argc -= optind;
	if (argc < 1 || argc > 3)
		return cli_usage(&cmd_image_command);
	o.second = argc == 3 ? argv[2] : NULL;
	return run_verb(&o, argv[0], argc > 1 ? argv[1] : NULL, argc - 1);
}

const struct cli_command cmd_image_command = { "image",
	"build NAME|FILE.yaml | import NAME TAR|LAYOUT [--ref REF] "
	"[--policy FILE] | ls | show NAME [--store DIR] [--json]",
	"runtime images", run };
