#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/value.h"
#include "runtime/store.h"
#include "runtime/store_cache.h"

#define PATH 128

static bool
is_there(struct store *s, const char *directory, const char *digest)
{
	char path[PATH];

	snprintf(path, sizeof(path), "%s/%s", directory, digest);
	return faccessat(s->dir, path, F_OK, 0) == 0;
}

static void
drop(struct store *s, const char *directory, const char *digest,
    const char *ending)
{
	char path[PATH];

	snprintf(path, sizeof(path), "%s/%s%s", directory, digest, ending);
	(void)unlinkat(s->dir, path, 0);
}

int
store_cache_mark(struct store *s, const char *digest, struct err *e)
{
	char path[PATH];

	snprintf(path, sizeof(path), "fetched/%s", digest);
	return store_write_note(s, path, "", e);
}

void
store_cache_keep(struct store *s, const char *digest)
{
	drop(s, "fetched", digest, "");
}

void
store_cache_touch(struct store *s, const char *digest)
{
	char path[PATH];

	snprintf(path, sizeof(path), "fetched/%s", digest);
	(void)utimensat(s->dir, path, NULL, AT_SYMLINK_NOFOLLOW);
}

bool
store_cache_has(struct store *s, const char *digest)
{
	return is_there(s, "fetched", digest);
}

int
store_cache_pin(struct store *s, const char *digest, bool pin, struct err *e)
{
	char path[PATH];

	snprintf(path, sizeof(path), "pins/%s", digest);
	if (pin)
		return store_write_note(s, path, "", e);
	return unlinkat(s->dir, path, 0) == 0 || errno == ENOENT
	    ? 0
	    : err_sys(e, "store %s: %s", s->path, path);
}

bool
store_cache_is_pinned(struct store *s, const char *digest)
{
	return is_there(s, "pins", digest);
}

/* ---- what there is ---- */

struct made {
	char form[32], digest[SHA256_HEX];
};

struct blob {
	char digest[SHA256_HEX];
	struct timespec used;
	uint64_t bytes; /* with what was made from it */
	size_t nmade;
	struct made made[4]; /* there are fewer forms */
};

struct list {
	struct store *store;
	struct blob *item;
	size_t len;
};

static uint64_t
size_of(struct store *s, const char *digest)
{
	char path[PATH];
	struct stat st;

	store_blob_path(path, digest);
	return fstatat(s->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0
	    ? (uint64_t)st.st_size
	    : 0;
}

static int
add_blob(int dir, const char *name, void *arg)
{
	struct list *l = arg;
	struct stat st;

	if (!str_is_sha256(name) ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	l->item = realloc(l->item, (l->len + 1) * sizeof(*l->item));
	invariant(l->item != NULL);
	l->item[l->len] = (struct blob){ .used = st.st_mtim,
		.bytes = size_of(l->store, name) };
	memcpy(l->item[l->len++].digest, name, SHA256_HEX);
	return 0;
}

static int
by_digest(const void *a, const void *b)
{
	return strcmp(((const struct blob *)a)->digest,
	    ((const struct blob *)b)->digest);
}

static int
by_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct blob *)a)->used;
	const struct timespec *y = &((const struct blob *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* And of nothing else, and no operator's. */
static bool
is_made_of(struct store *s, const char *made, const char *digest)
{
	value_auto struct value *entry = store_entry(s, made);
	const char *from = value_get_text(entry, "from");

	return from != NULL && strcmp(from, digest) == 0 &&
	    !store_cache_is_pinned(s, made);
}

/* "DIGEST.FORM" */
static int
add_made(int dir, const char *name, void *arg)
{
	struct list *l = arg;
	struct blob key, *b;
	struct made *m;

	(void)dir;
	if (strlen(name) < SHA256_HEX || name[SHA256_HEX - 1] != '.')
		return 0;
	memcpy(key.digest, name, SHA256_HEX - 1);
	key.digest[SHA256_HEX - 1] = '\0';
	b = l->len == 0 ? NULL
			: bsearch(&key, l->item, l->len, sizeof(*b), by_digest);
	if (b == NULL || b->nmade == nitems(b->made))
		return 0;
	m = &b->made[b->nmade];
	if (!str_copy(m->form, sizeof(m->form), name + SHA256_HEX) ||
	    !store_derived(l->store, b->digest, m->form, m->digest) ||
	    !is_made_of(l->store, m->digest, b->digest))
		return 0;
	b->bytes += size_of(l->store, m->digest);
	b->nmade++;
	return 0;
}

static int
each(struct store *s, const char *directory,
    int (*fn)(int, const char *, void *), void *arg, struct err *e)
{
	fd_auto int dir =
	    openat(s->dir, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir == -1)
		return err_sys(e, "store %s: %s", s->path, directory);
	return dir_each(dir, fn, arg, e);
}

static int
read_all(struct list *l, struct err *e)
{
	if (each(l->store, "fetched", add_blob, l, e) == -1)
		return -1;
	if (l->len > 1)
		qsort(l->item, l->len, sizeof(*l->item), by_digest);
	if (each(l->store, "derived", add_made, l, e) == -1)
		return -1;
	if (l->len > 1)
		qsort(l->item, l->len, sizeof(*l->item), by_use);
	return 0;
}

/* ---- what goes ---- */

static void
remove_blob(struct store *s, const char *digest)
{
	char path[PATH];

	store_blob_path(path, digest);
	(void)unlinkat(s->dir, path, 0);
	drop(s, "entries", digest, ".json");
}

/* The mark goes last: what is cut off in between is gone on with. */
static void
remove_all(struct store *s, const struct blob *b)
{
	char path[PATH];

	for (size_t i = 0; i < b->nmade; i++) {
		snprintf(path, sizeof(path), "derived/%s.%s", b->digest,
		    b->made[i].form);
		(void)unlinkat(s->dir, path, 0);
		remove_blob(s, b->made[i].digest);
	}
	remove_blob(s, b->digest);
	drop(s, "fetched", b->digest, "");
}

static bool
may_go(struct store *s, const struct blob *b, unsigned grace_s)
{
	return b->used.tv_sec + (time_t)grace_s <= time(NULL) &&
	    !store_cache_is_pinned(s, b->digest);
}

int
store_cache_trim(struct store *s, uint64_t max, unsigned grace_s, bool dry,
    void (*fn)(void *, const char *, uint64_t), void *arg,
    struct store_cache_gone *gone, struct err *e)
{
	struct list l = { s, NULL, 0 };
	int r = read_all(&l, e);

	memset(gone, 0, sizeof(*gone));
	for (size_t i = 0; i < l.len; i++)
		gone->left += l.item[i].bytes;
	for (size_t i = 0; r == 0 && i < l.len && gone->left > max; i++) {
		const struct blob *b = &l.item[i];

		if (!may_go(s, b, grace_s))
			continue;
		if (!dry)
			remove_all(s, b);
		if (fn != NULL)
			fn(arg, b->digest, b->bytes);
		gone->left -= b->bytes;
		gone->bytes += b->bytes;
		gone->blobs++;
	}
	free(l.item);
	return r;
}
