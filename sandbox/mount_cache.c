#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "sandbox/mount_cache.h"

static void
entry_path(const struct mount_cache *c, size_t i, char out[64])
{
	snprintf(out, 64, "%s/%zu", c->dir, i);
}

static bool
is_same(const struct mount_cache_entry *e, const struct mount_cache_key *k)
{
	return e->used && e->key.dev == k->dev && e->key.ino == k->ino &&
	    e->key.uid == k->uid && strcmp(e->points, k->points) == 0;
}

int
mount_cache_clone(struct mount_cache *c, const struct mount_cache_key *k,
    struct mount_cache_top *top)
{
	struct mount_cache_entry *e;
	char path[64];

	for (size_t i = 0; i < MOUNT_CACHE_MAX; i++) {
		e = &c->entry[i];
		if (!is_same(e, k))
			continue;
		e->last = ++c->clock;
		if (top != NULL)
			*top = e->top;
		entry_path(c, i, path);
		return open_tree(AT_FDCWD, path,
		    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	}
	return -1;
}

static void
drop(struct mount_cache *c, size_t i)
{
	char path[64];

	entry_path(c, i, path);
	umount2(path, MNT_DETACH);
	free(c->entry[i].points);
	c->entry[i] = (struct mount_cache_entry){ .used = false };
}

static size_t
choose(const struct mount_cache *c)
{
	size_t oldest = 0;

	for (size_t i = 0; i < MOUNT_CACHE_MAX; i++) {
		if (!c->entry[i].used)
			return i;
		if (c->entry[i].last < c->entry[oldest].last)
			oldest = i;
	}
	return oldest;
}

int
mount_cache_keep(struct mount_cache *c, const struct mount_cache_key *k,
    int tree, const struct mount_cache_top *top)
{
	size_t i = choose(c);
	struct mount_cache_entry *e = &c->entry[i];
	char path[64];

	if (e->used)
		drop(c, i);
	entry_path(c, i, path);
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return -1;
	if (move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return -1;
	*e = (struct mount_cache_entry){ .used = true,
		.last = ++c->clock,
		.points = str_dup(k->points),
		.key = *k };
	e->key.points = e->points;
	if (top != NULL)
		e->top = *top;
	return 0;
}

void
mount_cache_forget(struct mount_cache *c, uint32_t uid)
{
	for (size_t i = 0; i < MOUNT_CACHE_MAX; i++)
		if (c->entry[i].used && c->entry[i].key.uid == uid)
			drop(c, i);
}

void
mount_cache_fini(struct mount_cache *c)
{
	for (size_t i = 0; i < MOUNT_CACHE_MAX; i++)
		free(c->entry[i].points);
}
