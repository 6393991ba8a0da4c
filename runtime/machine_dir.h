/*
 * A machine directory: what a session is started from.
 *
 *   message                          as it was given
 *   config.protobuf                  MachineConfig
 *   hash                             32 bytes: the machine's
 *   tree/                            its state (docs/state.md)
 *   STARTSTARTSTARTS-LENGTH.bin      its memory, a file for each range: where
 *                                    it starts as 16 digits, how long it is
 *
 * Of those files the ranges of inputs and outputs hold what is in them, the
 * flash drive the manifest; the others are there because tools look for them,
 * and are zero.
 */
#ifndef RUNTIME_MACHINE_DIR_H
#define RUNTIME_MACHINE_DIR_H

#include "base/buf.h"
#include "messages/machine_config.h"
#include "messages/manifest.h"
#include "messages/merkle.h"
#include "runtime/session_tell.h"

struct err;

struct machine_dir {
	struct machine_config config;
	struct buf content[MACHINE_RANGES]; /* without the zeroes behind */
	struct merkle_hash hash;
};

void machine_dir_fini(struct machine_dir *);

/* What a range's file is called. */
void machine_dir_name_range(char name[64], uint64_t start, uint64_t length);

/* What describes a state with that manifest; ERR_QUOTA: it has no room. */
int machine_dir_parts(struct manifest *, const struct machine_config *,
    struct session_parts *, struct err *);

/* The hash that it has with these; ERR_INVALID: its ranges are no memory. */
int machine_dir_hash(const struct machine_dir *, const struct session_parts *,
    struct merkle_hash *, struct err *);

/* Of a directory that is open: configuration, ranges, hash. */
int machine_dir_read(struct machine_dir *, int dir, struct err *);

/*
 * All but tree and message, which are there, is written; hash is computed, or
 * zero if its ranges are no memory.  On the disk when it returns.
 */
int machine_dir_write(struct machine_dir *, int dir, struct manifest *,
    struct err *);

/* Ranges' bytes, as files_msgs.h has them. */
void machine_dir_put_content(struct buf *,
    const struct buf content[MACHINE_RANGES]);
int machine_dir_read_content(const void *, size_t,
    struct buf content[MACHINE_RANGES], struct err *);
int machine_dir_get_content(int file, struct buf content[MACHINE_RANGES],
    struct err *);

#endif
