/*
 * What came of an input, or of a query, and how clients are told: messages of
 * messages/proto/server-manager.proto, written piece by piece, so that what is
 * long is written once.
 */
#ifndef MESSAGES_PROCESSED_H
#define MESSAGES_PROCESSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "messages/merkle.h"
#include "messages/rollup.h"

enum processed_status {
	PROCESSED_ACCEPTED,
	PROCESSED_REJECTED,
	PROCESSED_EXCEPTION,
	PROCESSED_HALTED,
	PROCESSED_CYCLES,
	PROCESSED_TIME,
};

enum processed_kind {
	PROCESSED_VOUCHER,
	PROCESSED_NOTICE,
	PROCESSED_REPORT,
	PROCESSED_KINDS,
};

struct processed_output {
	struct rollup_address address; /* of a voucher */
	struct merkle_hash keccak;     /* of vouchers and notices */
	size_t at, len;                /* of bytes, below */
};

/* Zero is an empty one. */
struct processed {
	enum processed_status status;
	struct buf bytes; /* payloads */
	struct {
		struct processed_output *item;
		size_t len, size;
	} kind[PROCESSED_KINDS];
	size_t exception_at, exception_len; /* of PROCESSED_EXCEPTION */
};

void processed_reset(struct processed *);
void processed_fini(struct processed *);

/* address: of a voucher, else NULL. */
void processed_add(struct processed *, enum processed_kind,
    const struct rollup_address *, const void *payload, size_t len);
void processed_set_exception(struct processed *, const void *payload, size_t);

/* The hashes of vouchers or notices, one behind the other; the caller frees. */
struct merkle_hash *processed_hashes(const struct processed *,
    enum processed_kind);

/* ---- messages; each adds its bytes ---- */

/* Where an accepted input's hashes are in the machine. */
struct processed_place {
	uint64_t address;
	unsigned log2;
	struct merkle_proof in_machine;
};

/*
 * Fields 5 to 8 of a ProcessedInput, which no later input changes.  place:
 * of vouchers and of notices, if it was accepted.
 */
void processed_put_body(struct buf *, const struct processed *,
    const struct processed_place place[2]);

/* A field that is a ProcessedInput. */
void processed_put_input(struct buf *, uint32_t field, uint64_t index,
    const struct merkle_hash *machine, const struct merkle_proof *vouchers,
    const struct merkle_proof *notices, const struct buf *body);

/* Fields 4 to 6 of an InspectStateResponse. */
void processed_put_query(struct buf *, const struct processed *);

void processed_put_hash(struct buf *, uint32_t field,
    const struct merkle_hash *);

#endif
