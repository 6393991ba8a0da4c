/* What came of an input, as clients read it: written by us, read by protobuf-c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/merkle_epoch.h"
#include "messages/merkle_range.h"
#include "messages/merkle_tree.h"
#include "messages/processed.h"
#include "messages/proto/server-manager.pb-c.h"
#include "messages/proto_message.h"
#include "tests/unit/unit.h"

typedef CartesiServerManager__ProcessedInput input;
typedef CartesiMachine__MerkleTreeProof proof;
typedef CartesiServerManager__GetEpochStatusResponse epoch;

#define VOUCHERS UINT64_C(0x60600000)
#define NOTICES UINT64_C(0x60800000)

static void
take_hash(const CartesiMachine__Hash *h, struct merkle_hash *out)
{
	assert_non_null(h);
	assert_int_equal(h->data.len, MERKLE_HASH);
	memcpy(out->byte, h->data.data, MERKLE_HASH);
}

/* By what it says alone: its root. */
static struct merkle_hash
follow(const proof *p, unsigned target, unsigned root, uint64_t address)
{
	struct merkle_proof m = { .address = p->target_address };
	struct merkle_hash h;

	assert_int_equal(p->target_address, address);
	assert_int_equal(p->log2_target_size, target);
	assert_int_equal(p->log2_root_size, root);
	assert_int_equal(p->n_sibling_hashes, root - target);
	m.log2_target = target;
	m.log2_root = root;
	take_hash(p->target_hash, &m.target);
	take_hash(p->root_hash, &m.root);
	for (size_t i = 0; i < p->n_sibling_hashes; i++)
		take_hash(p->sibling_hashes[i], &m.sibling[i]);
	merkle_proof_root(&m, &h);
	assert_true(merkle_is_same(&h, &m.root));
	return h;
}

/* The two ranges, and a state somewhere else. */
static void
make_places(const struct processed *p, struct processed_place place[2],
    struct merkle_hash *machine, struct merkle_hash root[2])
{
	struct merkle_part part[3] = { { VOUCHERS, 21, { { 0 } } },
		{ NOTICES, 21, { { 0 } } },
		{ UINT64_C(1) << 55, 26, { { 9 } } } };
	struct merkle_tree t;

	for (int k = 0; k < 2; k++) {
		struct merkle_hash *h =
		    processed_hashes(p, (enum processed_kind)k);
		struct merkle_range r;

		merkle_range_make(&r, part[k].address, 21, h, p->kind[k].len);
		part[k].hash = root[k] = r.root;
		merkle_range_fini(&r);
		free(h);
	}
	merkle_tree_make(&t, part, 3);
	for (int k = 0; k < 2; k++) {
		place[k].address = part[k].address;
		place[k].log2 = 21;
		merkle_tree_prove(&t, part[k].address, 21,
		    &place[k].in_machine);
	}
	merkle_tree_fini(&t);
	*machine = place[0].in_machine.root;
}

static epoch *
read_epoch(const struct buf *b)
{
	struct err e;
	epoch *m = (epoch *)proto_message_unpack(
	    &cartesi_server_manager__get_epoch_status_response__descriptor,
	    b->data, b->len, &e);

	assert_non_null(m);
	return m;
}

static void
write_input(struct buf *b, const struct processed *p,
    const struct processed_place place[2], const struct merkle_hash *machine,
    const struct merkle_hash root[2])
{
	struct merkle_epoch t[2] = { { 0 }, { 0 } };
	buf_auto struct buf body = { 0 };
	struct merkle_proof in_epoch[2];

	for (int k = 0; k < 2; k++) {
		merkle_epoch_add(&t[k], &root[k]);
		merkle_epoch_prove(&t[k], 0, &in_epoch[k]);
		merkle_epoch_fini(&t[k]);
	}
	processed_put_body(&body, p, place);
	processed_put_input(b, 7, 3, machine, &in_epoch[0], &in_epoch[1],
	    &body);
}

static void
accepted_ones_have_all_their_proofs(void **state)
{
	static const struct rollup_address address = { { 0xfa, 1, 2 } };
	buf_auto struct buf b = { 0 };
	struct processed p = { 0 };
	struct processed_place place[2];
	struct merkle_hash machine, root[2], h;
	epoch *e;
	input *i;

	(void)state;
	processed_add(&p, PROCESSED_VOUCHER, &address, "pay", 3);
	processed_add(&p, PROCESSED_NOTICE, NULL, "", 0);
	processed_add(&p, PROCESSED_REPORT, NULL, "log", 3);
	processed_add(&p, PROCESSED_VOUCHER, &address, "more", 4);
	processed_add(&p, PROCESSED_VOUCHER, &address, "most", 4);
	make_places(&p, place, &machine, root);
	write_input(&b, &p, place, &machine, root);
	e = read_epoch(&b);
	assert_int_equal(e->n_processed_inputs, 1);
	i = e->processed_inputs[0];
	assert_int_equal(i->input_index, 3);
	assert_int_equal(i->status, 0);
	take_hash(i->most_recent_machine_hash, &h);
	assert_true(merkle_is_same(&h, &machine));
	(void)follow(i->voucher_hashes_in_epoch, 5, 37, 0);
	(void)follow(i->notice_hashes_in_epoch, 5, 37, 0);
	assert_int_equal(i->processed_input_one_of_case,
	    CARTESI_SERVER_MANAGER__PROCESSED_INPUT__PROCESSED_INPUT_ONE_OF_ACCEPTED_DATA);
	h = follow(i->accepted_data->voucher_hashes_in_machine, 21, 64,
	    VOUCHERS);
	assert_true(merkle_is_same(&h, &machine));
	h = follow(i->accepted_data->notice_hashes_in_machine, 21, 64, NOTICES);
	assert_true(merkle_is_same(&h, &machine));
	assert_int_equal(i->accepted_data->n_vouchers, 3);
	for (size_t k = 0; k < 3; k++) {
		CartesiServerManager__Voucher *v =
		    i->accepted_data->vouchers[k];

		h = follow(v->keccak_in_voucher_hashes, 5, 21,
		    VOUCHERS + 32 * k);
		assert_true(merkle_is_same(&h, &root[0]));
		assert_memory_equal(v->address->data.data, address.byte, 20);
		take_hash(v->keccak, &h);
		assert_true(merkle_is_same(&h,
		    &p.kind[PROCESSED_VOUCHER].item[k].keccak));
	}
	assert_memory_equal(i->accepted_data->vouchers[1]->payload.data, "more",
	    4);
	assert_int_equal(i->accepted_data->n_notices, 1);
	assert_int_equal(i->accepted_data->notices[0]->payload.len, 0);
	h = follow(i->accepted_data->notices[0]->keccak_in_notice_hashes, 5, 21,
	    NOTICES);
	assert_true(merkle_is_same(&h, &root[1]));
	assert_int_equal(i->n_reports, 1);
	assert_memory_equal(i->reports[0]->payload.data, "log", 3);
	proto_message_free(&e->base);
	processed_fini(&p);
}

static void
skipped_ones_keep_their_reports(void **state)
{
	static const struct merkle_hash zero[2], machine = { { 5 } };
	epoch *e;
	input *i;

	(void)state;
	for (enum processed_status s = PROCESSED_REJECTED; s <= PROCESSED_TIME;
	     s++) {
		buf_auto struct buf b = { 0 };
		struct processed p = { 0 };

		processed_add(&p, PROCESSED_NOTICE, NULL, "never was", 9);
		processed_add(&p, PROCESSED_REPORT, NULL, "", 0);
		processed_add(&p, PROCESSED_REPORT, NULL, "log", 3);
		p.status = s;
		if (s == PROCESSED_EXCEPTION)
			processed_set_exception(&p, "oops", 4);
		write_input(&b, &p, NULL, &machine, zero);
		e = read_epoch(&b);
		i = e->processed_inputs[0];
		assert_int_equal(i->status, s);
		assert_int_equal(i->processed_input_one_of_case,
		    s == PROCESSED_EXCEPTION ? 7 : 0);
		if (s == PROCESSED_EXCEPTION)
			assert_memory_equal(i->exception_data.data, "oops", 4);
		assert_int_equal(i->n_reports, 2);
		assert_int_equal(i->reports[0]->payload.len, 0);
		proto_message_free(&e->base);
		processed_fini(&p);
	}
}

/* Presence is told, also of an exception that says nothing. */
static void
queries_have_reports(void **state)
{
	(void)state;
	for (int exception = 0; exception < 2; exception++) {
		buf_auto struct buf b = { 0 };
		struct processed p = { 0 };
		CartesiServerManager__InspectStateResponse *r;
		struct err e;

		processed_add(&p, PROCESSED_REPORT, NULL, "me", 2);
		if (exception == 1)
			processed_set_exception(&p, "", 0);
		processed_put_query(&b, &p);
		r = (void *)proto_message_unpack(
		    &cartesi_server_manager__inspect_state_response__descriptor,
		    b.data, b.len, &e);
		assert_non_null(r);
		assert_int_equal(r->status, exception == 1 ? 2 : 0);
		assert_int_equal(r->_exception_data_case,
		    exception == 1 ? 5 : 0);
		assert_int_equal(r->n_reports, 1);
		proto_message_free(&r->base);
		processed_fini(&p);
	}
}

/* One by one, over all of the range. */
static void
ranges_are_memory(void **state)
{
	static const size_t counts[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 100,
		128 };
	struct merkle_hash entry[128], root, got;
	struct merkle_range r;
	struct merkle_proof p;
	unsigned seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(entry); i++)
		((unsigned char *)entry)[i] = (unsigned char)rand_r(&seed);
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
		for (unsigned log2 = 5; log2 <= 21; log2++) {
			size_t n = counts[c];

			if (n > (size_t)1 << (log2 - 5))
				continue;
			merkle_range_make(&r, 0, log2, entry, n);
			merkle_memory(entry, n * MERKLE_HASH, log2, &root);
			assert_true(merkle_is_same(&r.root, &root));
			for (size_t i = 0; i < n; i++) {
				merkle_range_prove(&r, i, &p);
				merkle_proof_root(&p, &got);
				assert_true(merkle_is_same(&got, &root));
			}
			merkle_range_fini(&r);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted_ones_have_all_their_proofs),
		cmocka_unit_test(skipped_ones_keep_their_reports),
		cmocka_unit_test(queries_have_reports),
		cmocka_unit_test(ranges_are_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
