#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/value.h"
#include "messages/yaml.h"
#include "runtime/image_recipe.h"
#include "runtime/spawn.h"

#define RECIPE_MAX (256 << 10)
#define ARGS_MAX 1024

/* Beside the source in a build tree, else where it was installed. */
static int
find_data(const char *name, char *path, size_t size, struct err *e)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	/* A source tree counts only for the program that was built in it. */
	if (str_is_within(self, BUILD_DIR)) {
		snprintf(path, size, SOURCE_DIR "/images/%s", name);
		if (access(path, R_OK) == 0)
			return 0;
		snprintf(path, size, SOURCE_DIR "/guest/%s", name);
		if (access(path, R_OK) == 0)
			return 0;
	}
	snprintf(path, size, PKGDATADIR "/images/%s", name);
	if (access(path, R_OK) == 0)
		return 0;
	return err_set(e, ERR_NOT_FOUND, "%s: not found", name);
}

static int
check_text_list(const struct value *v, const char *key, struct err *e)
{
	const struct value *list = value_get(v, key);

	if (list == NULL)
		return 0;
	if (list->kind != VALUE_LIST)
		return err_set(e, ERR_INVALID, "%s: not a list", key);
	for (size_t i = 0; i < list->len; i++)
		if (list->item[i]->kind != VALUE_STRING ||
		    list->item[i]->text[0] == '-' ||
		    strspn(list->item[i]->text,
			"abcdefghijklmnopqrstuvwxyz0123456789.+-:") !=
			strlen(list->item[i]->text))
			return err_set(e, ERR_INVALID,
			    "%s[%zu]: not the name of a package", key, i);
	return 0;
}

static int
check_file(const struct value *f, size_t i, struct err *e)
{
	const char *path = value_get_text(f, "path");
	const char *source = value_get_text(f, "source");
	int64_t mode = value_get_int(f, "mode", 644);

	if (f->kind != VALUE_MAP || path == NULL || !str_is_clean_path(path))
		return err_set(e, ERR_INVALID,
		    "files[%zu].path: not a clean absolute path", i);
	if (source == NULL)
		return err_set(e, ERR_INVALID, "files[%zu].source: missing", i);
	if (mode != 644 && mode != 755)
		return err_set(e, ERR_INVALID,
		    "files[%zu].mode: not 644 or 755", i);
	return 0;
}

static int
check(const struct value *v, struct err *e)
{
	static const char *const keys[] = { "packages", "files", "busybox",
		"compile" };
	const struct value *files = value_get(v, "files");
	size_t k;

	if (v->kind != VALUE_MAP)
		return err_set(e, ERR_INVALID, "not an object");
	for (size_t i = 0; i < v->len; i++) {
		for (k = 0; k < nitems(keys); k++)
			if (strcmp(v->key[i], keys[k]) == 0)
				break;
		if (k == nitems(keys))
			return err_set(e, ERR_INVALID,
			    "line %u: %s: unknown key", v->item[i]->line,
			    v->key[i]);
	}
	if (check_text_list(v, "packages", e) == -1)
		return -1;
	if (files != NULL && files->kind != VALUE_LIST)
		return err_set(e, ERR_INVALID, "files: not a list");
	for (size_t i = 0; files != NULL && i < files->len; i++)
		if (check_file(files->item[i], i, e) == -1)
			return -1;
	return 0;
}

static void
set_names(struct image_recipe *r, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;

	r->directory = slash == NULL
	    ? str_dup(".")
	    : str_printf("%.*s", (int)(slash - path), path);
	r->name = str_printf("%.*s", (int)strcspn(base, "."), base);
}

int
image_recipe_read(struct image_recipe *r, const char *arg, struct err *e)
{
	char path[PATH_MAX], *data;
	fd_auto int fd = -1;
	size_t len;

	memset(r, 0, sizeof(*r));
	if (strchr(arg, '.') != NULL || strchr(arg, '/') != NULL) {
		snprintf(path, sizeof(path), "%s", arg);
	} else {
		char *file = str_printf("%s.yaml", arg);
		int found = find_data(file, path, sizeof(path), e);

		free(file);
		if (found == -1)
			return err_set(e, ERR_NOT_FOUND,
			    "image %s: there is no such recipe", arg);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "%s", path);
	if (fd_read_all(fd, RECIPE_MAX, &data, &len, e) == -1)
		return err_in(e, "%s", path);
	r->v = yaml_parse(data, len, e);
	free(data);
	if (r->v == NULL || check(r->v, e) == -1) {
		image_recipe_fini(r);
		return err_in(e, "%s", path);
	}
	set_names(r, path);
	return 0;
}

void
image_recipe_fini(struct image_recipe *r)
{
	value_free(r->v);
	free(r->name);
	free(r->directory);
	memset(r, 0, sizeof(*r));
}

struct command {
	size_t len;
	char **arg;
};

static void
push(struct command *c, char *text)
{
	invariant(c->len + 1 < ARGS_MAX);
	c->arg[c->len++] = text;
	c->arg[c->len] = NULL;
}

/* A program of ours, a file of ours, or one beside the recipe. */
static char *
find_source(const struct image_recipe *r, const char *source, struct err *e)
{
	char path[PATH_MAX];

	if (source[0] == '/')
		return str_dup(source);
	snprintf(path, sizeof(path), "%s/%s", r->directory, source);
	if (access(path, R_OK) == 0 ||
	    find_data(source, path, sizeof(path), e) == 0 ||
	    spawn_find(source, path, sizeof(path), e) == 0)
		return str_dup(path);
	err_set(e, ERR_NOT_FOUND, "files: %s: not found", source);
	return NULL;
}

static int
push_files(struct command *c, const struct image_recipe *r, struct err *e)
{
	const struct value *files = value_get(r->v, "files"), *f;
	char *source;

	for (size_t i = 0; files != NULL && i < files->len; i++) {
		f = files->item[i];
		source = find_source(r, value_get_text(f, "source"), e);
		if (source == NULL)
			return -1;
		push(c, str_dup("-f"));
		push(c, source);
		push(c, str_dup(value_get_text(f, "path")));
		push(c,
		    str_printf("%lld",
			(long long)value_get_int(f, "mode", 644)));
	}
	return 0;
}

static int
find_script(char *path, size_t size, struct err *e)
{
	if (find_data("build-image.sh", path, size, e) == 0)
		return 0;
	return spawn_find("build-image.sh", path, size, e);
}

char **
image_recipe_command(const struct image_recipe *r, const char *image,
    const char *pins, const char *tree, struct err *e)
{
	const struct value *packages = value_get(r->v, "packages");
	struct command c = { 0, calloc(ARGS_MAX, sizeof(char *)) };
	char script[PATH_MAX];

	invariant(c.arg != NULL);
	if (find_script(script, sizeof(script), e) == -1) {
		free(c.arg);
		return NULL;
	}
	push(&c, str_dup(script));
	push(&c, str_dup(image));
	push(&c, str_dup(pins));
	for (size_t i = 0; packages != NULL && i < packages->len; i++) {
		push(&c, str_dup("-p"));
		push(&c, str_dup(packages->item[i]->text));
	}
	if (tree != NULL) {
		push(&c, str_dup("-t"));
		push(&c, str_dup(tree));
	}
	if (value_get_bool(r->v, "busybox", false))
		push(&c, str_dup("-b"));
	if (value_get_bool(r->v, "compile", false))
		push(&c, str_dup("-c"));
	if (push_files(&c, r, e) == -1) {
		image_recipe_free_command(c.arg);
		return NULL;
	}
	return c.arg;
}

void
image_recipe_free_command(char **arg)
{
	for (size_t i = 0; arg != NULL && arg[i] != NULL; i++)
		free(arg[i]);
	free(arg);
}
