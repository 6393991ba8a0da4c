#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "messages/yaml.h"
#include "runtime/cli.h"
#include "runtime/spawn.h"

static mode_t users_umask = 077;

void
cli_take_umask(void)
{
	users_umask = umask(022);
}

int
cli_create(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0644 & ~users_umask);

	return fd == -1 ? err_sys(e, "%s", path) : fd;
}

void
cli_error(const struct err *e, bool json)
{
	value_auto struct value *v = NULL;
	struct value *x;
	char *safe;

	if (json) {
		v = value_new(VALUE_MAP);
		x = value_set_map(v, "error");
		value_set_text(x, "code", err_code_name(e->code));
		value_set_text(x, "message", e->text);
		cli_print(v);
		return;
	}
	safe = str_printable(e->text, strlen(e->text), sizeof(e->text));
	fprintf(stderr, "cella: %s\n", safe);
	free(safe);
}

void
cli_problems(const struct problems *p, const char *file)
{
	for (size_t i = 0; i < p->len; i++) {
		fprintf(stderr, "%s: ", file);
		if (p->item[i].line != 0)
			fprintf(stderr, "line %u, column %u: ", p->item[i].line,
			    p->item[i].column);
		fprintf(stderr, "%s: %s\n", p->item[i].path, p->item[i].text);
	}
	if (p->more)
		fprintf(stderr, "%s: and more\n", file);
}

struct value *
cli_problem_list(const struct problems *p)
{
	struct value *list = value_new(VALUE_LIST), *one;

	for (size_t i = 0; i < p->len; i++) {
		one = value_add(list, value_new(VALUE_MAP));
		value_set_text(one, "id", p->item[i].id);
		value_set_text(one, "path", p->item[i].path);
		value_set_text(one, "message", p->item[i].text);
		if (p->item[i].line == 0)
			continue;
		value_set_int(one, "line", p->item[i].line);
		value_set_int(one, "column", p->item[i].column);
	}
	return list;
}

int
cli_usage(const struct cli_command *c)
{
	fprintf(stderr, "usage: cella %s %s\n", c->name, c->arguments);
	return CLI_USAGE;
}

void
cli_print(const struct value *v)
{
	char *text = json_emit(v, JSON_AS_LINES);

	puts(text);
	free(text);
}

int
cli_open(const char *path, struct err *e)
{
	int fd;

	if (strcmp(path, "-") == 0)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd == -1 ? err_sys(e, "%s", path) : fd;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

struct value *
cli_parse(const char *path, const char *data, size_t len, struct err *e)
{
	size_t blanks = strspn(data, " \t\r\n");
	bool yaml = ends_with(path, ".yaml") || ends_with(path, ".yml") ||
	    (!ends_with(path, ".json") && data[blanks] != '{');
	struct value *v =
	    yaml ? yaml_parse(data, len, e) : json_parse(data, len, e);

	if (v == NULL)
		err_in(e, "%s", path);
	return v;
}

int
cli_write(int fd, const char *data, size_t len)
{
	size_t n;
	char *safe;
	int r = 0;

	if (isatty(fd) != 1)
		return fd_write_full(fd, data, len);
	while (len > 0 && r == 0) {
		for (n = 0; n < len && data[n] != '\n' && data[n] != '\t';)
			n++;
		safe = str_printable(data, n, n);
		r = fd_write_full(fd, safe, strlen(safe));
		free(safe);
		if (r == 0 && n < len)
			r = fd_write_full(fd, data + n, 1);
		n += n < len;
		data += n;
		len -= n;
	}
	return r;
}

struct value *
cli_read_json(const char *path, size_t max,
    struct value *(*parse)(const char *, size_t, struct err *), struct err *e)
{
	fd_auto int fd = cli_open(path, e);
	struct value *v;
	char *data;
	size_t len;

	if (fd == -1 || spawn_drop_for_good(e) == -1)
		return NULL;
	if (fd_read_all(fd, max, &data, &len, e) == -1) {
		err_in(e, "%s", path);
		return NULL;
	}
	v = parse(data, len, e);
	free(data);
	if (v == NULL)
		err_in(e, "%s", path);
	return v;
}
