/* How a node would be started: cella config. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "messages/yaml.h"
#include "policy/ceiling.h"
#include "runtime/cli.h"
#include "runtime/config_options.h"
#include "runtime/node_config.h"
#include "runtime/policy_file.h"
#include "runtime/policy_open.h"
#include "runtime/spawn.h"

#define FILE_MAX (64 << 10)

/* All is opened with privilege and read without. */
struct file {
	char *path;
	int fd;
};

struct options {
	const char *config; /* NULL: the usual one, if it is there */
	bool json;
	int policy; /* what it names, opened; -1: none */
	size_t nfiles;
	struct file file[NODE_CONFIG_FILES_MAX];
	struct node_config config_is;
};

static int
add_file(struct options *o, char *path, struct err *e)
{
	int fd = o->nfiles == NODE_CONFIG_FILES_MAX
	    ? err_set(e, ERR_INVALID, "%s: more than %d files", path,
		  NODE_CONFIG_FILES_MAX)
	    : policy_open(path, e);

	if (fd == -1) {
		free(path);
		return -1;
	}
	o->file[o->nfiles++] = (struct file){ path, fd };
	return 0;
}

static int
is_yaml(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 &&
	    strcmp(d->d_name + n - 5, ".yaml") == 0;
}

/* "cellad.d" beside "cellad.yaml" */
static int
add_directory(struct options *o, const char *file, struct err *e)
{
	size_t n = strlen(file);
	char *path = n > 5 && strcmp(file + n - 5, ".yaml") == 0
	    ? str_printf("%.*s.d", (int)(n - 5), file)
	    : str_printf("%s.d", file);
	struct dirent **list;
	int len = scandir(path, &list, is_yaml, alphasort), r = 0;

	if (len == -1 && errno != ENOENT)
		r = err_sys(e, "%s", path);
	for (int i = 0; i < len; i++) {
		if (r == 0)
			r = add_file(o,
			    str_printf("%s/%s", path, list[i]->d_name), e);
		free(list[i]);
	}
	if (len != -1)
		free(list);
	free(path);
	return r;
}

static int
open_files(struct options *o, struct err *e)
{
	const char *file = o->config == NULL ? CONFIG_OPTIONS_FILE : o->config;

	if ((o->config != NULL || access(file, F_OK) == 0) &&
	    add_file(o, str_dup(file), e) == -1)
		return -1;
	return add_directory(o, file, e);
}

/* A file that is there to be filled in. */
static bool
says_nothing(const char *text)
{
	while (*text != '\0') {
		text += strspn(text, " \t\r\n");
		if (*text == '#')
			text += strcspn(text, "\n");
		else if (*text != '\0')
			return false;
	}
	return true;
}

static int
take_file(struct options *o, const struct file *f, struct err *e)
{
	value_auto struct value *v = NULL;
	struct problems problems = { 0 };
	char *data;
	size_t len;
	int r;

	if (fd_read_all(f->fd, FILE_MAX, &data, &len, e) == -1)
		return err_in(e, "%s", f->path);
	if (memchr(data, '\0', len) == NULL && says_nothing(data)) {
		free(data);
		return 0;
	}
	v = yaml_parse(data, len, e);
	free(data);
	if (v == NULL)
		return err_in(e, "%s", f->path);
	r = node_config_take(&o->config_is, v, f->path, &problems);
	if (r == -1) {
		cli_problems(&problems, f->path);
		err_set(e, ERR_INVALID, "%s: it is no configuration", f->path);
	}
	problems_fini(&problems);
	return r;
}

static int
read_all(struct options *o, struct err *e)
{
	struct problems problems = { 0 };
	int r = 0;

	node_config_default(&o->config_is);
	for (size_t i = 0; r == 0 && i < o->nfiles; i++)
		r = take_file(o, &o->file[i], e);
	if (r == 0 &&
	    node_config_take_environment(&o->config_is, environ, &problems) ==
		-1) {
		cli_problems(&problems, "environment");
		r = err_set(e, ERR_INVALID,
		    "the environment: it is no configuration");
	}
	problems_fini(&problems);
	return r;
}

/* ---- verbs ---- */

static int
show(struct options *o, struct err *e)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	struct value *one;

	(void)e;
	for (int k = 0; k < NODE_CONFIG_KEYS; k++) {
		const char *name = node_config_name((enum node_config_key)k);
		const char *value = o->config_is.item[k].value;
		const char *source = o->config_is.item[k].source;

		if (value != NULL && !o->json)
			printf("%s: \"%s\"  # %s\n", name, value, source);
		if (value == NULL)
			continue;
		one = value_set_map(v, name);
		value_set_text(one, "value", value);
		value_set_text(one, "source", source);
	}
	if (o->json)
		cli_print(v);
	return 0;
}

/* For cellad, which reads no file itself. */
static int
options(struct options *o, struct err *e)
{
	buf_auto struct buf b = { 0 };

	node_config_put_options(&o->config_is, &b);
	return fd_write_full(STDOUT_FILENO, b.data, b.len) == 0
	    ? 0
	    : err_sys(e, "standard output");
}

static int
check_policy(const char *path, int fd, struct err *e)
{
	static struct ceiling ceiling;
	struct problems problems = { 0 };
	int r = policy_file_read(fd, path, &ceiling, &problems, e);

	if (r == -1)
		cli_problems(&problems, path);
	problems_fini(&problems);
	return r;
}

static int
check(struct options *o, struct err *e)
{
	struct problems problems = { 0 };
	const char *policy = o->config_is.item[NODE_CONFIG_POLICY].value;
	int r = node_config_check(&o->config_is, &problems);

	if (problems.len > 0) {
		cli_problems(&problems, "configuration");
		r = err_set(e, ERR_INVALID, "it does not fit together");
	}
	problems_fini(&problems);
	if (r == 0 && o->policy != -1)
		r = check_policy(policy, o->policy, e);
	if (r == 0)
		puts("good");
	return r;
}

/* It is opened with privilege, and others say what it is called. */
static int
open_policy(struct options *o, struct err *e)
{
	const char *path;
	char *data;
	size_t len;

	if (config_options_read(o->config, &data, &len, e) == -1)
		return -1;
	path = config_options_find(data, len, "--policy");
	if (path != NULL)
		o->policy = policy_open(path, e);
	free(data);
	return path != NULL && o->policy == -1 ? -1 : 0;
}

static const struct {
	const char *name;
	int (*open)(struct options *, struct err *);
	int (*run)(struct options *, struct err *);
} verbs[] = {
	{ "check", open_policy, check },
	{ "show", NULL, show },
	{ "options", NULL, options },
};

static void
close_files(struct options *o)
{
	for (size_t i = 0; i < o->nfiles; i++) {
		fd_close(&o->file[i].fd);
		free(o->file[i].path);
	}
	fd_close(&o->policy);
	node_config_fini(&o->config_is);
}

static int
run_verb(struct options *o, const char *verb)
{
	struct err e;
	int r = -1;

	for (size_t i = 0; i < nitems(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		/* Whoever reads for cellad reads without privilege. */
		if ((verbs[i].open == NULL || verbs[i].open(o, &e) == 0) &&
		    open_files(o, &e) == 0 && spawn_drop_for_good(&e) == 0 &&
		    read_all(o, &e) == 0)
			r = verbs[i].run(o, &e);
		if (r == -1)
			cli_error(&e, o->json);
		close_files(o);
		return r == -1 ? 1 : 0;
	}
	return cli_usage(&cmd_config_command);
}

static int
run(int argc, char **argv)
{
	static const struct option names[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .policy = -1 };
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (c) {
		case 'c':
			o.config = optarg;
			break;
		case 'j':
			o.json = true;
			break;
		default:
			return cli_usage(&cmd_config_command);
		}
	if (argc - optind != 1)
		return cli_usage(&cmd_config_command);
	return run_verb(&o, argv[optind]);
}

const struct cli_command cmd_config_command = { "config",
	"check | show | options   [--config FILE] [--json]",
	"how a node would be started, and from where that comes", run };
