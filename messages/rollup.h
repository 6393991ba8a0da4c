/*
 * What an application of a rollup and its machine tell each other, as bytes:
 * words of 32 bytes, big endian, as Ethereum's ABI has them.
 *
 *   input      word 0x20, word length, payload
 *   metadata   words: sender (right-aligned), block, time, epoch, input
 *   voucher    word: address (right-aligned), word 0x40, word length, payload
 *   notice     word 0x20, word length, payload; so are reports and exceptions
 *
 * Payloads are followed by zeroes up to a whole word, and vouchers and notices
 * are known by the Keccak-256 of all that.
 */
#ifndef MESSAGES_ROLLUP_H
#define MESSAGES_ROLLUP_H

#include <stddef.h>
#include <stdint.h>

#include "messages/merkle.h"

struct buf;

#define ROLLUP_WORD 32
#define ROLLUP_ADDRESS 20
#define ROLLUP_VOUCHER_HEAD (3 * ROLLUP_WORD)
#define ROLLUP_NOTICE_HEAD (2 * ROLLUP_WORD) /* of all the others, too */
#define ROLLUP_METADATA (5 * ROLLUP_WORD)
#define ROLLUP_OUTPUTS_MAX 65536 /* vouchers of an input; notices as well */

struct rollup_address {
	unsigned char byte[ROLLUP_ADDRESS];
};

struct rollup_metadata {
	struct rollup_address sender;
	uint64_t block_number, timestamp, epoch_index, input_index;
};

/* Each adds its bytes. */
void rollup_put_input(struct buf *, const void *payload, size_t len);
void rollup_put_metadata(struct buf *, const struct rollup_metadata *);
void rollup_put_voucher(struct buf *, const struct rollup_address *,
    const void *payload, size_t len);
void rollup_put_notice(struct buf *, const void *payload, size_t len);

void rollup_voucher_hash(const struct rollup_address *, const void *payload,
    size_t len, struct merkle_hash *);
void rollup_notice_hash(const void *payload, size_t len, struct merkle_hash *);

#endif
