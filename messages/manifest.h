/*
 * What a state volume is, as bytes that are the same wherever it is restored
 * (docs/state.md): its paths, sorted, each with its kind, mode, size and
 * content root.  Pure.
 */
#ifndef MESSAGES_MANIFEST_H
#define MESSAGES_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/merkle.h"
#include "messages/merkle_bytes.h"

struct err;

#define MANIFEST_HEAD 64
#define MANIFEST_RECORD 64
#define MANIFEST_PATH_MAX 4095
#define MANIFEST_PATHS_MAX (UINT32_C(1) << 22)

enum manifest_type { MANIFEST_DIRECTORY = 1, MANIFEST_FILE, MANIFEST_LINK };

struct manifest_record {
	char *path; /* "": the volume's own directory */
	enum manifest_type type;
	unsigned mode; /* & 0777 */
	uint64_t size;
	struct merkle_hash root;
};

struct manifest_undo;

/* Zero has no record yet. */
struct manifest {
	struct manifest_record *record; /* sorted */
	size_t len, size;
	struct merkle_bytes bytes;
	bool is_moved; /* paths came or went since the bytes were made */
	/* What stood in the place of what was put and removed since. */
	bool is_logged;
	struct manifest_undo *undo;
	size_t nundos, undos_size;
};

void manifest_fini(struct manifest *);

/* The one of that path, or NULL. */
const struct manifest_record *manifest_find(const struct manifest *,
    const char *path);

/* Copied; in the place of one of that path. */
void manifest_put(struct manifest *, const struct manifest_record *);

/* For many: one behind the other, each path once; and then all in order. */
void manifest_append(struct manifest *, const struct manifest_record *);
void manifest_sort(struct manifest *);

/* It and all that is below it; nothing if it is not there. */
void manifest_remove(struct manifest *, const char *path);

/* From here on it can be taken back; the second and third end that. */
void manifest_begin(struct manifest *);
void manifest_commit(struct manifest *);
void manifest_roll_back(struct manifest *);

/* The bytes as they are now; borrowed. */
const struct buf *manifest_bytes(struct manifest *);

/*
 * Of the memory at the start of a drive that has so many bytes, which need not
 * be a power of two: what is behind it in 2^log2 is zero.  ERR_QUOTA: it has no
 * room.
 */
int manifest_root(struct manifest *, uint64_t drive, unsigned log2,
    struct merkle_hash *, struct err *);

/* The smallest power of two that a drive fits in. */
unsigned manifest_log2(uint64_t drive);

/*
 * From its bytes, with zeroes behind it; ERR_INVALID: it is none, or not the
 * one way in which its records can be written.
 */
int manifest_read(struct manifest *, const void *, size_t, struct err *);

#endif
