/*
 * Trees that come out the same for every machine of one image: they are made
 * once, stay attached in the launcher's namespace, and every machine gets a
 * clone (open_tree(2)), which costs a fortieth.  Only what no machine can
 * write is kept, so that a clone tells nothing of another machine.
 */
#ifndef SANDBOX_MOUNT_CACHE_H
#define SANDBOX_MOUNT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

#define MOUNT_CACHE_MAX 32
#define MOUNT_CACHE_TOP_MAX 32

/*
 * What a tree depends on: the image's inode, which the mount holds, so that
 * its number is not used again; the host ids its files are mapped to; and the
 * mount points above it, as text.
 */
struct mount_cache_key {
	dev_t dev;
	ino_t ino;
	uint32_t uid;
	const char *points;
};

/* Directories at the root of the image, for Landlock. */
struct mount_cache_top {
	size_t len;
	char name[MOUNT_CACHE_TOP_MAX][64];
};

struct mount_cache {
	const char *dir; /* where they are attached */
	uint64_t clock;  /* of uses */
	struct mount_cache_entry {
		bool used;
		uint64_t last;
		char *points;
		struct mount_cache_key key;
		struct mount_cache_top top;
	} entry[MOUNT_CACHE_MAX];
};

/* A clone and, unless top is NULL, its directories; -1: there is none. */
int mount_cache_clone(struct mount_cache *, const struct mount_cache_key *,
    struct mount_cache_top *top);

/*
 * Keeps a tree; the one that was not used for the longest time makes room.
 * On success it is the cache's, and the caller takes a clone; on failure it is
 * as it was, which costs speed and nothing else.
 */
int mount_cache_keep(struct mount_cache *, const struct mount_cache_key *,
    int tree, const struct mount_cache_top *);

/* Those that are mapped to these ids, which somebody else may have next. */
void mount_cache_forget(struct mount_cache *, uint32_t uid);

/* The trees go with the namespace. */
void mount_cache_fini(struct mount_cache *);

#endif
