#include <string.h>

#include "base/buf.h"
#include "base/keccak.h"
#include "messages/rollup.h"

static void
put_number(struct buf *b, uint64_t n)
{
	unsigned char word[ROLLUP_WORD] = { 0 };

	for (int i = 0; i < 8; i++)
		word[ROLLUP_WORD - 1 - i] = (unsigned char)(n >> (8 * i));
	buf_add(b, word, sizeof(word));
}

static void
put_address(struct buf *b, const struct rollup_address *a)
{
	unsigned char word[ROLLUP_WORD] = { 0 };

	memcpy(word + ROLLUP_WORD - ROLLUP_ADDRESS, a->byte, ROLLUP_ADDRESS);
	buf_add(b, word, sizeof(word));
}

static void
put_padded(struct buf *b, const void *payload, size_t len)
{
	static const unsigned char zero[ROLLUP_WORD];

	put_number(b, len);
	buf_add(b, payload, len);
	buf_add(b, zero, (ROLLUP_WORD - len % ROLLUP_WORD) % ROLLUP_WORD);
}

void
rollup_put_input(struct buf *b, const void *payload, size_t len)
{
	put_number(b, ROLLUP_WORD);
	put_number(b, len);
	buf_add(b, payload, len);
}

void
rollup_put_metadata(struct buf *b, const struct rollup_metadata *m)
{
	put_address(b, &m->sender);
	put_number(b, m->block_number);
	put_number(b, m->timestamp);
	put_number(b, m->epoch_index);
	put_number(b, m->input_index);
}

void
rollup_put_voucher(struct buf *b, const struct rollup_address *a,
    const void *payload, size_t len)
{
	put_address(b, a);
	put_number(b, 2 * ROLLUP_WORD);
	put_padded(b, payload, len);
}

void
rollup_put_notice(struct buf *b, const void *payload, size_t len)
{
	put_number(b, ROLLUP_WORD);
	put_padded(b, payload, len);
}

void
rollup_voucher_hash(const struct rollup_address *a, const void *payload,
    size_t len, struct merkle_hash *out)
{
	buf_auto struct buf b = { 0 };

	rollup_put_voucher(&b, a, payload, len);
	keccak_256(b.data, b.len, out->byte);
}

void
rollup_notice_hash(const void *payload, size_t len, struct merkle_hash *out)
{
	buf_auto struct buf b = { 0 };

	rollup_put_notice(&b, payload, len);
	keccak_256(b.data, b.len, out->byte);
}
