#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/merkle_range.h"
#include "messages/processed.h"
#include "messages/protobuf_write.h"

/* ---- what came of it ---- */

void
processed_reset(struct processed *p)
{
	p->status = PROCESSED_ACCEPTED;
	buf_reset(&p->bytes);
	for (int k = 0; k < PROCESSED_KINDS; k++)
		p->kind[k].len = 0;
	p->exception_at = p->exception_len = 0;
}

void
processed_fini(struct processed *p)
{
	buf_fini(&p->bytes);
	for (int k = 0; k < PROCESSED_KINDS; k++)
		free(p->kind[k].item);
	memset(p, 0, sizeof(*p));
}

static struct processed_output *
add(struct processed *p, enum processed_kind kind)
{
	size_t size = p->kind[kind].size;
	struct processed_output *item = p->kind[kind].item;

	if (p->kind[kind].len == size) {
		size = size == 0 ? 8 : 2 * size;
		item = realloc(item, size * sizeof(*item));
		invariant(item != NULL);
		p->kind[kind].item = item;
		p->kind[kind].size = size;
	}
	item += p->kind[kind].len++;
	memset(item, 0, sizeof(*item));
	return item;
}

void
processed_add(struct processed *p, enum processed_kind kind,
    const struct rollup_address *address, const void *payload, size_t len)
{
	struct processed_output *o = add(p, kind);

	o->at = p->bytes.len;
	o->len = len;
	buf_add(&p->bytes, payload, len);
	if (kind == PROCESSED_VOUCHER) {
		o->address = *address;
		rollup_voucher_hash(address, payload, len, &o->keccak);
	} else if (kind == PROCESSED_NOTICE) {
		rollup_notice_hash(payload, len, &o->keccak);
	}
}

void
processed_set_exception(struct processed *p, const void *payload, size_t len)
{
	p->status = PROCESSED_EXCEPTION;
	p->exception_at = p->bytes.len;
	p->exception_len = len;
	buf_add(&p->bytes, payload, len);
}

struct merkle_hash *
processed_hashes(const struct processed *p, enum processed_kind kind)
{
	size_t n = p->kind[kind].len;
	struct merkle_hash *h = calloc(n + 1, sizeof(*h));

	invariant(h != NULL);
	for (size_t i = 0; i < n; i++)
		h[i] = p->kind[kind].item[i].keccak;
	return h;
}

/* ---- messages: numbers of server-manager.proto, cartesi-machine.proto ---- */

enum { HASH_DATA = 1, ADDRESS_DATA = 1, REPORT_PAYLOAD = 1 };
enum {
	PROOF_ADDRESS = 1,
	PROOF_LOG2_TARGET,
	PROOF_TARGET,
	PROOF_LOG2_ROOT,
	PROOF_ROOT,
	PROOF_SIBLINGS,
};
enum {
	INPUT_INDEX = 1,
	INPUT_MACHINE,
	INPUT_VOUCHERS,
	INPUT_NOTICES,
	INPUT_STATUS,
	INPUT_ACCEPTED,
	INPUT_EXCEPTION,
	INPUT_REPORTS,
};
enum {
	ACCEPTED_VOUCHER_PROOF = 1,
	ACCEPTED_VOUCHERS,
	ACCEPTED_NOTICE_PROOF,
	ACCEPTED_NOTICES,
};
enum { VOUCHER_KECCAK = 1, VOUCHER_ADDRESS, VOUCHER_PAYLOAD, VOUCHER_PROOF };
enum { NOTICE_KECCAK = 1, NOTICE_PAYLOAD, NOTICE_PROOF };
enum { QUERY_STATUS = 4, QUERY_EXCEPTION, QUERY_REPORTS };

void
processed_put_hash(struct buf *b, uint32_t field, const struct merkle_hash *h)
{
	buf_auto struct buf in = { 0 };

	protobuf_write_bytes(&in, HASH_DATA, h->byte, MERKLE_HASH);
	protobuf_write_bytes(b, field, in.data, in.len);
}

static void
put_proof(struct buf *b, uint32_t field, const struct merkle_proof *p)
{
	buf_auto struct buf in = { 0 };

	protobuf_write_number(&in, PROOF_ADDRESS, p->address);
	protobuf_write_number(&in, PROOF_LOG2_TARGET, p->log2_target);
	processed_put_hash(&in, PROOF_TARGET, &p->target);
	protobuf_write_number(&in, PROOF_LOG2_ROOT, p->log2_root);
	processed_put_hash(&in, PROOF_ROOT, &p->root);
	for (unsigned i = 0; i < p->log2_root - p->log2_target; i++)
		processed_put_hash(&in, PROOF_SIBLINGS, &p->sibling[i]);
	protobuf_write_bytes(b, field, in.data, in.len);
}

static void
put_payload(struct buf *b, uint32_t field, const struct processed *p,
    const struct processed_output *o)
{
	if (o->len > 0)
		protobuf_write_bytes(b, field, p->bytes.data + o->at, o->len);
}

static void
put_voucher(struct buf *b, const struct processed *p,
    const struct processed_output *o, const struct merkle_proof *proof)
{
	buf_auto struct buf in = { 0 }, address = { 0 };

	processed_put_hash(&in, VOUCHER_KECCAK, &o->keccak);
	protobuf_write_bytes(&address, ADDRESS_DATA, o->address.byte,
	    ROLLUP_ADDRESS);
	protobuf_write_bytes(&in, VOUCHER_ADDRESS, address.data, address.len);
	put_payload(&in, VOUCHER_PAYLOAD, p, o);
	put_proof(&in, VOUCHER_PROOF, proof);
	protobuf_write_bytes(b, ACCEPTED_VOUCHERS, in.data, in.len);
}

static void
put_notice(struct buf *b, const struct processed *p,
    const struct processed_output *o, const struct merkle_proof *proof)
{
	buf_auto struct buf in = { 0 };

	processed_put_hash(&in, NOTICE_KECCAK, &o->keccak);
	put_payload(&in, NOTICE_PAYLOAD, p, o);
	put_proof(&in, NOTICE_PROOF, proof);
	protobuf_write_bytes(b, ACCEPTED_NOTICES, in.data, in.len);
}

/* Those of one kind, each with its place in their range. */
static void
put_outputs(struct buf *b, const struct processed *p, enum processed_kind kind,
    const struct processed_place *place)
{
	struct merkle_hash *hashes = processed_hashes(p, kind);
	struct merkle_proof proof;
	struct merkle_range range;

	put_proof(b,
	    kind == PROCESSED_VOUCHER ? ACCEPTED_VOUCHER_PROOF
				      : ACCEPTED_NOTICE_PROOF,
	    &place->in_machine);
	merkle_range_make(&range, place->address, place->log2, hashes,
	    p->kind[kind].len);
	for (size_t i = 0; i < p->kind[kind].len; i++) {
		merkle_range_prove(&range, i, &proof);
		if (kind == PROCESSED_VOUCHER)
			put_voucher(b, p, &p->kind[kind].item[i], &proof);
		else
			put_notice(b, p, &p->kind[kind].item[i], &proof);
	}
	merkle_range_fini(&range);
	free(hashes);
}

static void
put_reports(struct buf *b, uint32_t field, const struct processed *p)
{
	for (size_t i = 0; i < p->kind[PROCESSED_REPORT].len; i++) {
		buf_auto struct buf in = { 0 };

		put_payload(&in, REPORT_PAYLOAD, p,
		    &p->kind[PROCESSED_REPORT].item[i]);
		protobuf_write_bytes(b, field, in.data, in.len);
	}
}

void
processed_put_body(struct buf *b, const struct processed *p,
    const struct processed_place place[2])
{
	buf_auto struct buf in = { 0 };

	protobuf_write_number(b, INPUT_STATUS, p->status);
	if (p->status == PROCESSED_ACCEPTED) {
		put_outputs(&in, p, PROCESSED_VOUCHER,
		    &place[PROCESSED_VOUCHER]);
		put_outputs(&in, p, PROCESSED_NOTICE, &place[PROCESSED_NOTICE]);
		protobuf_write_bytes(b, INPUT_ACCEPTED, in.data, in.len);
	} else if (p->status == PROCESSED_EXCEPTION) {
		protobuf_write_bytes(b, INPUT_EXCEPTION,
		    p->bytes.data + p->exception_at, p->exception_len);
	}
	put_reports(b, INPUT_REPORTS, p);
}

void
processed_put_input(struct buf *b, uint32_t field, uint64_t index,
    const struct merkle_hash *machine, const struct merkle_proof *vouchers,
    const struct merkle_proof *notices, const struct buf *body)
{
	buf_auto struct buf in = { 0 };

	protobuf_write_number(&in, INPUT_INDEX, index);
	processed_put_hash(&in, INPUT_MACHINE, machine);
	put_proof(&in, INPUT_VOUCHERS, vouchers);
	put_proof(&in, INPUT_NOTICES, notices);
	protobuf_write_head(b, field, in.len + body->len);
	buf_add(b, in.data, in.len);
	buf_add(b, body->data, body->len);
}

void
processed_put_query(struct buf *b, const struct processed *p)
{
	protobuf_write_number(b, QUERY_STATUS, p->status);
	if (p->status == PROCESSED_EXCEPTION)
		protobuf_write_bytes(b, QUERY_EXCEPTION,
		    p->bytes.data + p->exception_at, p->exception_len);
	put_reports(b, QUERY_REPORTS, p);
}
