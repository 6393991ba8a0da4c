#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest/layer.h"

/* What an image may be; the volume and the machine bound the bytes. */
#define ENTRIES_MAX 200000
#define NAME_MAX_LEN 4096
#define DEPTH_MAX 128

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"

struct layer {
	struct archive *a;
	int root;
	uint64_t entries;
	void *made; /* names of this layer, for tsearch(3) */
	struct layer_report *report;
};

static int
refuse(struct err *e, const char *name, const char *why)
{
	char *safe = str_printable(name, strlen(name), 120);

	err_set(e, ERR_INVALID, "%s: %s", safe, why);
	free(safe);
	return -1;
}

static int
refuse_sys(struct err *e, const char *name)
{
	return refuse(e, name,
	    errno == ENOSPC || errno == EDQUOT || errno == EFBIG
		? "the image is too large: the disk limit is reached"
		: errno == ELOOP   ? "it lies behind a link that leads nowhere"
		: errno == ENOTDIR ? "it lies below a file"
		: errno == ENAMETOOLONG ? "a name that is too long"
					: strerrordesc_np(errno));
}

/* ---- names ---- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool
is_made(const struct layer *l, const char *name)
{
	return tfind(name, &l->made, by_name) != NULL;
}

static void
note_made(struct layer *l, const char *name)
{
	char *copy;

	if (is_made(l, name))
		return;
	copy = str_dup(name);
	invariant(tsearch(copy, &l->made, by_name) != NULL);
}

/*
 * Without a leading "/" or "./", without "." and empty parts; ".." is refused.
 * The root itself becomes "".
 */
static int
clean_name(const char *raw, char out[NAME_MAX_LEN], struct err *e)
{
	size_t len = 0, n, depth = 0;

	for (const char *p = raw; *p != '\0'; p += n) {
		n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return refuse(e, raw, "a name that leaves the image");
		if (n == 0 || (n == 1 && p[0] == '.')) {
			n += p[n] == '/';
			continue;
		}
		if (len + n + 2 > NAME_MAX_LEN || ++depth > DEPTH_MAX)
			return refuse(e, raw, "a name that is too long");
		if (len > 0)
			out[len++] = '/';
		memcpy(out + len, p, n);
		len += n;
	}
	out[len] = '\0';
	return 0;
}

static int
open_in_root(int root, const char *name, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, root, *name == '\0' ? "." : name, &how,
	    sizeof(how));
}

/*
 * The directory that holds a name's last part, made if it is missing; the
 * part's start goes to base.
 */
static int
open_parent(int root, const char *name, const char **base, struct err *e)
{
	const char *slash = strrchr(name, '/'), *last;
	fd_auto int above = -1;
	char *parent;
	int fd;

	*base = slash == NULL ? name : slash + 1;
	parent = slash == NULL ? str_dup("")
			       : str_printf("%.*s", (int)(slash - name), name);
	fd = open_in_root(root, parent, O_PATH | O_DIRECTORY);
	if (fd == -1 && errno == ENOENT && *parent != '\0') {
		above = open_parent(root, parent, &last, e);
		if (above == -1) {
			free(parent);
			return -1;
		}
		fd = mkdirat(above, last, 0755) == -1
		    ? -1
		    : openat(above, last,
			  O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd == -1) {
		if (errno == EEXIST)
			errno = ELOOP; /* a link whose target is not there */
		refuse_sys(e, name);
	}
	free(parent);
	return fd;
}

/* ---- removing ---- */

struct removal {
	struct layer *layer;
	const char *path; /* of the directory, for names of this layer */
	bool keep_made;
	struct err *e;
};

static int remove_below(int dir, const char *name, void *arg);

/* dir/name, whose path from the root is path. */
static int
remove_tree(struct layer *l, int dir, const char *name, const char *path,
    bool keep_made, struct err *e)
{
	struct removal below = { l, path, keep_made, e };
	fd_auto int sub = -1;

	if (keep_made && is_made(l, path)) {
		sub = openat(dir, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return sub == -1 ? 0 : dir_each(sub, remove_below, &below, e);
	}
	if (unlinkat(dir, name, 0) == 0) {
		l->report->removed++;
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	sub =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub == -1)
		return refuse_sys(e, path);
	if (dir_each(sub, remove_below, &below, e) == -1)
		return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) == -1 &&
	    !(keep_made && errno == ENOTEMPTY))
		return refuse_sys(e, path);
	return 0;
}

static int
remove_below(int dir, const char *name, void *arg)
{
	struct removal *r = arg;
	char *path = *r->path == '\0' ? str_dup(name)
				      : str_printf("%s/%s", r->path, name);
	int status = remove_tree(r->layer, dir, name, path, r->keep_made, r->e);

	free(path);
	return status;
}

/* Everything in the directory that lower layers left there. */
static int
make_opaque(struct layer *l, const char *name, struct err *e)
{
	const char *slash = strrchr(name, '/');
	char *path = slash == NULL
	    ? str_dup("")
	    : str_printf("%.*s", (int)(slash - name), name);
	struct removal below = { l, path, true, e };
	fd_auto int dir = open_in_root(l->root, path, O_RDONLY | O_DIRECTORY);
	int r = 0;

	if (dir != -1)
		r = dir_each(dir, remove_below, &below, e);
	else if (errno != ENOENT)
		r = refuse_sys(e, name);
	free(path);
	return r;
}

static int
white_out(struct layer *l, int dir, const char *name, const char *base,
    struct err *e)
{
	const char *target = base + sizeof(WHITEOUT) - 1;
	char *path;
	int r;

	if (*target == '\0' || strcmp(target, ".") == 0 ||
	    strcmp(target, "..") == 0)
		return refuse(e, name, "a whiteout of nothing");
	path = str_printf("%.*s%s", (int)(base - name), name, target);
	r = remove_tree(l, dir, target, path, true, e);
	free(path);
	return r;
}

/* ---- making ---- */

/* What stood there goes, unless a directory meets a directory. */
static int
make_room(struct layer *l, int dir, const char *base, const char *name,
    bool directory, bool *there, struct err *e)
{
	struct stat s;

	*there = false;
	if (fstatat(dir, base, &s, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : refuse_sys(e, name);
	if (directory && S_ISDIR(s.st_mode)) {
		*there = true;
		return 0;
	}
	return remove_tree(l, dir, base, name, false, e);
}

static int
write_file(struct layer *l, int dir, const char *base, const char *name,
    mode_t mode, struct err *e)
{
	fd_auto int fd = openat(dir, base,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	la_int64_t at, size = 0;
	const void *data;
	size_t len;
	int r;

	if (fd == -1)
		return refuse_sys(e, name);
	while ((r = archive_read_data_block(l->a, &data, &len, &at)) ==
	    ARCHIVE_OK) {
		if (len > 0 && pwrite(fd, data, len, at) != (ssize_t)len)
			return refuse_sys(e, name);
		size = at + (la_int64_t)len;
	}
	if (r != ARCHIVE_EOF)
		return refuse(e, name, "damaged data");
	/* A sparse file may end in a hole. */
	return ftruncate(fd, size) == -1 ? refuse_sys(e, name) : 0;
}

static int
copy_file(int from, int dir, const char *base, mode_t mode)
{
	fd_auto int to = openat(dir, base,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	char data[64 << 10];
	ssize_t n = 0;

	while (to != -1 && (n = read(from, data, sizeof(data))) > 0)
		if (fd_write_full(to, data, (size_t)n) == -1)
			return -1;
	return to == -1 || n == -1 ? -1 : 0;
}

/* The second name of a file; a copy where the kernel makes none. */
static int
add_hard_link(struct layer *l, int dir, const char *base, const char *name,
    const char *raw_target, struct err *e)
{
	char target[NAME_MAX_LEN];
	fd_auto int from_dir = -1, from = -1;
	const char *from_base;
	struct stat s;
	bool there;

	if (clean_name(raw_target, target, e) == -1)
		return err_in(e, "a hard link");
	/* Its own name again, as some archivers write it. */
	if (strcmp(target, name) == 0)
		return 0;
	if (make_room(l, dir, base, name, false, &there, e) == -1)
		return -1;
	from_dir = open_parent(l->root, target, &from_base, e);
	if (from_dir == -1)
		return -1;
	if (fstatat(from_dir, from_base, &s, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !(S_ISREG(s.st_mode) || S_ISLNK(s.st_mode)))
		return refuse(e, name, "a hard link to what is not there");
	if (linkat(from_dir, from_base, dir, base, 0) == 0)
		return 0;
	if ((errno != EXDEV && errno != EPERM) || !S_ISREG(s.st_mode))
		return refuse_sys(e, name);
	from = openat(from_dir, from_base, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return from == -1 || copy_file(from, dir, base, s.st_mode & 0777) == -1
	    ? refuse_sys(e, name)
	    : 0;
}

static bool
is_special(const struct archive_entry *entry)
{
	mode_t type = archive_entry_filetype((struct archive_entry *)entry);

	return type == AE_IFCHR || type == AE_IFBLK || type == AE_IFIFO ||
	    type == AE_IFSOCK;
}

static int
make_entry(struct layer *l, struct archive_entry *entry, int dir,
    const char *base, const char *name, struct err *e)
{
	const char *hard = archive_entry_hardlink(entry);
	mode_t type = archive_entry_filetype(entry);
	mode_t perm = archive_entry_perm(entry);
	const char *target;
	bool there;

	if (hard != NULL)
		return add_hard_link(l, dir, base, name, hard, e);
	if (make_room(l, dir, base, name, type == AE_IFDIR, &there, e) == -1)
		return -1;
	if ((perm & 07000) != 0 && type == AE_IFREG)
		l->report->setid++;
	switch (type) {
	case AE_IFDIR:
		return there || mkdirat(dir, base, 0755) == 0
		    ? 0
		    : refuse_sys(e, name);
	case AE_IFREG:
		return write_file(l, dir, base, name,
		    (perm & 0111) != 0 ? 0755 : 0644, e);
	case AE_IFLNK:
		target = archive_entry_symlink(entry);
		if (target == NULL || *target == '\0')
			return refuse(e, name, "a link without a target");
		return symlinkat(target, dir, base) == 0 ? 0
							 : refuse_sys(e, name);
	default:
		return refuse(e, name,
		    "neither a file, a directory nor a link");
	}
}

static int
take_entry(struct layer *l, struct archive_entry *entry, struct err *e)
{
	const char *raw = archive_entry_pathname(entry), *base;
	char name[NAME_MAX_LEN];
	fd_auto int dir = -1;

	if (raw == NULL)
		return err_set(e, ERR_INVALID,
		    "an entry whose name is not UTF-8");
	if (++l->entries > ENTRIES_MAX)
		return refuse(e, raw, "too many entries");
	if (clean_name(raw, name, e) == -1)
		return -1;
	if (*name == '\0')
		return 0;
	base = strrchr(name, '/');
	base = base == NULL ? name : base + 1;
	if (strcmp(base, OPAQUE) == 0)
		return make_opaque(l, name, e);
	if (is_special(entry)) {
		l->report->special++;
		return 0;
	}
	dir = open_parent(l->root, name, &base, e);
	if (dir == -1)
		return -1;
	if (strncmp(base, WHITEOUT, sizeof(WHITEOUT) - 1) == 0)
		return white_out(l, dir, name, base, e);
	if (archive_entry_xattr_count(entry) > 0)
		l->report->foreign++;
	if (make_entry(l, entry, dir, base, name, e) == -1)
		return -1;
	note_made(l, name);
	l->report->files++;
	return 0;
}

int
layer_apply(int root, int in, struct layer_report *report, struct err *e)
{
	struct layer l = { archive_read_new(), root, 0, NULL, report };
	struct archive_entry *entry;
	const char *why;
	int r, status = 0;

	invariant(l.a != NULL);
	*report = (struct layer_report){ 0 };
	archive_read_support_format_tar(l.a);
	archive_read_support_filter_gzip(l.a);
	archive_read_support_filter_bzip2(l.a);
	archive_read_support_filter_xz(l.a);
	archive_read_support_filter_zstd(l.a);
	r = archive_read_open_fd(l.a, in, 64 << 10);
	/* A warning is an attribute that could not be read: none is kept. */
	while ((r == ARCHIVE_OK || r == ARCHIVE_WARN) && status == 0) {
		r = archive_read_next_header(l.a, &entry);
		if (r == ARCHIVE_OK || r == ARCHIVE_WARN)
			status = take_entry(&l, entry, e);
	}
	if (status == 0 && r != ARCHIVE_EOF) {
		why = archive_error_string(l.a);
		status = err_set(e, ERR_INVALID, "not a whole tar: %s",
		    why == NULL ? "damaged" : why);
	}
	archive_read_free(l.a);
	tdestroy(l.made, free);
	return status;
}
