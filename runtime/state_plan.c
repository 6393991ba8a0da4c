#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/manifest.h"
#include "runtime/state_plan.h"
#include "runtime/state_scan.h"

enum step { REMOVE = 1, DIRECTORY, FILE_STAGED, LINK };

#define NAME_SIZE 16
#define SHORT 16 /* steps of a plan whose directories are synced one by one */
/* In the staging directory, for as long as a name is not in its place. */
#define NEW_NAME "new"

void
state_plan_remove(struct buf *b, const char *path)
{
	buf_put_u8(b, REMOVE);
	buf_put_str(b, path);
}

void
state_plan_directory(struct buf *b, const char *path, unsigned mode)
{
	buf_put_u8(b, DIRECTORY);
	buf_put_str(b, path);
	buf_put_u32(b, mode);
}

void
state_plan_file(struct buf *b, const char *path, unsigned staged)
{
	buf_put_u8(b, FILE_STAGED);
	buf_put_str(b, path);
	buf_put_u32(b, staged);
}

void
state_plan_link(struct buf *b, const char *path, const char *target)
{
	buf_put_u8(b, LINK);
	buf_put_str(b, path);
	buf_put_str(b, target);
}

/* ---- steps ---- */

struct place {
	int dir;
	const char *name; /* "." for the tree itself */
};

/* The directory that a path is in: no link on the way is followed. */
static int
find(int tree, const char *path, struct place *p, struct err *e)
{
	const struct open_how how = { .flags =
					  O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		    RESOLVE_NO_MAGICLINKS };
	const char *slash = strrchr(path, '/');
	char *parent = slash == NULL
	    ? str_dup(".")
	    : str_printf("%.*s", (int)(slash - path), path);

	p->name = path[0] == '\0' ? "." : slash == NULL ? path : slash + 1;
	p->dir = (int)syscall(SYS_openat2, tree, parent, &how, sizeof(how));
	free(parent);
	return p->dir == -1 ? state_scan_fails(path, e) : 0;
}

/* What was removed already, its directory too, is removed. */
static int
do_remove(int tree, const char *path, struct err *e)
{
	struct place p;
	struct stat s;
	int r = 0;

	if (find(tree, path, &p, e) == -1)
		return e->sys == ENOENT || e->sys == ENOTDIR ? 0 : -1;
	dir_remove(p.dir, p.name);
	if (fstatat(p.dir, p.name, &s, AT_SYMLINK_NOFOLLOW) == 0)
		r = state_scan_refuse(path, "it cannot be removed", e);
	else if (errno != ENOENT)
		r = state_scan_fails(path, e);
	fd_close(&p.dir);
	return r;
}

static int
do_directory(int tree, const char *path, unsigned mode, struct err *e)
{
	struct place p;
	int r = 0;

	if (find(tree, path, &p, e) == -1)
		return -1;
	if ((path[0] != '\0' && mkdirat(p.dir, p.name, 0700) == -1 &&
		errno != EEXIST) ||
	    fchmodat(p.dir, p.name, mode, 0) == -1)
		r = state_scan_fails(path, e);
	fd_close(&p.dir);
	return r;
}

/* It is whole before it has its name; what had it goes with the same step. */
static int
put_in_place(int staging, const struct place *p, const char *path,
    struct err *e)
{
	int r = renameat(staging, NEW_NAME, p->dir, p->name);

	/* Of two names of one file, rename(2) leaves both. */
	(void)unlinkat(staging, NEW_NAME, 0);
	return r == -1 ? state_scan_fails(path, e) : 0;
}

/* The staged file stays, for the next time. */
static int
do_file(int tree, int staging, const char *path, unsigned staged, struct err *e)
{
	char name[NAME_SIZE];
	struct place p;
	int r;

	if (find(tree, path, &p, e) == -1)
		return -1;
	snprintf(name, sizeof(name), "%u", staged);
	(void)unlinkat(staging, NEW_NAME, 0);
	r = linkat(staging, name, staging, NEW_NAME, 0) == -1
	    ? err_sys(e, "staged file %s", name)
	    : put_in_place(staging, &p, path, e);
	fd_close(&p.dir);
	return r;
}

static int
do_link(int tree, int staging, const char *path, const char *target,
    struct err *e)
{
	struct place p;
	int r;

	if (find(tree, path, &p, e) == -1)
		return -1;
	(void)unlinkat(staging, NEW_NAME, 0);
	r = symlinkat(target, staging, NEW_NAME) == -1
	    ? state_scan_fails(path, e)
	    : put_in_place(staging, &p, path, e);
	fd_close(&p.dir);
	return r;
}

static int
do_one(int tree, int staging, struct buf *plan, struct err *e)
{
	char path[MANIFEST_PATH_MAX + 1], target[MANIFEST_PATH_MAX + 1];
	uint8_t step = buf_get_u8(plan);

	buf_get_str(plan, path, sizeof(path));
	switch (step) {
	case REMOVE:
		return do_remove(tree, path, e);
	case DIRECTORY:
		return do_directory(tree, path, buf_get_u32(plan), e);
	case FILE_STAGED:
		return do_file(tree, staging, path, buf_get_u32(plan), e);
	case LINK:
		buf_get_str(plan, target, sizeof(target));
		return do_link(tree, staging, path, target, e);
	default:
		return err_set(e, ERR_SYSTEM, "a plan that is none");
	}
}

int
state_plan_run(int tree, int staging, const struct buf *plan, unsigned steps,
    struct err *e)
{
	struct buf b = buf_over(plan->data, plan->len);

	for (; steps > 0 && b.at < b.len && !b.failed; steps--)
		if (do_one(tree, staging, &b, e) == -1)
			return -1;
	return b.failed ? err_set(e, ERR_SYSTEM, "a plan that breaks off") : 0;
}

/* ---- what was done is on the disk ---- */

static bool
is_short(const struct buf *plan)
{
	struct buf b = buf_over(plan->data, plan->len);
	char path[MANIFEST_PATH_MAX + 1];
	unsigned n = 0;
	uint8_t step;

	for (; b.at < b.len && !b.failed && n <= SHORT; n++) {
		step = buf_get_u8(&b);
		buf_get_str(&b, path, sizeof(path));
		if (step == DIRECTORY || step == FILE_STAGED)
			(void)buf_get_u32(&b);
		else if (step == LINK)
			buf_get_str(&b, path, sizeof(path));
	}
	return n <= SHORT;
}

/* A directory that another step removed has nothing to be synced. */
static int
sync_one(int tree, struct buf *plan, struct err *e)
{
	char path[MANIFEST_PATH_MAX + 1], target[MANIFEST_PATH_MAX + 1];
	uint8_t step = buf_get_u8(plan);
	fd_auto int self = -1;
	struct place p;
	int r;

	buf_get_str(plan, path, sizeof(path));
	if (step == DIRECTORY || step == FILE_STAGED)
		(void)buf_get_u32(plan);
	else if (step == LINK)
		buf_get_str(plan, target, sizeof(target));
	if (find(tree, path, &p, e) == -1)
		return e->sys == ENOENT || e->sys == ENOTDIR ? 0 : -1;
	r = fsync(p.dir);
	if (r == 0 && step == DIRECTORY) {
		self = openat(p.dir, p.name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = self == -1 ? -1 : fsync(self);
	}
	fd_close(&p.dir);
	return r == -1 ? state_scan_fails(path, e) : 0;
}

int
state_plan_sync(int tree, const struct buf *plan, struct err *e)
{
	struct buf b = buf_over(plan->data, plan->len);

	if (!is_short(plan))
		return syncfs(tree) == -1 ? err_sys(e, "sync") : 0;
	while (b.at < b.len && !b.failed)
		if (sync_one(tree, &b, e) == -1)
			return -1;
	return 0;
}
