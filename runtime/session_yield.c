#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "runtime/session_work.h"

/* ---- tohost: dev, cmd, reason, data ---- */

enum { DEV_YIELD = 2 };
enum { CMD_AUTOMATIC = 0, CMD_MANUAL = 1 };
enum {
	REASON_PROGRESS = 0,
	REASON_ACCEPTED = 1,
	REASON_REJECTED = 2,
	REASON_VOUCHER = 3,
	REASON_NOTICE = 4,
	REASON_REPORT = 5,
	REASON_EXCEPTION = 6,
};

static unsigned
dev_of(const struct session_yield *y)
{
	return (unsigned)(y->tohost >> 56);
}

static unsigned
cmd_of(const struct session_yield *y)
{
	return (unsigned)(y->tohost >> 48 & 0xff);
}

static unsigned
reason_of(const struct session_yield *y)
{
	return (unsigned)(y->tohost >> 32 & 0xffff);
}

enum grpc_status
session_yield_check(const struct session_yield *y, char text[SESSION_TEXT])
{
	if (y == NULL || dev_of(y) != DEV_YIELD || cmd_of(y) != CMD_MANUAL) {
		snprintf(text, SESSION_TEXT, "expected manual yield");
		return GRPC_INVALID_ARGUMENT;
	}
	if (reason_of(y) != REASON_ACCEPTED) {
		snprintf(text, SESSION_TEXT,
		    "invalid data field in htif.tohost (expected 1, got %u)",
		    reason_of(y));
		return GRPC_INVALID_ARGUMENT;
	}
	return GRPC_OK;
}

/* ---- what was put out ---- */

static enum session_verdict
taint(struct session *s, enum grpc_status status, const char *text)
{
	session_taint(s, status, text);
	return SESSION_TAINTS;
}

/* A payload in the tx buffer, behind so many bytes; the last word is its
 * length.  NULL: it is none, and the session is tainted. */
static const char *
find_payload(struct session *s, size_t head, const char *what, size_t *len)
{
	struct buf *tx = &s->next_memory.bytes[MACHINE_TX];
	uint64_t room = s->machine.range[MACHINE_TX].length - head, n = 0;
	static const char zero[ROLLUP_VOUCHER_HEAD];
	char text[96];

	/* What nobody wrote is zero. */
	if (tx->len < head)
		buf_add(tx, zero, head - tx->len);
	for (size_t i = head - ROLLUP_WORD; i < head - 8; i++)
		if (tx->data[i] != 0) {
			session_taint(s, GRPC_OUT_OF_RANGE,
			    "payload length too large");
			return NULL;
		}
	for (size_t i = head - 8; i < head; i++)
		n = n << 8 | (unsigned char)tx->data[i];
	if (n > room) {
		snprintf(text, sizeof(text),
		    "%s payload length is out of bounds", what);
		session_taint(s, GRPC_OUT_OF_RANGE, text);
		return NULL;
	}
	while (tx->len < head + n)
		buf_add(tx, zero,
		    head + n - tx->len < sizeof(zero) ? head + n - tx->len
						      : sizeof(zero));
	*len = (size_t)n;
	return tx->data + head;
}

/* Each output costs its bytes, and its place beside others. */
static bool
has_room(const struct session *s, size_t more)
{
	size_t used = s->result.bytes.len;

	for (int k = 0; k < PROCESSED_KINDS; k++)
		used += s->result.kind[k].len * sizeof(struct processed_output);
	more += sizeof(struct processed_output);
	return used <= SESSION_RESULT_MAX && more <= SESSION_RESULT_MAX - used;
}

static enum session_verdict
take_output(struct session *s, enum processed_kind kind)
{
	static const enum machine_range range[2] = { [PROCESSED_VOUCHER] =
							 MACHINE_VOUCHERS,
		[PROCESSED_NOTICE] = MACHINE_NOTICES };
	bool voucher = kind == PROCESSED_VOUCHER;
	struct rollup_address address;
	const char *payload;
	size_t len;

	payload =
	    find_payload(s, voucher ? ROLLUP_VOUCHER_HEAD : ROLLUP_NOTICE_HEAD,
		voucher ? "voucher" : "notice", &len);
	if (payload == NULL)
		return SESSION_TAINTS;
	if (!has_room(s, len))
		return taint(s, GRPC_RESOURCE_EXHAUSTED,
		    "outputs of one input are longer than 64 MiB");
	if (kind != PROCESSED_REPORT &&
	    s->result.kind[kind].len >=
		s->machine.range[range[kind]].length / MERKLE_HASH)
		return taint(s, GRPC_OUT_OF_RANGE,
		    voucher ? "more vouchers than their range has room for"
			    : "more notices than their range has room for");
	memcpy(address.byte,
	    s->next_memory.bytes[MACHINE_TX].data + ROLLUP_WORD -
		ROLLUP_ADDRESS,
	    ROLLUP_ADDRESS);
	processed_add(&s->result, kind, voucher ? &address : NULL, payload,
	    len);
	return SESSION_GOES_ON;
}

static enum session_verdict
take_exception(struct session *s)
{
	const char *payload;
	size_t len;

	payload = find_payload(s, ROLLUP_NOTICE_HEAD, "notice", &len);
	if (payload == NULL)
		return SESSION_TAINTS;
	processed_set_exception(&s->result, payload, len);
	return SESSION_SKIPS;
}

/* Outputs of a query are nobody's, but for its reports. */
static enum session_verdict
take_automatic(struct session *s, const struct session_yield *y)
{
	switch (reason_of(y)) {
	case REASON_VOUCHER:
		return s->is_query ? SESSION_GOES_ON
				   : take_output(s, PROCESSED_VOUCHER);
	case REASON_NOTICE:
		return s->is_query ? SESSION_GOES_ON
				   : take_output(s, PROCESSED_NOTICE);
	case REASON_REPORT:
		return take_output(s, PROCESSED_REPORT);
	default:
		return SESSION_GOES_ON; /* progress, and what there is not */
	}
}

static enum session_verdict
take_manual(struct session *s, const struct session_yield *y)
{
	switch (reason_of(y)) {
	case REASON_ACCEPTED:
		if (s->is_query)
			return SESSION_SKIPS;
		if (y->vouchers != s->result.kind[PROCESSED_VOUCHER].len)
			return taint(s, GRPC_INVALID_ARGUMENT,
			    "number of vouchers yielded and non-zero voucher "
			    "hashes disagree");
		if (y->notices != s->result.kind[PROCESSED_NOTICE].len)
			return taint(s, GRPC_INVALID_ARGUMENT,
			    "number notices yielded and non-zero notice hashes "
			    "disagree");
		return SESSION_ACCEPTS;
	case REASON_REJECTED:
		s->result.status = PROCESSED_REJECTED;
		return SESSION_SKIPS;
	case REASON_EXCEPTION:
		return take_exception(s);
	default:
		return taint(s, GRPC_OUT_OF_RANGE,
		    "unknown machine yield reason");
	}
}

enum session_verdict
session_yield_take(struct session *s, const struct session_yield *y)
{
	if (y->tx_len <= s->machine.range[MACHINE_TX].length)
		session_memory_write_tx(&s->next_memory, y->tx, y->tx_len);
	if (dev_of(y) == DEV_YIELD && cmd_of(y) == CMD_MANUAL)
		return take_manual(s, y);
	if (dev_of(y) == DEV_YIELD && cmd_of(y) == CMD_AUTOMATIC)
		return take_automatic(s, y);
	return taint(s, GRPC_INTERNAL,
	    "machine returned without hitting mcycle limit or yielding");
}
