/* What clients are told, read by protobuf-c. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/keccak.h"
#include "messages/proto/server-manager.pb-c.h"
#include "messages/proto_message.h"
#include "runtime/session_reply.h"
#include "runtime/session_view.h"
#include "tests/unit/session_fake.h"
#include "tests/unit/unit.h"

static void *
read_reply(const ProtobufCMessageDescriptor *d, const struct buf *b)
{
	struct err e;
	void *m = proto_message_unpack(d, b->data, b->len, &e);

	assert_non_null(m);
	return m;
}
#define READ(name, b) \
	read_reply(&cartesi_server_manager__##name##__descriptor, b)

static void
expect_hash(const CartesiMachine__Hash *h, const struct merkle_hash *wanted)
{
	assert_non_null(h);
	assert_int_equal(h->data.len, MERKLE_HASH);
	assert_memory_equal(h->data.data, wanted->byte, MERKLE_HASH);
}

static void
sessions_are_told(void **state)
{
	CartesiServerManager__StartSessionResponse *started;
	CartesiServerManager__GetSessionStatusResponse *status;
	CartesiServerManager__GetStatusResponse *all;
	buf_auto struct buf a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
	struct told t;
	struct fake f;

	(void)state;
	fake_open(&f);
	session_reply_all(&d, f.all);
	assert_int_equal(d.len, 0);
	fake_start(&f, "one");
	fake_told(&t, "FinishEpoch");
	session_finish(f.all, "one", 0, 0, "", &t.call);
	session_reply_started(&a, f.s);
	started = READ(start_session_response, &a);
	assert_true(started->config->htif->yield_manual);
	assert_int_equal(started->config->rollup->rx_buffer->length, 2 << 20);
	proto_message_free(&started->base);
	session_reply_session(&b, f.s);
	status = READ(get_session_status_response, &b);
	assert_string_equal(status->session_id, "one");
	assert_int_equal(status->active_epoch_index, 1);
	assert_int_equal(status->n_epoch_index, 2);
	assert_true(status->epoch_index[0] == 0 && status->epoch_index[1] == 1);
	assert_null(status->taint_status);
	proto_message_free(&status->base);
	session_tell_died(f.s, GRPC_UNAVAILABLE, "it is gone");
	buf_reset(&b);
	session_reply_session(&b, f.s);
	status = READ(get_session_status_response, &b);
	assert_int_equal(status->taint_status->error_code, 14);
	assert_string_equal(status->taint_status->error_message, "it is gone");
	proto_message_free(&status->base);
	session_reply_all(&c, f.all);
	all = READ(get_status_response, &c);
	assert_int_equal(all->n_session_id, 1);
	assert_string_equal(all->session_id[0], "one");
	proto_message_free(&all->base);
	fake_close(&f);
}

static CartesiServerManager__GetEpochStatusResponse *
read_epoch(const struct fake *f, uint64_t index)
{
	const struct session_epoch *e = session_view_epochs(f->s);
	buf_auto struct buf b = { 0 };

	while (e->index != index)
		e = e->next;
	session_reply_epoch(&b, f->s, e);
	return READ(get_epoch_status_response, &b);
}

/* The sibling beside the first entry: what was there then, or is there now. */
static void
expect_sibling(const CartesiServerManager__GetEpochStatusResponse *r,
    const struct merkle_hash *wanted)
{
	const CartesiMachine__MerkleTreeProof *p =
	    r->processed_inputs[0]->voucher_hashes_in_epoch;

	assert_int_equal(p->n_sibling_hashes, 32);
	expect_hash(p->sibling_hashes[31], wanted);
}

static void
epochs_are_told(void **state)
{
	CartesiServerManager__GetEpochStatusResponse *r;
	static const struct merkle_hash zero;
	struct merkle_hash none, root;
	struct told a;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	fake_advance(&f, &a, "one", 0, 0, "a");
	fake_put(&f, 3, "v", 1);
	fake_accept(&f, 1, 0, 1);
	fake_advance(&f, &a, "one", 0, 1, "b");
	fake_put(&f, 5, "r", 1);
	fake_skip(&f, 2, 1);
	fake_advance(&f, &a, "one", 0, 2, "c");
	r = read_epoch(&f, 0);
	assert_string_equal(r->session_id, "one");
	assert_int_equal(r->state, 0);
	assert_int_equal(r->n_processed_inputs, 2);
	assert_int_equal(r->pending_input_count, 1);
	assert_null(r->taint_status);
	expect_hash(r->most_recent_machine_hash,
	    &session_view_active(f.s)->machine);
	merkle_epoch_root(&session_view_active(f.s)->vouchers, &root);
	expect_hash(r->most_recent_vouchers_epoch_root_hash, &root);
	merkle_epoch_root(&session_view_active(f.s)->notices, &root);
	expect_hash(r->most_recent_notices_epoch_root_hash, &root);
	assert_int_equal(r->processed_inputs[0]->accepted_data->n_vouchers, 1);
	assert_int_equal(r->processed_inputs[1]->input_index, 1);
	assert_int_equal(r->processed_inputs[1]->status, 1);
	assert_int_equal(r->processed_inputs[1]->n_reports, 1);
	keccak_256(zero.byte, MERKLE_HASH, none.byte);
	expect_sibling(r, &none); /* nothing was there yet */
	proto_message_free(&r->base);
	/* Of a finished epoch they are of all of it. */
	fake_accept(&f, 0, 0, 2);
	fake_told(&a, "FinishEpoch");
	session_finish(f.all, "one", 0, 3, "", &a.call);
	r = read_epoch(&f, 0);
	assert_int_equal(r->state, 1);
	assert_int_equal(r->pending_input_count, 0);
	expect_sibling(r, &zero); /* the second was skipped */
	proto_message_free(&r->base);
	r = read_epoch(&f, 1);
	assert_int_equal(r->epoch_index, 1);
	assert_int_equal(r->n_processed_inputs, 0);
	proto_message_free(&r->base);
	fake_close(&f);
}

/* ---- a query ---- */

static struct buf said;

static void
answered(struct session_call *call, const struct session_answer *a)
{
	(void)call;
	assert_int_equal(a->status, GRPC_OK);
	session_reply_query(&said, a);
}

static void
queries_are_told(void **state)
{
	struct session_call call = { "InspectState", "here", answered };
	CartesiServerManager__InspectStateResponse *r;
	struct told t;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	fake_told(&t, "FinishEpoch");
	session_finish(f.all, "one", 0, 0, "", &t.call);
	fake_advance(&f, &t, "one", 1, 0, "a");
	fake_skip(&f, 2, 0);
	session_inspect(f.all, "one", "?", 1, &call);
	fake_put(&f, 5, "me", 2);
	fake_skip(&f, 6, 0);
	r = READ(inspect_state_response, &said);
	assert_string_equal(r->session_id, "one");
	assert_int_equal(r->active_epoch_index, 1);
	assert_int_equal(r->current_input_index, 1);
	assert_int_equal(r->status, 2);
	assert_int_equal(r->_exception_data_case, 5);
	assert_memory_equal(r->exception_data.data, "oops", 4);
	assert_int_equal(r->n_reports, 1);
	proto_message_free(&r->base);
	buf_fini(&said);
	fake_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_told),
		cmocka_unit_test(epochs_are_told),
		cmocka_unit_test(queries_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
