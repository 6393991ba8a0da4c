#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "messages/manifest.h"
#include "runtime/state_copy.h"
#include "runtime/state_scan.h"

struct copy {
	int to; /* of the directory that is copied */
	struct buf path;
	unsigned depth;
	struct err *e;
};

/* Holes stay holes: a piece goes from data to data. */
static int
copy_data(int from, int to, off_t size, struct err *e)
{
	off_t data = 0, hole;
	ssize_t n;

	if (ftruncate(to, size) == -1)
		return err_sys(e, "write");
	while ((data = lseek(from, data, SEEK_DATA)) != -1 && data < size) {
		hole = lseek(from, data, SEEK_HOLE);
		hole = hole == -1 || hole > size ? size : hole;
		if (lseek(from, data, SEEK_SET) == -1 ||
		    lseek(to, data, SEEK_SET) == -1)
			return err_sys(e, "seek");
		for (; data < hole; data += n) {
			n = copy_file_range(from, NULL, to, NULL,
			    (size_t)(hole - data), 0);
			if (n == 0)
				return err_set(e, ERR_CONFLICT,
				    "it became shorter");
			if (n == -1)
				return err_sys(e, "copy");
		}
	}
	return 0;
}

static int
copy_file(int dir, const char *name, int to, const char *path, struct err *e)
{
	fd_auto int in = openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	fd_auto int out = -1;
	struct stat s;

	if (in == -1 || fstat(in, &s) == -1)
		return state_scan_fails(path, e);
	if (!S_ISREG(s.st_mode))
		return state_scan_refuse(path,
		    "it changes while it is looked at", e);
	if (state_scan_check(path, &s, e) == -1 ||
	    state_scan_attributes(in, path, false, e) == -1)
		return -1;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out == -1)
		return state_scan_fails(path, e);
	if (copy_data(in, out, s.st_size, e) == -1)
		return state_scan_in(path, e);
	return fchmod(out, s.st_mode & 0777) == -1 ? state_scan_fails(path, e)
						   : 0;
}

static int
copy_link(int dir, const char *name, int to, const char *path, struct err *e)
{
	char target[MANIFEST_PATH_MAX + 2];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));

	if (n == -1)
		return state_scan_fails(path, e);
	if ((size_t)n == sizeof(target))
		return state_scan_refuse(path, "a link that is too long", e);
	target[n] = '\0';
	return symlinkat(target, to, name) == -1 ? state_scan_fails(path, e)
						 : 0;
}

static int copy_all(struct copy *, int from);

static int
copy_directory(struct copy *c, int dir, const char *name)
{
	const int before = c->to;
	fd_auto int from =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	fd_auto int to = -1;
	int r;

	if (from == -1 || mkdirat(c->to, name, 0700) == -1)
		return state_scan_fails(c->path.data, c->e);
	to = openat(c->to, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to == -1)
		return state_scan_fails(c->path.data, c->e);
	c->to = to;
	r = copy_all(c, from);
	c->to = before;
	return r;
}

static int
copy_one(int dir, const char *name, void *arg)
{
	struct copy *c = arg;
	const size_t before = c->path.len;
	const char *path;
	struct stat s;
	int r;

	if (before > 0)
		buf_add_char(&c->path, '/');
	buf_add_str(&c->path, name);
	path = buf_text(&c->path);
	if (fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) == -1)
		r = state_scan_fails(path, c->e);
	else if (state_scan_check(path, &s, c->e) == -1)
		r = -1;
	else if (S_ISDIR(s.st_mode))
		r = copy_directory(c, dir, name);
	else if (S_ISLNK(s.st_mode))
		r = copy_link(dir, name, c->to, path, c->e);
	else
		r = copy_file(dir, name, c->to, path, c->e);
	c->path.len = before;
	return r;
}

static int
copy_all(struct copy *c, int from)
{
	struct stat s;
	int r;

	if (state_scan_attributes(from, buf_text(&c->path), false, c->e) == -1)
		return -1;
	if (++c->depth > STATE_SCAN_DEPTH)
		return state_scan_refuse(buf_text(&c->path), "too deep", c->e);
	r = dir_each(from, copy_one, c, c->e);
	c->depth--;
	if (r == 0 &&
	    (fstat(from, &s) == -1 || fchmod(c->to, s.st_mode & 0777) == -1))
		return state_scan_fails(buf_text(&c->path), c->e);
	return r;
}

int
state_copy(int from, int to, struct err *e)
{
	struct copy c = { .to = to, .e = e };
	int r = copy_all(&c, from);

	buf_fini(&c.path);
	return r;
}
