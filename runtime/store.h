/*
 * What messages refer to: blobs by SHA-256, and references that an operator
 * bound to them.  A blob is hashed when it is written and again when it is
 * opened, and the descriptor that was hashed is the one that is used.  A
 * process that opens the same ones over and over may remember what it hashed.
 *
 *   blobs/sha256/xx/<digest>    bytes
 *   entries/<digest>.json       kind, versions, whether we built it
 *   refs/<ref>                  a digest
 *   messages/, amends/, forgotten/   store_message.h
 *   trees/<digest>              an image as a directory (rootless)
 *   fetched/, pins/                  store_cache.h
 *   volumes/<digest>.ext4       persistent volumes
 *   derived/<digest>.<form>     the digest of what was made from a blob
 *   tmp/                        runs and half-written blobs
 */
#ifndef RUNTIME_STORE_H
#define RUNTIME_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

struct err;
struct value;

struct store_checked;

struct store {
	int dir;
	char *path; /* for people */
	struct store_checked *checked;
	char missing[65]; /* what store_resolve() looked for last, in vain */
};

/*
 * From now on a blob that was hashed before is not hashed again as long as its
 * inode, size and change time (inode(7)) are the same.
 */
void store_remember(struct store *);

/* store_open.h opens it. */
void store_close(struct store *);

/*
 * Takes the bytes of fd from its position on.  digest, and size unless NULL,
 * are written.  What is there already is kept.
 */
int store_put(struct store *, int fd, char digest[SHA256_HEX], uint64_t *size,
    struct err *);
int store_put_bytes(struct store *, const void *, size_t,
    char digest[SHA256_HEX], struct err *);

/* Where it is, or would be. */
#define STORE_BLOB_PATH 96
void store_blob_path(char path[STORE_BLOB_PATH], const char *digest);

/* Verified: a descriptor at position 0, or -1. */
int store_get(struct store *, const char *digest, struct err *);

/* Binds a reference to a blob that is there. */
int store_bind(struct store *, const char *ref, const char *digest,
    struct err *);

/*
 * What a reference stands for: bound by an operator, or the blob's own digest.
 * ERR_NOT_FOUND if neither.
 */
int store_resolve(struct store *, const char *ref, char digest[SHA256_HEX],
    bool *bound, struct err *);

/* What is known of a blob beside its bytes; NULL if nothing is. */
struct value *store_entry(struct store *, const char *digest);
int store_set_entry(struct store *, const char *digest, const struct value *,
    struct err *);

/*
 * A line in a small file of the store's; it is there whole or not at all.  The
 * reader frees, and gets NULL if there is none.
 */
int store_write_note(struct store *, const char *path, const char *,
    struct err *);
char *store_read_note(struct store *, const char *path);

/* What was made from a blob, such as an image from an archive. */
bool store_derived(struct store *, const char *digest, const char *form,
    char made[SHA256_HEX]);
int store_set_derived(struct store *, const char *digest, const char *form,
    const char *made, struct err *);

/* An image's directory, where the kernel mounts no image for us; or -1. */
int store_tree(struct store *, const char *digest, struct err *);

/* Moves a directory there. */
int store_set_tree(struct store *, const char *digest, const char *from,
    struct err *);

/* A file without a name, in the store's file system. */
int store_tmp_file(struct store *, struct err *);

/*
 * What fd holds from its position on, copied into such a file and hashed on
 * the way: what somebody else's file says later changes nothing.
 */
int store_copy(struct store *, int fd, char digest[SHA256_HEX], uint64_t *size,
    struct err *);

/*
 * A directory tmp/run.<pid>.<n> for one run, and its removal with everything
 * in it.  What processes that are gone left is removed when the store opens.
 */
int store_tmp_dir(struct store *, char name[64], struct err *);
void store_remove_tmp(struct store *, const char *name);

/* Every blob: fn returns 0 to go on. */
int store_each(struct store *,
    int (*fn)(struct store *, const char *digest, void *), void *,
    struct err *);

#endif
