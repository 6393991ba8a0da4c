#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/pages.h"
#include "runtime/state_scan.h"

#define PIECE ((size_t)64 << 10)

int
state_scan_refuse(const char *path, const char *why, struct err *e)
{
	char *safe = str_printable(path, strlen(path), 128);

	err_set(e, ERR_GUEST, "/%s: %s", safe, why);
	free(safe);
	return -1;
}

int
state_scan_fails(const char *path, struct err *e)
{
	char *safe = str_printable(path, strlen(path), 128);

	err_sys(e, "/%s", safe);
	free(safe);
	return -1;
}

int
state_scan_in(const char *path, struct err *e)
{
	char *safe = str_printable(path, strlen(path), 128);

	err_in(e, "/%s", safe);
	free(safe);
	return -1;
}

/* ---- bytes ---- */

static int
read_data(int fd, struct pages *p, uint64_t end, struct err *e)
{
	static char data[PIECE];
	size_t want;
	ssize_t n;

	while (p->len < end) {
		want = end - p->len < PIECE ? (size_t)(end - p->len) : PIECE;
		n = pread(fd, data, want, (off_t)p->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "read");
		if (n == 0)
			return err_set(e, ERR_CONFLICT, "it became shorter");
		pages_add(p, data, (size_t)n);
	}
	return 0;
}

/* Holes are zeroes that nobody has to read. */
static int
hash_file(int fd, uint64_t size, struct merkle_hash *root, struct err *e)
{
	struct pages p;
	off_t data, hole;

	pages_begin(&p);
	while (p.len < size) {
		data = lseek(fd, (off_t)p.len, SEEK_DATA);
		if (data == -1 && errno != ENXIO)
			return err_sys(e, "seek");
		if (data == -1 || (uint64_t)data > size)
			data = (off_t)size;
		pages_add_zeroes(&p, (uint64_t)data - p.len);
		if (p.len == size)
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole == -1 || (uint64_t)hole > size)
			hole = (off_t)size;
		if (read_data(fd, &p, (uint64_t)hole, e) == -1)
			return -1;
	}
	pages_end(&p, root);
	return 0;
}

static int
hash_link(int dir, const char *name, const char *path,
    struct manifest_record *r, struct err *e)
{
	char target[MANIFEST_PATH_MAX + 2];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));

	if (n == -1)
		return state_scan_fails(path, e);
	if ((size_t)n == sizeof(target))
		return state_scan_refuse(path, "a link that is too long", e);
	r->size = (uint64_t)n;
	r->mode = 0777;
	pages_root(target, (size_t)n, &r->root);
	return 0;
}

/* Labels of the host are its own; so is what an overlay needs. */
static bool
is_known(const char *name, bool layer)
{
	static const char host[] = "security.", overlay[] = STATE_SCAN_OVERLAY;
	/* No "redirect" and no "metacopy": they are off. */
	static const char *const kept[] = { "opaque", "origin", "impure",
		"nlink", "protattr", "uuid" };

	if (strncmp(name, host, sizeof(host) - 1) == 0)
		return true;
	if (!layer || strncmp(name, overlay, sizeof(overlay) - 1) != 0)
		return false;
	for (size_t i = 0; i < nitems(kept); i++)
		if (strcmp(name + sizeof(overlay) - 1, kept[i]) == 0)
			return true;
	return false;
}

int
state_scan_attributes(int fd, const char *path, bool layer, struct err *e)
{
	char names[65536];
	ssize_t n = flistxattr(fd, names, sizeof(names));

	if (n == -1 && (errno == ENOTSUP || errno == ENOSYS))
		return 0;
	if (n == -1)
		return errno == ERANGE
		    ? state_scan_refuse(path, "extended attributes", e)
		    : state_scan_fails(path, e);
	for (const char *p = names; p < names + n; p += strlen(p) + 1)
		if (!is_known(p, layer))
			return state_scan_refuse(path, "extended attributes",
			    e);
	return 0;
}

/* ---- names ---- */

static int
scan_file(int dir, const char *name, const char *path,
    struct manifest_record *r, struct err *e)
{
	fd_auto int fd = openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat s;

	if (fd == -1 || fstat(fd, &s) == -1)
		return state_scan_fails(path, e);
	if (!S_ISREG(s.st_mode))
		return state_scan_refuse(path,
		    "it changes while it is looked at", e);
	if (state_scan_check(path, &s, e) == -1)
		return -1;
	r->mode = s.st_mode & 0777;
	r->size = (uint64_t)s.st_size;
	if (state_scan_attributes(fd, path, false, e) == -1)
		return -1;
	return hash_file(fd, r->size, &r->root, e) == 0
	    ? 0
	    : state_scan_in(path, e);
}

int
state_scan_count(const struct manifest *m, const char *path, struct err *e)
{
	return m->len < MANIFEST_PATHS_MAX
	    ? 0
	    : state_scan_refuse(path, "too many names", e);
}

/* What its owner could not read, or not search, nobody could restore. */
int
state_scan_check(const char *path, const struct stat *s, struct err *e)
{
	if (strlen(path) > MANIFEST_PATH_MAX)
		return state_scan_refuse(path, "a path that is too long", e);
	if (S_ISLNK(s->st_mode))
		return 0;
	if (!S_ISREG(s->st_mode) && !S_ISDIR(s->st_mode))
		return state_scan_refuse(path,
		    "neither a file, a directory nor a link", e);
	if (S_ISDIR(s->st_mode) ? (s->st_mode & 0700) != 0700
				: (s->st_mode & 0400) == 0)
		return state_scan_refuse(path, "its owner may not read it", e);
	return 0;
}

int
state_scan_name(int dir, const char *name, const char *path,
    struct manifest_record *r, struct err *e)
{
	struct stat s;

	*r = (struct manifest_record){ .path = (char *)(uintptr_t)path };
	if (fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) == -1)
		return state_scan_fails(path, e);
	if (state_scan_check(path, &s, e) == -1)
		return -1;
	if (S_ISDIR(s.st_mode)) {
		r->type = MANIFEST_DIRECTORY;
		r->mode = s.st_mode & 0777;
		return 0;
	}
	if (S_ISLNK(s.st_mode)) {
		r->type = MANIFEST_LINK;
		return hash_link(dir, name, path, r, e);
	}
	r->type = MANIFEST_FILE;
	return scan_file(dir, name, path, r, e);
}

struct scan {
	struct manifest *manifest;
	struct buf path;
	unsigned depth;
	struct err *e;
};

static int scan_directory(struct scan *, int dir);

static int
scan_one(int dir, const char *name, void *arg)
{
	struct scan *s = arg;
	size_t before = s->path.len;
	struct manifest_record r;
	int fd, result;

	if (before > 0)
		buf_add_char(&s->path, '/');
	buf_add_str(&s->path, name);
	result = state_scan_name(dir, name, buf_text(&s->path), &r, s->e);
	if (result == 0) {
		result = state_scan_count(s->manifest, r.path, s->e);
		if (result == 0)
			manifest_append(s->manifest, &r);
	}
	if (result == 0 && r.type == MANIFEST_DIRECTORY) {
		fd = openat(dir, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		result = fd == -1 ? state_scan_fails(r.path, s->e)
				  : scan_directory(s, fd);
		fd_close(&fd);
	}
	s->path.len = before;
	return result;
}

static int
scan_directory(struct scan *s, int dir)
{
	int r;

	if (state_scan_attributes(dir, buf_text(&s->path), false, s->e) == -1)
		return -1;
	if (++s->depth > STATE_SCAN_DEPTH)
		return state_scan_refuse(buf_text(&s->path), "too deep", s->e);
	r = dir_each(dir, scan_one, s, s->e);
	s->depth--;
	return r;
}

int
state_scan(int dir, struct manifest *m, struct err *e)
{
	struct scan s = { .manifest = m, .e = e };
	struct manifest_record root;
	int r;

	if (state_scan_name(dir, ".", "", &root, e) == -1)
		return -1;
	manifest_append(m, &root);
	r = scan_directory(&s, dir);
	manifest_sort(m);
	buf_fini(&s.path);
	return r;
}
