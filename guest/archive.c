#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/control.h"
#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest/archive.h"
#include "guest/tree.h"

#define NAMES_MAX 100000

struct writer {
	struct archive *a;
	bool skip;
};

struct names {
	size_t len;
	char **item;
};

static int
add_name(int dir, const char *name, void *arg)
{
	struct names *n = arg;

	(void)dir;
	if (n->len == NAMES_MAX)
		return 1;
	if ((n->len & (n->len - 1)) == 0) {
		n->item = realloc(n->item, (2 * n->len + 1) * sizeof(char *));
		invariant(n->item != NULL);
	}
	n->item[n->len++] = str_dup(name);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
copy_data(struct archive *a, int fd, struct err *e)
{
	char data[64 << 10];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "read");
		if (archive_write_data(a, data, (size_t)n) != n)
			return err_set(e, ERR_SYSTEM, "%s",
			    archive_error_string(a));
	}
	return 0;
}

static int
write_entry(struct archive *a, int dir, const char *name, const char *path,
    const struct stat *s, struct err *e)
{
	struct archive_entry *entry = archive_entry_new();
	fd_auto int fd = -1;
	char target[4096];
	ssize_t n;
	int r = 0;

	archive_entry_set_pathname(entry, path);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_filetype(entry, s->st_mode & S_IFMT);
	archive_entry_set_perm(entry,
	    S_ISDIR(s->st_mode) || (s->st_mode & 0100) != 0 ? 0755 : 0644);
	if (S_ISLNK(s->st_mode)) {
		n = readlinkat(dir, name, target, sizeof(target) - 1);
		if (n == -1)
			r = err_sys(e, "%s", path);
		else
			target[n] = '\0';
		archive_entry_set_symlink(entry, n == -1 ? "" : target);
	} else if (S_ISREG(s->st_mode)) {
		fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd == -1)
			r = err_sys(e, "%s", path);
		archive_entry_set_size(entry, s->st_size);
	}
	if (r == 0 && archive_write_header(a, entry) != ARCHIVE_OK)
		r = err_set(e, ERR_SYSTEM, "%s: %s", path,
		    archive_error_string(a));
	if (r == 0 && fd != -1 && copy_data(a, fd, e) == -1)
		r = err_in(e, "%s", path);
	archive_entry_free(entry);
	return r;
}

static int write_dir(const struct writer *, int dir, const char *path,
    int depth, struct err *);

/* True if an entry is none that an archive may hold. */
static bool
is_odd(const struct writer *w, int dir, const char *name, const char *path,
    const struct stat *s)
{
	char target[4096];
	ssize_t n;

	if (!CONTROL(12))
		return false;
	if (S_ISREG(s->st_mode))
		return w->skip && s->st_nlink != 1;
	if (S_ISDIR(s->st_mode))
		return false;
	if (!S_ISLNK(s->st_mode))
		return true;
	if (!w->skip)
		return false;
	n = readlinkat(dir, name, target, sizeof(target) - 1);
	if (n == -1)
		return true;
	target[n] = '\0';
	return !tree_link_stays(path, target);
}

static int
leave_out(const char *path)
{
	char *safe = str_printable(path, strlen(path), 200);

	fprintf(stderr, "left out: %s\n", safe);
	free(safe);
	return 0;
}

static int
write_one(const struct writer *w, int dir, const char *name, const char *path,
    int depth, struct err *e)
{
	fd_auto int sub = -1;
	struct stat s;

	if (fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) == -1)
		return err_sys(e, "%s", path);
	if (is_odd(w, dir, name, path, &s))
		return w->skip
		    ? leave_out(path)
		    : err_set(e, ERR_INVALID,
			  "%s: neither a file, a directory nor a symbolic link",
			  path);
	if (write_entry(w->a, dir, name, path, &s, e) == -1)
		return -1;
	if (!S_ISDIR(s.st_mode))
		return 0;
	sub =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return sub == -1 ? err_sys(e, "%s", path)
			 : write_dir(w, sub, path, depth + 1, e);
}

static int
write_dir(const struct writer *w, int dir, const char *path, int depth,
    struct err *e)
{
	struct names names = { 0, NULL };
	char *below;
	int r;

	if (depth > 64)
		return err_set(e, ERR_INVALID, "%s: too deep", path);
	r = dir_each(dir, add_name, &names, e);
	if (r == 1)
		r = err_set(e, ERR_INVALID, "%s: too many names", path);
	if (names.len > 0)
		qsort(names.item, names.len, sizeof(char *), by_name);
	for (size_t i = 0; i < names.len; i++) {
		below = *path == '\0'
		    ? str_dup(names.item[i])
		    : str_printf("%s/%s", path, names.item[i]);
		if (r == 0)
			r = write_one(w, dir, names.item[i], below, depth, e);
		free(below);
		free(names.item[i]);
	}
	free(names.item);
	return r;
}

static int
set_up(struct archive *a, enum archive_form form, int out)
{
	/* No padding: the archive ends where it ends. */
	if (archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK)
		return ARCHIVE_FATAL;
	if (form == ARCHIVE_ZIP) {
		if (archive_write_set_format_zip(a) != ARCHIVE_OK)
			return ARCHIVE_FATAL;
		return archive_write_open_fd(a, out);
	}
	/* No time in the gzip header either: the same bytes twice. */
	if (archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
	    archive_write_set_filter_option(a, "gzip", "timestamp", NULL) !=
		ARCHIVE_OK ||
	    archive_write_set_format_pax_restricted(a) != ARCHIVE_OK)
		return ARCHIVE_FATAL;
	return archive_write_open_fd(a, out);
}

int
archive_directory(int dir, int out, enum archive_form form, bool skip,
    struct err *e)
{
	struct archive *a = archive_write_new();
	const struct writer w = { a, skip };
	int r;

	invariant(a != NULL);
	if (set_up(a, form, out) != ARCHIVE_OK)
		r = err_set(e, ERR_SYSTEM, "%s", archive_error_string(a));
	else
		r = write_dir(&w, dir, "", 0, e);
	if (archive_write_close(a) != ARCHIVE_OK && r == 0)
		r = err_set(e, ERR_SYSTEM, "%s", archive_error_string(a));
	archive_write_free(a);
	return r;
}
