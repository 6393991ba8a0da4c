/*
 * What clients can know of a machine's memory: five ranges that inputs and
 * outputs go through, and the parts that describe its state.  Pure.
 */
#ifndef RUNTIME_SESSION_MEMORY_H
#define RUNTIME_SESSION_MEMORY_H

#include "base/buf.h"
#include "messages/processed.h"
#include "runtime/session.h"
#include "runtime/session_ops.h"
#include "runtime/session_tell.h"

struct session_memory {
	struct buf bytes[MACHINE_RANGES]; /* from the start; zero behind */
	struct merkle_hash root[MACHINE_RANGES];
	struct session_parts parts;
};

void session_memory_fini(struct session_memory *);

/* As it is when nothing has come yet; content: NULL: zero. */
void session_memory_start(struct session_memory *,
    const struct machine_config *, const struct buf content[MACHINE_RANGES],
    const struct session_parts *);

/* For an input: all but what was put out last is anew. */
void session_memory_begin(struct session_memory *next,
    const struct session_memory *now, const struct session_given *);

/* Its first bytes are these; what stood behind them stays. */
void session_memory_write_tx(struct session_memory *, const void *, size_t);

/* The input was accepted, and this is what it made of the state. */
void session_memory_finish(struct session_memory *,
    const struct machine_config *, const struct processed *,
    const struct session_parts *);

/* next takes the place of now. */
void session_memory_move(struct session_memory *now,
    struct session_memory *next);

/* Whether its state is described by those parts. */
bool session_memory_is_same(const struct session_memory *,
    const struct session_parts *);

void session_memory_hash(const struct session_memory *,
    const struct machine_config *, struct merkle_hash *);

/* Where vouchers and notices are; the proofs' root is the hash. */
void session_memory_place(const struct session_memory *,
    const struct machine_config *, struct processed_place place[2]);

/*
 * Whether the ranges can be memory at all: the text says why not.  Callers of
 * the others have asked.
 */
enum grpc_status session_memory_check(const struct machine_config *,
    const struct session_parts *, char text[SESSION_TEXT]);

#endif
