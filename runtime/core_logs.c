#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "policy/ceiling.h"
#include "runtime/core_logs.h"
#include "runtime/record_parts.h"

#define NAME 96 /* HASH.log.1, and a NUL */
#define TAB "    "

/* ---- all files ---- */

static int
add_size(int dir, const char *name, void *arg)
{
	struct stat s;

	if (fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(s.st_mode))
		*(uint64_t *)arg += (uint64_t)s.st_size;
	return 0;
}

int
core_logs_open(struct core_logs *l, const struct ceiling_node *rules,
    int journald, struct err *e)
{
	*l = (struct core_logs){ .dir = -1,
		.rules = rules,
		.journald.sock = journald };
	if (mkdir(CORE_LOGS_DIR, 0700) == -1 && errno != EEXIST)
		return err_sys(e, CORE_LOGS_DIR);
	l->dir = open(CORE_LOGS_DIR,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (l->dir == -1)
		return err_sys(e, CORE_LOGS_DIR);
	return dir_each(l->dir, add_size, &l->total, e);
}

void
core_logs_close(struct core_logs *l)
{
	fd_close(&l->dir);
	fd_close(&l->journald.sock);
}

struct oldest {
	char name[NAME];
	struct timespec time;
	uint64_t size;
};

static int
compare(int dir, const char *name, void *arg)
{
	struct oldest *o = arg;
	struct stat s;

	if (fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(s.st_mode))
		return 0;
	if (o->name[0] != '\0' &&
	    (s.st_mtim.tv_sec > o->time.tv_sec ||
		(s.st_mtim.tv_sec == o->time.tv_sec &&
		    s.st_mtim.tv_nsec >= o->time.tv_nsec)))
		return 0;
	if (str_copy(o->name, sizeof(o->name), name)) {
		o->time = s.st_mtim;
		o->size = (uint64_t)s.st_size;
	}
	return 0;
}

/* An eighth more than is needed, so that it is not done for every line. */
static void
make_room(struct core_logs *l)
{
	uint64_t most = l->rules->logs_total;
	struct oldest o;
	struct err ignored;

	if (l->total <= most)
		return;
	while (l->total > most - most / 8) {
		memset(&o, 0, sizeof(o));
		if (dir_each(l->dir, compare, &o, &ignored) != 0 ||
		    o.name[0] == '\0' || unlinkat(l->dir, o.name, 0) == -1) {
			l->total = 0; /* it is not as we left it */
			return;
		}
		l->total -= o.size < l->total ? o.size : l->total;
	}
}

/* ---- one file ---- */

/* The file before it is two files before the next one: it goes. */
static void
rotate(struct core_logs *l, const char *name)
{
	char before[NAME + 2];
	uint64_t gone = 0;

	snprintf(before, sizeof(before), "%s.1", name);
	add_size(l->dir, before, &gone);
	if (renameat(l->dir, name, l->dir, before) == 0)
		l->total -= gone < l->total ? gone : l->total;
}

static int
open_file(struct core_logs *l, const char *name)
{
	return openat(l->dir, name,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static void
append_lines(struct core_logs *l, const char *hash, const char *data, size_t n)
{
	fd_auto int fd = -1;
	char name[NAME];
	struct stat s;

	snprintf(name, sizeof(name), "%s.log", hash);
	fd = open_file(l, name);
	if (fd != -1 && fstat(fd, &s) == 0 && s.st_size > 0 &&
	    (uint64_t)s.st_size + n > l->rules->logs_function) {
		fd_close(&fd);
		rotate(l, name);
		fd = open_file(l, name);
	}
	if (fd == -1 || fd_write_full(fd, data, n) == -1) {
		l->dropped += n;
		return;
	}
	l->total += n;
	make_room(l);
}

/* As many lines at a time as a file may have; each is much less than that. */
static void
append(struct core_logs *l, const char *hash, const struct buf *b)
{
	size_t most = l->rules->logs_function, at = 0, n;

	while (at < b->len) {
		n = b->len - at;
		if (n > most) {
			const char *end = memrchr(b->data + at, '\n', most);

			n = end == NULL ? n : (size_t)(end + 1 - b->data) - at;
		}
		append_lines(l, hash, b->data + at, n);
		at += n;
	}
}

/* ---- lines ---- */

static void
put_line(struct core_logs *l, struct buf *b, const char *hash, const char *run,
    const char *name, const char *text, size_t len)
{
	char time[RECORD_PARTS_TIME];
	char *safe = str_printable(text, len, len);

	record_parts_time_text(time, clock_real_ns());
	buf_printf(b, "%s %s %s %s\n", time, run, name, safe);
	core_journald_line(&l->journald, hash, run, name, safe);
	free(safe);
}

static void
put_open_line(struct core_logs *l, struct core_logs_stream *s, struct buf *b)
{
	size_t n = s->len;

	if (n > 0 && s->line[n - 1] == '\r')
		n--;
	put_line(l, b, s->hash, s->run, s->name, s->line, n);
	s->len = 0;
}

static void
put_left_out(struct core_logs *l, struct core_logs_stream *s, struct buf *b)
{
	char text[80];

	if (s->left_out == 0)
		return;
	snprintf(text, sizeof(text),
	    "%" PRIu64 " bytes of %s are left out: too many at once",
	    s->left_out, s->name);
	put_line(l, b, s->hash, s->run, "node", text, strlen(text));
	s->left_out = 0;
}

static void
add_char(struct core_logs *l, struct core_logs_stream *s, struct buf *b, char c)
{
	const char *text = c == '\t' ? TAB : &c;
	size_t n = c == '\t' ? strlen(TAB) : 1;

	if (s->len + n > sizeof(s->line))
		put_open_line(l, s, b);
	memcpy(s->line + s->len, text, n);
	s->len += n;
}

/* How many of them may be kept now. */
static size_t
allow(struct core_logs *l, struct core_logs_stream *s, struct buf *b, size_t n)
{
	uint64_t now = clock_mono_ns() / CLOCK_SECOND;
	size_t room;

	if (now != s->second) {
		s->second = now;
		s->in_second = 0;
		put_left_out(l, s, b);
	}
	room = CORE_LOGS_RATE - s->in_second;
	if (n > room) {
		s->left_out += n - room;
		l->dropped += n - room;
		n = room;
	}
	s->in_second += n;
	return n;
}

void
core_logs_take(struct core_logs *l, struct core_logs_stream *s,
    const char *data, size_t len)
{
	buf_auto struct buf b = { 0 };

	len = allow(l, s, &b, len);
	for (size_t i = 0; i < len; i++)
		if (data[i] == '\n')
			put_open_line(l, s, &b);
		else
			add_char(l, s, &b, data[i]);
	append(l, s->hash, &b);
}

void
core_logs_end(struct core_logs *l, struct core_logs_stream *s)
{
	buf_auto struct buf b = { 0 };

	if (s->len > 0)
		put_open_line(l, s, &b);
	put_left_out(l, s, &b);
	append(l, s->hash, &b);
}

void
core_logs_say(struct core_logs *l, const char *hash, const char *run,
    const char *text)
{
	buf_auto struct buf b = { 0 };

	put_line(l, &b, hash, run, "node", text, strlen(text));
	append(l, hash, &b);
}
