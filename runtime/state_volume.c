#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "runtime/state_plan.h"
#include "runtime/state_scan.h"
#include "runtime/state_upper.h"
#include "runtime/state_volume.h"

#define TREE "tree"
#define STAGING "next"
#define PLAN "next.plan"
#define NEW_PLAN "next.plan.new"
#define STAGED_FEW 8
#define PLAN_HEAD 8 /* the number */
#define PLAN_MAX ((size_t)256 << 20)

static int
open_directory(int dir, const char *name, struct err *e)
{
	int fd =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd == -1 ? err_sys(e, "state volume: %s", name) : fd;
}

/* The plan first: staged files without one are nobody's. */
static void
forget_next(struct state_volume *v)
{
	fd_close(&v->staging);
	(void)unlinkat(v->dir, NEW_PLAN, 0);
	(void)unlinkat(v->dir, PLAN, 0);
	dir_remove(v->dir, STAGING);
	buf_reset(&v->plan);
}

/* ---- an input ---- */

int
state_volume_weigh(struct state_volume *v, int upper, struct err *e)
{
	if (mkdirat(v->dir, STAGING, 0700) == -1)
		return err_sys(e, "state volume: " STAGING);
	v->staging = open_directory(v->dir, STAGING, e);
	if (v->staging != -1) {
		manifest_begin(&v->manifest);
		/* What is kept must be read again. */
		if (state_upper_take(upper, v->staging, &v->manifest, &v->plan,
			e) == 0 &&
		    (v->plan.len <= PLAN_MAX - PLAN_HEAD ||
			err_set(e, ERR_GUEST, "too much is changed") == 0))
			return 0;
	}
	state_volume_discard(v);
	return -1;
}

void
state_volume_discard(struct state_volume *v)
{
	if (v->manifest.is_logged)
		manifest_roll_back(&v->manifest);
	forget_next(v);
}

static int
write_plan(struct state_volume *v, struct err *e)
{
	buf_auto struct buf b = { 0 };
	fd_auto int fd = openat(v->dir, NEW_PLAN,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	buf_put_u64(&b, v->number + 1);
	buf_add(&b, v->plan.data, v->plan.len);
	if (fd == -1 || fd_write_full(fd, b.data, b.len) == -1 ||
	    fsync(fd) == -1 || renameat(v->dir, NEW_PLAN, v->dir, PLAN) == -1 ||
	    fsync(v->dir) == -1)
		return err_sys(e, "state volume: " PLAN);
	return 0;
}

static int
sync_one(int dir, const char *name, void *arg)
{
	unsigned *left = arg;
	fd_auto int fd = -1;

	if ((*left)-- == 0)
		return 1;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd == -1 || fsync(fd) == -1 ? 2 : 0;
}

/* A few files one by one; of many, the file system, with what else waits in it.
 */
static int
sync_staged(const struct state_volume *v)
{
	unsigned left = STAGED_FEW;
	struct err ignored;
	int r = dir_each(v->staging, sync_one, &left, &ignored);

	if (r == 1)
		return syncfs(v->dir);
	return r == 0 ? fsync(v->staging) : -1;
}

/* One that changed nothing is there by its number in the journal. */
int
state_volume_keep(struct state_volume *v, struct err *e)
{
	if (v->plan.len == 0)
		return 0;
	if (sync_staged(v) == -1)
		return err_sys(e, "state volume: " STAGING);
	return write_plan(v, e);
}

/* The tree is on the disk before what it is made of is gone. */
static int
carry_out(struct state_volume *v, struct err *e)
{
	if (v->plan.len > 0) {
		if (state_plan_run(v->tree, v->staging, &v->plan, UINT_MAX,
			e) == -1)
			return -1;
		if (state_plan_sync(v->tree, &v->plan, e) == -1)
			return err_in(e, "state volume: " TREE);
	}
	v->number++;
	forget_next(v);
	return 0;
}

int
state_volume_apply(struct state_volume *v, struct err *e)
{
	if (carry_out(v, e) == -1)
		return -1;
	manifest_commit(&v->manifest);
	return 0;
}

/* ---- after a kill ---- */

/* 1: a plan of that number is there; 0: none. */
static int
read_plan(struct state_volume *v, uint64_t *number, struct err *e)
{
	fd_auto int fd =
	    openat(v->dir, PLAN, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct buf b;
	char *data;
	size_t len;

	if (fd == -1)
		return errno == ENOENT ? 0 : err_sys(e, "state volume: " PLAN);
	if (fd_read_all(fd, PLAN_MAX, &data, &len, e) == -1)
		return -1;
	b = buf_over(data, len);
	*number = buf_get_u64(&b);
	if (!b.failed)
		buf_add(&v->plan, data + b.at, len - b.at);
	free(data);
	return b.failed
	    ? err_set(e, ERR_SYSTEM, "state volume: " PLAN " breaks off")
	    : 1;
}

/* number: what the journal has; the plan is of it, or of the one after it. */
static int
recover(struct state_volume *v, uint64_t number, struct err *e)
{
	uint64_t planned = 0;
	int r = read_plan(v, &planned, e);

	if (r == -1)
		return -1;
	v->number = number;
	if (r == 0 || planned == number + 1) {
		forget_next(v);
		return 0;
	}
	if (planned != number)
		return err_set(e, ERR_CONFLICT,
		    "state volume: it has a plan for input %llu, and the "
		    "journal ends with %llu",
		    (unsigned long long)planned, (unsigned long long)number);
	v->number--;
	v->staging = open_directory(v->dir, STAGING, e);
	return v->staging == -1 ? -1 : carry_out(v, e);
}

int
state_volume_open(struct state_volume *v, int dir, uint64_t number,
    struct err *e)
{
	*v = (struct state_volume){ .dir = dir, .tree = -1, .staging = -1 };
	v->tree = open_directory(dir, TREE, e);
	if (v->tree != -1 && recover(v, number, e) == 0 &&
	    state_scan(v->tree, &v->manifest, e) == 0)
		return 0;
	state_volume_close(v);
	return -1;
}

void
state_volume_close(struct state_volume *v)
{
	fd_close(&v->tree);
	fd_close(&v->staging);
	manifest_fini(&v->manifest);
	buf_fini(&v->plan);
}
