#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "runtime/audit_files.h"
#include "runtime/audit_follow.h"
#include "runtime/dir_watch.h"

struct follower {
	int dir, watch, fd;
	uint64_t number, behind; /* of the file; of the last record */
	off_t at;                /* of the file: whole lines up to here */
	audit_files_fn *fn;
	void *arg;
};

/* The first file behind that one, or the one that has the record. */
static int
find_file(struct follower *f, uint64_t *number, struct err *e)
{
	uint64_t *all;
	size_t n;

	*number = 0;
	if (audit_files_list(f->dir, &all, &n, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (f->number == 0 && (all[i] <= f->behind || i == 0))
			*number = all[i];
		if (f->number != 0 && all[i] > f->number) {
			*number = all[i];
			break;
		}
	}
	free(all);
	return 0;
}

/* 1: there is one, and it is open. */
static int
next_file(struct follower *f, struct err *e)
{
	char name[AUDIT_FILES_NAME];
	uint64_t number;

	if (find_file(f, &number, e) == -1)
		return -1;
	if (number == 0)
		return 0;
	audit_files_name(name, number);
	fd_close(&f->fd);
	f->fd = openat(f->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (f->fd == -1)
		return err_sys(e, "%s", name);
	f->number = number;
	f->at = 0;
	return 1;
}

static int
take(void *arg, uint64_t seq, const char *hash, const struct value *record)
{
	struct follower *f = arg;

	if (seq <= f->behind)
		return 0;
	f->behind = seq;
	return f->fn(f->arg, seq, hash, record);
}

/* What is whole of it by now: behind the first NUL is room. */
static int
read_file(struct follower *f, struct err *e)
{
	static char data[256 << 10];
	const char *line, *end;
	ssize_t n = 0;
	int r = 0;

	while (r == 0 && f->fd != -1 &&
	    (n = pread(f->fd, data, sizeof(data), f->at)) > 0) {
		line = data;
		while (r == 0 &&
		    (end = memchr(line, '\n', (size_t)(data + n - line))) !=
			NULL &&
		    memchr(line, '\0', (size_t)(end - line)) == NULL) {
			r = audit_files_take(line, (size_t)(end - line), NULL,
			    take, f);
			line = end + 1;
		}
		if (line == data)
			break;
		f->at += line - data;
	}
	if (r == 0 && n == -1)
		return err_sys(e, "audit log");
	return r;
}

/* All that is there now. */
static int
catch_up(struct follower *f, struct err *e)
{
	int r, found;

	do {
		r = read_file(f, e);
		if (r != 0)
			return r;
		found = next_file(f, e);
		if (found == -1)
			return -1;
	} while (found == 1);
	return 0;
}

static int
follow(struct follower *f, struct err *e)
{
	int r;

	f->watch = dir_watch_open(f->dir, e);
	r = f->watch == -1 ? -1 : 0;
	while (r == 0) {
		r = catch_up(f, e);
		if (r == 0 && fflush(stdout) != 0)
			r = err_sys(e, "standard output");
		if (r == 0)
			r = dir_watch_wait(f->watch, e);
	}
	return r;
}

int
audit_follow(int dir, uint64_t behind, audit_files_fn *fn, void *arg,
    struct err *e)
{
	struct follower f = { .dir = dir,
		.watch = -1,
		.fd = -1,
		.behind = behind,
		.fn = fn,
		.arg = arg };
	int r = follow(&f, e);

	fd_close(&f.fd);
	fd_close(&f.watch);
	return r;
}

static int
ignore(void *arg, uint64_t seq, const char *hash, const struct value *record)
{
	(void)arg;
	(void)seq;
	(void)hash;
	(void)record;
	return 0;
}

int
audit_follow_last(int dir, uint64_t *last, struct err *e)
{
	struct follower f = { .dir = dir,
		.fd = -1,
		.behind = UINT64_MAX, /* the last file */
		.fn = ignore };
	int r = next_file(&f, e);

	f.behind = 0;
	if (r == 1)
		r = catch_up(&f, e);
	fd_close(&f.fd);
	*last = f.behind;
	return r == -1 ? -1 : 0;
}
