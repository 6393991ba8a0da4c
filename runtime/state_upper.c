#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/pages.h"
#include "runtime/state_plan.h"
#include "runtime/state_scan.h"
#include "runtime/state_upper.h"

#define PIECE ((size_t)64 << 10)
#define NAME_SIZE 16 /* of a staged file */

struct taking {
	struct manifest *manifest;
	struct buf *plan;
	int staging;
	unsigned staged; /* files */
	struct buf path;
	unsigned depth;
	struct err *e;
};

/* ---- what a name of the layer is ---- */

static bool
is_whiteout(const struct stat *s)
{
	return S_ISCHR(s->st_mode) && s->st_rdev == makedev(0, 0);
}

/* Nothing of what is below it in the tree is seen. */
static bool
is_opaque(int dir)
{
	char value;

	return fgetxattr(dir, STATE_SCAN_OVERLAY "opaque", &value, 1) == 1 &&
	    value == 'y';
}

/* ---- one name ---- */

/* In the place of what the manifest has there, if it has. */
static int
put(struct taking *t, const struct manifest_record *r)
{
	if (manifest_find(t->manifest, r->path) == NULL &&
	    state_scan_count(t->manifest, r->path, t->e) == -1)
		return -1;
	manifest_put(t->manifest, r);
	return 0;
}

/* What stands there in the tree goes. */
static void
take_away(struct taking *t, const char *path)
{
	if (manifest_find(t->manifest, path) == NULL)
		return;
	manifest_remove(t->manifest, path);
	state_plan_remove(t->plan, path);
}

static int
stage(struct taking *t, int from, struct manifest_record *r, char *name)
{
	static char data[PIECE];
	fd_auto int to = -1;
	struct pages p;
	ssize_t n;

	snprintf(name, NAME_SIZE, "%u", t->staged);
	to = openat(t->staging, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to == -1)
		return err_sys(t->e, "staging");
	pages_begin(&p);
	while ((n = fd_read_full(from, data, sizeof(data))) > 0) {
		if (fd_write_full(to, data, (size_t)n) == -1)
			return err_sys(t->e, "staging");
		pages_add(&p, data, (size_t)n);
	}
	if (n == -1)
		return state_scan_fails(r->path, t->e);
	r->size = p.len;
	pages_end(&p, &r->root);
	return fchmod(to, r->mode) == -1 ? err_sys(t->e, "staging") : 0;
}

static bool
is_same(const struct manifest_record *a, const struct manifest_record *b)
{
	return a != NULL && a->type == b->type && a->mode == b->mode &&
	    a->size == b->size && merkle_is_same(&a->root, &b->root);
}

static int
take_file(struct taking *t, int dir, const char *name, struct stat *s)
{
	const char *path = buf_text(&t->path);
	struct manifest_record r = { .path = (char *)(uintptr_t)path,
		.type = MANIFEST_FILE,
		.mode = s->st_mode & 0777 };
	const struct manifest_record *before = manifest_find(t->manifest, path);
	fd_auto int from = -1;
	char staged[NAME_SIZE];

	if (state_scan_check(path, s, t->e) == -1)
		return -1;
	from =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (from == -1)
		return state_scan_fails(path, t->e);
	if (state_scan_attributes(from, path, true, t->e) == -1 ||
	    stage(t, from, &r, staged) == -1)
		return -1;
	/* It was opened to be written, and is as it was. */
	if (is_same(before, &r)) {
		(void)unlinkat(t->staging, staged, 0);
		return 0;
	}
	if (before != NULL && before->type == MANIFEST_DIRECTORY)
		take_away(t, path);
	if (put(t, &r) == -1)
		return -1;
	state_plan_file(t->plan, path, t->staged++);
	return 0;
}

static int
take_link(struct taking *t, int dir, const char *name)
{
	const char *path = buf_text(&t->path);
	const struct manifest_record *before = manifest_find(t->manifest, path);
	char target[MANIFEST_PATH_MAX + 1];
	struct manifest_record r;
	ssize_t n;

	if (state_scan_name(dir, name, path, &r, t->e) == -1)
		return -1;
	if (is_same(before, &r))
		return 0;
	n = readlinkat(dir, name, target, sizeof(target) - 1);
	if (n != (ssize_t)r.size)
		return state_scan_refuse(path,
		    "it changes while it is looked at", t->e);
	target[n] = '\0';
	if (before != NULL && before->type == MANIFEST_DIRECTORY)
		take_away(t, path);
	if (put(t, &r) == -1)
		return -1;
	state_plan_link(t->plan, path, target);
	return 0;
}

static int take_names(struct taking *, int dir);

static int
take_directory(struct taking *t, int dir, const char *name, struct stat *s)
{
	const char *path = buf_text(&t->path);
	struct manifest_record r = { .path = (char *)(uintptr_t)path,
		.type = MANIFEST_DIRECTORY,
		.mode = s->st_mode & 0777 };
	const struct manifest_record *before;
	fd_auto int sub = -1;

	if (state_scan_check(path, s, t->e) == -1)
		return -1;
	sub =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub == -1)
		return state_scan_fails(path, t->e);
	if (state_scan_attributes(sub, path, true, t->e) == -1)
		return -1;
	before = manifest_find(t->manifest, path);
	if (before != NULL && path[0] != '\0' &&
	    (before->type != MANIFEST_DIRECTORY || is_opaque(sub))) {
		take_away(t, path);
		before = NULL;
	}
	if (!is_same(before, &r)) {
		if (put(t, &r) == -1)
			return -1;
		state_plan_directory(t->plan, path, r.mode);
	}
	return take_names(t, sub);
}

static int
take_one(int dir, const char *name, void *arg)
{
	struct taking *t = arg;
	size_t before = t->path.len;
	struct stat s;
	int r;

	if (before > 0)
		buf_add_char(&t->path, '/');
	buf_add_str(&t->path, name);
	if (fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) == -1) {
		r = state_scan_fails(buf_text(&t->path), t->e);
	} else if (is_whiteout(&s)) {
		take_away(t, buf_text(&t->path));
		r = 0;
	} else if (S_ISDIR(s.st_mode)) {
		r = take_directory(t, dir, name, &s);
	} else if (S_ISLNK(s.st_mode)) {
		r = take_link(t, dir, name);
	} else {
		r = take_file(t, dir, name, &s);
	}
	t->path.len = before;
	return r;
}

static int
take_names(struct taking *t, int dir)
{
	int r;

	if (++t->depth > STATE_SCAN_DEPTH)
		return state_scan_refuse(buf_text(&t->path), "too deep", t->e);
	r = dir_each(dir, take_one, t, t->e);
	t->depth--;
	return r;
}

/*
 * In which order the kernel lists names does not matter: no two of a directory
 * are in each other's way, and a directory comes in front of what is in it.
 */
int
state_upper_take(int upper, int staging, struct manifest *m, struct buf *plan,
    struct err *e)
{
	struct taking t = { .manifest = m,
		.plan = plan,
		.staging = staging,
		.e = e };
	struct stat s;
	int r;

	if (fstat(upper, &s) == -1)
		return err_sys(e, "upper layer");
	r = take_directory(&t, upper, ".", &s);
	buf_fini(&t.path);
	return r;
}
