/* What functions wrote beside their work: cella logs. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/item_hash.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/cli.h"
#include "runtime/core_logs.h"
#include "runtime/dir_watch.h"
#include "runtime/store_open.h"

#define FILE_MAX ((size_t)1 << 30)
#define NAME 96
#define SHORTEST 6 /* of a beginning of a hash */

struct options {
	const char *store, *run;
	char hash[ITEM_HASH_MAX];
	bool json, follow;
	uint64_t lines; /* the last ones; UINT64_MAX: all */
};

/* ---- lines ---- */

/* "TIME RUN STREAM TEXT": where each begins; core wrote them. */
struct line {
	char *time, *run, *stream, *text;
};

static bool
split(struct line *l, char *s)
{
	char **part[] = { &l->run, &l->stream, &l->text };

	l->time = s;
	for (size_t i = 0; i < nitems(part); i++) {
		s = strchr(s, ' ');
		if (s == NULL)
			return false;
		*s++ = '\0';
		*part[i] = s;
	}
	return true;
}

static void
print_json(const struct line *l)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	char *text;

	value_set_text(v, "time", l->time);
	value_set_text(v, "run", l->run);
	value_set_text(v, "stream", l->stream);
	value_set_text(v, "text", l->text);
	text = json_emit(v, JSON_AS_LINE);
	puts(text);
	free(text);
}

static bool
is_wanted(const struct options *o, const char *text, size_t len, struct line *l,
    char **copy)
{
	*copy = strndup(text, len);
	invariant(*copy != NULL);
	if (split(l, *copy) && (o->run == NULL || strcmp(o->run, l->run) == 0))
		return true;
	free(*copy);
	return false;
}

static void
print(const struct options *o, const char *text, size_t len)
{
	struct line l;
	char *copy;

	if (!is_wanted(o, text, len, &l, &copy))
		return;
	if (o->json)
		print_json(&l);
	else
		printf("%s %s %s %s\n", l.time, l.run, l.stream, l.text);
	free(copy);
}

/* Whole lines of b, from b->at on; fn for each. */
static void
each_line(const struct options *o, struct buf *b,
    void (*fn)(const struct options *, const char *, size_t, void *), void *arg)
{
	const char *end;

	while ((end = memchr(b->data + b->at, '\n', b->len - b->at)) != NULL) {
		fn(o, b->data + b->at, (size_t)(end - (b->data + b->at)), arg);
		b->at = (size_t)(end + 1 - b->data);
	}
}

static void
count(const struct options *o, const char *text, size_t len, void *arg)
{
	struct line l;
	char *copy;

	if (!is_wanted(o, text, len, &l, &copy))
		return;
	free(copy);
	++*(uint64_t *)arg;
}

static void
print_late(const struct options *o, const char *text, size_t len, void *arg)
{
	struct line l;
	uint64_t *skip = arg;
	char *copy;

	if (*skip == 0) {
		print(o, text, len);
	} else if (is_wanted(o, text, len, &l, &copy)) {
		free(copy);
		--*skip;
	}
}

/* ---- files ---- */

/* What fd has behind its position. */
static int
read_more(int fd, struct buf *b, struct err *e)
{
	static char data[64 << 10];
	ssize_t n;

	if (b->at == b->len)
		buf_reset(b);
	while ((n = read(fd, data, sizeof(data))) > 0 && b->len < FILE_MAX)
		buf_add(b, data, (size_t)n);
	return n == -1 ? err_sys(e, "log") : 0;
}

static int
open_log(int dir, const char *hash, const char *ending)
{
	char name[NAME];

	snprintf(name, sizeof(name), "%s.log%s", hash, ending);
	return openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static bool
is_same(int a, int b)
{
	struct stat s, t;

	return a != -1 && b != -1 && fstat(a, &s) == 0 && fstat(b, &t) == 0 &&
	    s.st_ino == t.st_ino;
}

/* Both, as they were at one time. */
static void
open_both(const struct options *o, int dir, int *fd, int *before)
{
	do {
		fd_close(fd);
		fd_close(before);
		*fd = open_log(dir, o->hash, "");
		*before = open_log(dir, o->hash, ".1");
	} while (is_same(*fd, *before));
}

/* fd: the newest file, as far as it was read; -1: there is none. */
static int
show(const struct options *o, int dir, int *fd, struct err *e)
{
	buf_auto struct buf b = { 0 };
	fd_auto int before = -1;
	uint64_t all = 0;
	size_t end = 0;

	open_both(o, dir, fd, &before);
	if (*fd == -1 && before == -1 && !o->follow)
		return err_set(e, ERR_NOT_FOUND, "%s: nothing is kept of it",
		    o->hash);
	if ((before != -1 && read_more(before, &b, e) == -1) ||
	    (*fd != -1 && read_more(*fd, &b, e) == -1))
		return -1;
	if (b.len == 0)
		return 0;
	if (o->lines != UINT64_MAX)
		each_line(o, &b, count, &all);
	b.at = 0;
	all = all > o->lines ? all - o->lines : 0;
	each_line(o, &b, print_late, &all);
	end = b.at;
	/* What is no line yet is read again. */
	if (*fd != -1 && b.len > end)
		lseek(*fd, -(off_t)(b.len - end), SEEK_CUR);
	return 0;
}

static int
show_new(const struct options *o, int fd, struct buf *b, struct err *e)
{
	uint64_t none = 0;

	if (fd == -1)
		return 0;
	if (read_more(fd, b, e) == -1)
		return -1;
	if (b->len > 0)
		each_line(o, b, print_late, &none);
	return 0;
}

/* Another file has the name: the one that had it is read to its end first. */
static int
turn(const struct options *o, int dir, int *fd, struct buf *b, struct err *e)
{
	fd_auto int now = -1, before = -1;

	open_both(o, dir, &now, &before);
	if (show_new(o, *fd, b, e) == -1)
		return -1;
	if (now == -1 || is_same(*fd, now))
		return 0;
	/* Two turns at once: the one in between has come and gone. */
	if (*fd != -1 && !is_same(*fd, before) &&
	    show_new(o, before, b, e) == -1)
		return -1;
	fd_close(fd);
	*fd = fd_take(&now);
	buf_reset(b);
	return show_new(o, *fd, b, e);
}

static int
follow(const struct options *o, int dir, int watch, int *fd, struct err *e)
{
	buf_auto struct buf b = { 0 };

	for (;;) {
		if (turn(o, dir, fd, &b, e) == -1)
			return -1;
		if (fflush(stdout) != 0)
			return err_sys(e, "standard output");
		if (dir_watch_wait(watch, e) == -1)
			return -1;
	}
}

/* ---- the command ---- */

struct search {
	const char *begin;
	char found[ITEM_HASH_MAX];
	unsigned n;
};

static int
compare(int dir, const char *name, void *arg)
{
	struct search *s = arg;
	size_t len = strlen(name);

	(void)dir;
	if (len < 5 || strcmp(name + len - 4, ".log") != 0 ||
	    len - 4 >= sizeof(s->found) ||
	    strncmp(name, s->begin, strlen(s->begin)) != 0)
		return 0;
	memcpy(s->found, name, len - 4);
	s->found[len - 4] = '\0';
	s->n++;
	return 0;
}

/* A hash, or so much of one that nothing else begins so. */
static int
find(struct options *o, int dir, const char *text, struct err *e)
{
	struct search s = { .begin = text };

	if (item_hash_kind(text) != ITEM_HASH_NONE &&
	    str_copy(o->hash, sizeof(o->hash), text))
		return 0;
	if (strlen(text) < SHORTEST)
		return err_set(e, ERR_INVALID,
		    "%s: neither a hash nor %d of "
		    "its characters",
		    text, SHORTEST);
	if (dir_each(dir, compare, &s, e) == -1)
		return -1;
	if (s.n != 1)
		return err_set(e, s.n == 0 ? ERR_NOT_FOUND : ERR_INVALID,
		    s.n == 0 ? "%s: nothing is kept of it"
			     : "%s: more than one function begins so",
		    text);
	memcpy(o->hash, s.found, sizeof(o->hash));
	return 0;
}

static int
run_logs(struct options *o, const char *text, struct err *e)
{
	fd_auto int dir = store_open_part(o->store, CORE_LOGS_DIR, e);
	fd_auto int fd = -1, watch = -1;

	if (dir == -1 || find(o, dir, text, e) == -1)
		return -1;
	/* Before it is read: nothing comes between. */
	if (o->follow && (watch = dir_watch_open(dir, e)) == -1)
		return -1;
	if (show(o, dir, &fd, e) == -1)
		return -1;
	return o->follow ? follow(o, dir, watch, &fd, e) : 0;
}

static int
take_lines(struct options *o, const char *text)
{
	char *end;

	errno = 0;
	o->lines = strtoull(text, &end, 10);
	return errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' ? -1
									    : 0;
}

static int
parse(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "store", required_argument, NULL, 's' },
		{ "run", required_argument, NULL, 'r' },
		{ "lines", required_argument, NULL, 'n' },
		{ "follow", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c, r = 0;

	while (
	    r == 0 && (c = getopt_long(argc, argv, "fn:", names, NULL)) != -1)
		switch (c) {
		case 's':
			o->store = optarg;
			break;
		case 'r':
			o->run = optarg;
			break;
		case 'n':
			r = take_lines(o, optarg);
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
	struct options o = { .lines = UINT64_MAX };
	struct err e;

	if (parse(&o, argc, argv) == -1 || argc - optind != 1)
		return cli_usage(&cmd_logs_command);
	if (run_logs(&o, argv[optind], &e) == 0)
		return 0;
	cli_error(&e, o.json);
	return 1;
}

const struct cli_command cmd_logs_command = { "logs",
	"[-f] [-n LINES] [--run RUN] [--store DIR] [--json] HASH",
	"what a function wrote beside its work", run };
