#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/cid.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/spawn.h"
#include "runtime/store.h"
#include "runtime/store_cache.h"
#include "runtime/store_open.h"

#define SMALL_MAX (64 << 10)

void
store_close(struct store *s)
{
	fd_close(&s->dir);
	free(s->path);
	s->path = NULL;
	free(s->checked);
	s->checked = NULL;
}

void
store_blob_path(char out[STORE_BLOB_PATH], const char *digest)
{
	snprintf(out, 96, "blobs/sha256/%.2s/%s", digest, digest);
}

int
store_tmp_file(struct store *s, struct err *e)
{
	int fd = openat(s->dir, "tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0444);

	return fd == -1 ? err_sys(e, "store %s: temporary file", s->path) : fd;
}

/* The name appears when the bytes are there, synced and hashed. */
static int
publish(struct store *s, int fd, const char *path, bool replace, struct err *e)
{
	char proc[32], tmp[64];

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	snprintf(tmp, sizeof(tmp), "tmp/new.%d", getpid());
	if (store_open_give(fd, "", e) == -1)
		return -1;
	if (fsync(fd) == -1)
		return err_sys(e, "store %s: sync", s->path);
	if (linkat(AT_FDCWD, proc, s->dir, replace ? tmp : path,
		AT_SYMLINK_FOLLOW) == -1 &&
	    (errno != EEXIST || replace))
		return err_sys(e, "store %s: %s", s->path, path);
	if (replace && renameat(s->dir, tmp, s->dir, path) == -1) {
		err_sys(e, "store %s: %s", s->path, path);
		unlinkat(s->dir, tmp, 0);
		return -1;
	}
	return 0;
}

static int
copy_hashed(int from, int to, char digest[SHA256_HEX], uint64_t *size,
    struct err *e)
{
	struct sha256 *h = sha256_new();
	char *data = malloc(1 << 18);
	uint64_t total = 0;
	int r = 0;
	ssize_t n;

	invariant(data != NULL);
	while (r == 0 && (n = read(from, data, 1 << 18)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			r = err_sys(e, "read");
			break;
		}
		sha256_add(h, data, (size_t)n);
		if (fd_write_full(to, data, (size_t)n) == -1)
			r = err_sys(e, "write");
		total += (uint64_t)n;
	}
	sha256_end(h, digest);
	free(data);
	if (size != NULL)
		*size = total;
	return r;
}

int
store_copy(struct store *s, int from, char digest[SHA256_HEX], uint64_t *size,
    struct err *e)
{
	fd_auto int fd = store_tmp_file(s, e);

	if (fd == -1)
		return -1;
	if (copy_hashed(from, fd, digest, size, e) == -1)
		return err_in(e, "store %s", s->path);
	if (lseek(fd, 0, SEEK_SET) == -1)
		return err_sys(e, "store %s", s->path);
	return fd_take(&fd);
}

int
store_put(struct store *s, int from, char digest[SHA256_HEX], uint64_t *size,
    struct err *e)
{
	fd_auto int fd = store_copy(s, from, digest, size, e);
	char path[96], dir[32];

	if (fd == -1)
		return -1;
	store_blob_path(path, digest);
	snprintf(dir, sizeof(dir), "blobs/sha256/%.2s", digest);
	if (store_open_mkdir(s->dir, dir, e) == -1)
		return err_in(e, "store %s", s->path);
	return publish(s, fd, path, false, e);
}

int
store_put_bytes(struct store *s, const void *data, size_t len,
    char digest[SHA256_HEX], struct err *e)
{
	fd_auto int fd = fd_sealed("blob", data, len, e);

	return fd == -1 ? -1 : store_put(s, fd, digest, NULL, e);
}

/* ---- what was hashed before ---- */

#define CHECKED_MAX 64

struct store_checked {
	size_t next; /* whose place the next one takes */
	struct {
		char digest[SHA256_HEX];
		struct stat file;
	} item[CHECKED_MAX];
};

void
store_remember(struct store *s)
{
	if (s->checked == NULL)
		s->checked = calloc(1, sizeof(*s->checked));
	invariant(s->checked != NULL);
}

static bool
is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool
was_checked(const struct store *s, const char *digest, const struct stat *file)
{
	for (size_t i = 0; s->checked != NULL && i < CHECKED_MAX; i++)
		if (strcmp(s->checked->item[i].digest, digest) == 0 &&
		    is_unchanged(&s->checked->item[i].file, file))
			return true;
	return false;
}

/*
 * A change time is as coarse as a tick of the kernel's clock: of a file that
 * was changed a moment ago nobody can tell whether it changes again.
 */
static void
keep_checked(struct store *s, const char *digest, const struct stat *before,
    int fd)
{
	struct store_checked *c = s->checked;
	struct stat after;

	if (c == NULL || fstat(fd, &after) == -1 ||
	    !is_unchanged(before, &after) ||
	    clock_real_ns() / CLOCK_SECOND <
		(uint64_t)before->st_ctim.tv_sec + 2)
		return;
	memcpy(c->item[c->next].digest, digest, SHA256_HEX);
	c->item[c->next].file = *before;
	c->next = (c->next + 1) % CHECKED_MAX;
}

/* The bytes are what their name says. */
static int
check(struct store *s, const char *digest, int fd, struct err *e)
{
	char found[SHA256_HEX];
	struct stat before;

	if (fstat(fd, &before) == -1)
		return err_sys(e, "store %s: blob %s", s->path, digest);
	if (was_checked(s, digest, &before))
		return 0;
	if (sha256_file(fd, found, NULL, e) == -1)
		return err_in(e, "store %s: blob %s", s->path, digest);
	if (strcmp(found, digest) != 0 && CONTROL(55))
		return err_set(e, ERR_INVALID,
		    "store %s: blob %s is damaged: its bytes hash to %s",
		    s->path, digest, found);
	keep_checked(s, digest, &before, fd);
	return 0;
}

int
store_get(struct store *s, const char *digest, struct err *e)
{
	char path[96];
	fd_auto int fd = -1;

	invariant(str_is_sha256(digest));
	store_blob_path(path, digest);
	fd = openat(s->dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "store %s: no blob %s",
		    s->path, digest);
	if (fd == -1)
		return err_sys(e, "store %s: blob %s", s->path, digest);
	store_cache_touch(s, digest);
	return check(s, digest, fd, e) == -1 ? -1 : fd_take(&fd);
}

int
store_write_note(struct store *s, const char *path, const char *text,
    struct err *e)
{
	fd_auto int fd = store_tmp_file(s, e);

	if (fd == -1)
		return -1;
	if (fd_write_full(fd, text, strlen(text)) == -1)
		return err_sys(e, "store %s: %s", s->path, path);
	return publish(s, fd, path, true, e);
}

char *
store_read_note(struct store *s, const char *path)
{
	fd_auto int fd =
	    openat(s->dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct err ignored;
	char *data;
	size_t len;

	if (fd == -1 || fd_read_all(fd, SMALL_MAX, &data, &len, &ignored) == -1)
		return NULL;
	data[strcspn(data, "\n")] = '\0';
	return data;
}

int
store_bind(struct store *s, const char *ref, const char *digest, struct err *e)
{
	char path[160];

	snprintf(path, sizeof(path), "refs/%s", ref);
	return store_write_note(s, path, digest, e);
}

static int
miss(struct store *s, const char *ref, struct err *e)
{
	str_copy(s->missing, sizeof(s->missing), ref);
	return err_set(e, ERR_NOT_FOUND,
	    "store %s: nothing is known of %s; add it with "
	    "'cella store add FILE --ref %s'",
	    s->path, ref, ref);
}

/*
 * It made room for others, and whoever has it knows it by the message that
 * bound it, or by what it is.  What else an operator bound nobody brings.
 */
static bool
can_be_had(struct store *s, const char *ref, const char *digest)
{
	char path[160];
	struct cid ignored;

	store_blob_path(path, digest);
	if (faccessat(s->dir, path, F_OK, 0) == 0)
		return false;
	if (cid_parse(ref, &ignored))
		return true;
	snprintf(path, sizeof(path), "messages/%s.json", ref);
	return faccessat(s->dir, path, F_OK, 0) == 0;
}

int
store_resolve(struct store *s, const char *ref, char digest[SHA256_HEX],
    bool *bound, struct err *e)
{
	char path[160], *text;

	snprintf(path, sizeof(path), "refs/%s", ref);
	text = store_read_note(s, path);
	*bound = text != NULL;
	if (text != NULL && str_is_sha256(text)) {
		memcpy(digest, text, SHA256_HEX);
		free(text);
		return can_be_had(s, ref, digest) ? miss(s, ref, e) : 0;
	}
	free(text);
	if (*bound)
		return err_set(e, ERR_INVALID, "store %s: %s is damaged",
		    s->path, path);
	if (str_is_sha256(ref)) {
		store_blob_path(path, ref);
		if (faccessat(s->dir, path, F_OK, 0) == 0) {
			memcpy(digest, ref, SHA256_HEX);
			return 0;
		}
	}
	return miss(s, ref, e);
}

struct value *
store_entry(struct store *s, const char *digest)
{
	char path[96], *text;
	struct value *v;
	struct err e;

	snprintf(path, sizeof(path), "entries/%s.json", digest);
	text = store_read_note(s, path);
	if (text == NULL)
		return NULL;
	v = json_parse(text, strlen(text), &e);
	free(text);
	return v;
}

int
store_set_entry(struct store *s, const char *digest, const struct value *v,
    struct err *e)
{
	char path[96], *text = json_emit(v, JSON_AS_LINE);
	int r;

	snprintf(path, sizeof(path), "entries/%s.json", digest);
	r = store_write_note(s, path, text, e);
	free(text);
	return r;
}

bool
store_derived(struct store *s, const char *digest, const char *form,
    char made[SHA256_HEX])
{
	char path[128], *text;
	bool good;

	snprintf(path, sizeof(path), "derived/%s.%s", digest, form);
	text = store_read_note(s, path);
	good = text != NULL && str_is_sha256(text);
	if (good) {
		memcpy(made, text, SHA256_HEX);
		store_blob_path(path, made);
		good = faccessat(s->dir, path, F_OK, 0) == 0;
	}
	free(text);
	return good;
}

int
store_set_derived(struct store *s, const char *digest, const char *form,
    const char *made, struct err *e)
{
	char path[128];

	snprintf(path, sizeof(path), "derived/%s.%s", digest, form);
	return store_write_note(s, path, made, e);
}

int
store_tree(struct store *s, const char *digest, struct err *e)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "trees/%s", digest);
	fd = openat(s->dir, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND,
		    "store %s: image %s has no directory; build it again as "
		    "the user who runs it",
		    s->path, digest);
	return fd == -1 ? err_sys(e, "store %s: %s", s->path, path) : fd;
}

int
store_set_tree(struct store *s, const char *digest, const char *from,
    struct err *e)
{
	char path[96];

	snprintf(path, sizeof(path), "trees/%s", digest);
	if (renameat(AT_FDCWD, from, s->dir, path) == 0 || errno == ENOTEMPTY ||
	    errno == EEXIST)
		return 0;
	return err_sys(e, "store %s: %s", s->path, path);
}

int
store_tmp_dir(struct store *s, char name[64], struct err *e)
{
	for (int n = 0; n < 1000; n++) {
		snprintf(name, 64, "run.%d.%d", getpid(), n);
		fd_auto int tmp =
		    openat(s->dir, "tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (tmp == -1)
			break;
		if (mkdirat(tmp, name, 0755) == 0)
			return openat(tmp, name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (errno != EEXIST)
			break;
	}
	return err_sys(e, "store %s: temporary directory", s->path);
}

void
store_remove_tmp(struct store *s, const char *name)
{
	fd_auto int tmp =
	    openat(s->dir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (tmp != -1)
		dir_remove(tmp, name);
}

struct each {
	struct store *s;
	int (*fn)(struct store *, const char *, void *);
	void *arg;
	struct err *e;
};

static int
each_blob(int dir, const char *name, void *arg)
{
	struct each *x = arg;

	(void)dir;
	return str_is_sha256(name) ? x->fn(x->s, name, x->arg) : 0;
}

static int
each_shard(int dir, const char *name, void *arg)
{
	struct each *x = arg;
	fd_auto int sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return sub == -1 ? 0 : dir_each(sub, each_blob, x, x->e);
}

int
store_each(struct store *s, int (*fn)(struct store *, const char *, void *),
    void *arg, struct err *e)
{
	struct each x = { s, fn, arg, e };
	fd_auto int dir =
	    openat(s->dir, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir == -1)
		return err_sys(e, "store %s", s->path);
	return dir_each(dir, each_shard, &x, e);
}
