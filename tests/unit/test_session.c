/* Sessions: inputs, queries, epochs and their ends, every check in its words.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/merkle_epoch.h"
#include "messages/rollup.h"
#include "runtime/session_view.h"
#include "tests/unit/session_fake.h"
#include "tests/unit/unit.h"

static const struct merkle_hash zero;

static const struct session_epoch *
active(const struct fake *f)
{
	return session_view_active(f->s);
}

static struct merkle_hash
machine_of(const struct fake *f)
{
	return active(f)->machine;
}

static void
expect_taint(const struct fake *f, enum grpc_status status, const char *text)
{
	assert_int_equal(session_view_taint(f->s)->status, status);
	assert_string_equal(session_view_taint(f->s)->text, text);
	assert_int_equal(f->taints, 1);
}

/* ---- AdvanceState ---- */

static void
other_epoch(struct session_advance *q)
{
	q->epoch = 1;
}
static void
other_index(struct session_advance *q)
{
	q->input_index = 1;
}
static void
long_payload(struct session_advance *q)
{
	q->len = (2 << 20) - 64;
}
static void
no_metadata(struct session_advance *q)
{
	q->has_metadata = false;
}
static void
no_sender(struct session_advance *q)
{
	q->has_sender = false;
}
static void
short_sender(struct session_advance *q)
{
	q->sender_len = 19;
}
static void
their_epoch(struct session_advance *q)
{
	q->metadata.epoch_index = 3;
}
static void
their_index(struct session_advance *q)
{
	q->metadata.input_index = 4;
}

static const struct {
	void (*change)(struct session_advance *);
	const char *text;
} advances[] = {
	{ other_epoch, "incorrect active epoch index (expected 0, got 1)" },
	{ other_index, "incorrect current input index (expected 0, got 1)" },
	{ long_payload,
	    "input payload too long for rx buffer length (expected 2097088 "
	    "bytes max, got 2097088 bytes)" },
	{ no_metadata, "missing input metadata" },
	{ no_sender, "missing input metadata msg_sender" },
	{ short_sender,
	    "invalid input metadata msg_sender length (expected 20 bytes, got "
	    "19 bytes)" },
	{ their_epoch,
	    "input metadata epoch index (3) is inconsistent with active epoch "
	    "index (0)" },
	{ their_index,
	    "input metadata input index (4) is inconsistent with current "
	    "input index (0)" },
};

static void
good_advance(struct session_advance *q)
{
	static char payload[2 << 20];

	*q = (struct session_advance){ .id = "one",
		.has_metadata = true,
		.has_sender = true,
		.sender_len = ROLLUP_ADDRESS,
		.payload = payload,
		.len = 3 };
}

static void
advance(struct fake *f, const struct session_advance *q,
    enum grpc_status status, const char *text)
{
	struct told t;

	fake_told(&t, "AdvanceState");
	session_advance(f->all, q, &t.call);
	fake_expect_told(&t, status, text);
}

static void
inputs_are_checked(void **state)
{
	struct session_advance q;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	for (size_t i = 0; i < nitems(advances); i++) {
		good_advance(&q);
		advances[i].change(&q);
		advance(&f, &q, GRPC_INVALID_ARGUMENT, advances[i].text);
		/* The first mistake is told. */
		for (size_t k = nitems(advances); k-- > i;)
			advances[k].change(&q);
		advance(&f, &q, GRPC_INVALID_ARGUMENT, advances[i].text);
	}
	good_advance(&q);
	q.id = "no";
	advance(&f, &q, GRPC_INVALID_ARGUMENT, "session id not found!");
	fake_expect(&f, "");
	assert_int_equal(f.inputs, 0);
	fake_close(&f);
}

static void
the_longest_input_has_one_byte_less(void **state)
{
	struct session_advance q;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	good_advance(&q);
	q.len = (2 << 20) - 65;
	advance(&f, &q, GRPC_OK, "");
	fake_expect(&f, "give");
	fake_close(&f);
}

static void
an_input_is_kept_before_it_is_answered(void **state)
{
	struct session_advance q;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	good_advance(&q);
	f.full = true;
	advance(&f, &q, GRPC_UNAVAILABLE, "the disk is full");
	assert_int_equal(session_view_pending(f.s), 0);
	fake_expect(&f, "");
	f.full = false;
	advance(&f, &q, GRPC_OK, "");
	assert_int_equal(f.inputs, 1);
	assert_int_equal(session_view_pending(f.s), 1);
	fake_close(&f);
}

/* ---- inputs, one after the other ---- */

static void
accepted_ones_stay(void **state)
{
	struct merkle_hash before, root, expected;
	struct merkle_epoch t = { 0 };
	struct fake f;
	struct told a;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	before = machine_of(&f);
	fake_advance(&f, &a, "one", 0, 0, "hello");
	fake_expect_told(&a, GRPC_OK, "");
	assert_string_equal(f.payload, "hello");
	assert_int_equal(f.metadata.block_number, 7);
	/* The next one waits. */
	fake_advance(&f, &a, "one", 0, 1, "again");
	fake_expect_told(&a, GRPC_OK, "");
	fake_expect(&f, "give");
	fake_put(&f, 3, "v", 1);
	fake_put(&f, 4, "n", 1);
	fake_put(&f, 4, "m", 1);
	fake_put(&f, 5, "r", 1);
	fake_put(&f, 0, "", 0);  /* progress */
	fake_put(&f, 77, "", 0); /* unknown ones are nothing */
	fake_expect(&f, "go_on go_on go_on go_on go_on go_on");
	assert_int_equal(active(&f)->ndone, 0);
	fake_accept(&f, 1, 2, 1);
	fake_expect(&f, "weigh apply give");
	assert_string_equal(f.payload, "again");
	assert_int_equal(active(&f)->ndone, 1);
	assert_int_equal(session_view_pending(f.s), 1);
	assert_false(merkle_is_same(&before, &active(&f)->machine));
	assert_true(
	    merkle_is_same(&active(&f)->machine, &active(&f)->done[0].machine));
	assert_int_equal(f.accepted, 1);
	/* The one without outputs has empty ranges, and not nothing. */
	fake_accept(&f, 0, 0, 2);
	assert_int_equal(session_view_pending(f.s), 0);
	merkle_epoch_root(&active(&f)->vouchers, &root);
	merkle_epoch_add(&t, &active(&f)->vouchers.level[0].node[0]);
	merkle_epoch_add(&t, merkle_pristine(21));
	merkle_epoch_root(&t, &expected);
	assert_true(merkle_is_same(&root, &expected));
	merkle_epoch_fini(&t);
	fake_close(&f);
}

/* An input that is not accepted: nothing of it is left but its place. */
static void
expect_skipped(struct fake *f, const struct merkle_hash *before, size_t n)
{
	const struct session_epoch *e = active(f);

	assert_int_equal(e->ndone, n);
	assert_true(merkle_is_same(&e->machine, before));
	assert_true(merkle_is_same(&e->done[n - 1].machine, before));
	assert_true(merkle_is_same(&e->vouchers.level[0].node[n - 1], &zero));
	assert_true(merkle_is_same(&e->notices.level[0].node[n - 1], &zero));
	assert_int_equal(session_view_taint(f->s)->status, GRPC_OK);
	assert_int_equal(session_view_pending(f->s), 0);
	assert_int_equal(f->accepted, 0);
}

static void
skipped_ones_leave_their_place(void **state)
{
	struct session_parts p;
	struct merkle_hash before;
	struct fake f;
	struct told a;

	(void)state;
	fake_open(&f);
	fake_parts(&p, 0);
	fake_start(&f, "one");
	before = machine_of(&f);
	/* Rejected, with a voucher that never was. */
	fake_advance(&f, &a, "one", 0, 0, "a");
	fake_put(&f, 3, "v", 1);
	fake_skip(&f, 2, 0);
	fake_expect(&f, "give go_on discard");
	expect_skipped(&f, &before, 1);
	/* An exception. */
	fake_advance(&f, &a, "one", 0, 1, "b");
	fake_skip(&f, 6, 0);
	expect_skipped(&f, &before, 2);
	/* Halted. */
	fake_advance(&f, &a, "one", 0, 2, "c");
	session_tell_halted(f.s);
	session_tell_ready(f.s, NULL, &p);
	expect_skipped(&f, &before, 3);
	/* All cycles, and then it yields: it is too late. */
	fake_advance(&f, &a, "one", 0, 3, "d");
	f.cycles += 1000 * MS;
	fake_skip(&f, 1, 0);
	expect_skipped(&f, &before, 4);
	/* The same, and nobody said a word. */
	fake_advance(&f, &a, "one", 0, 4, "e");
	f.cycles += 1000 * MS;
	session_tell_time(f.s);
	session_tell_ready(f.s, NULL, &p);
	expect_skipped(&f, &before, 5);
	/* The same, and halted. */
	fake_advance(&f, &a, "one", 0, 5, "f");
	f.cycles += 1000 * MS;
	session_tell_halted(f.s);
	session_tell_ready(f.s, NULL, &p);
	expect_skipped(&f, &before, 6);
	assert_int_equal(f.done, 6);
	fake_close(&f);
}

/* Field 5 of a body is its status; without one it is zero. */
static unsigned
status_of(const struct fake *f, size_t i)
{
	const struct buf *b = &active(f)->done[i].body;

	return b->len >= 2 && b->data[0] == 5 << 3 ? (unsigned char)b->data[1]
						   : 0;
}

static void
time_is_looked_at_between_increments(void **state)
{
	struct session_parts p;
	struct fake f;
	struct told a;

	(void)state;
	fake_open(&f);
	fake_parts(&p, 0);
	fake_start(&f, "one");
	fake_advance(&f, &a, "one", 0, 0, "a");
	/* Nine increments in their time, and then the time of all is over. */
	for (int i = 0; i < 9; i++) {
		f.now += 1100 * MS;
		f.cycles += 100 * MS;
		session_tell_time(f.s);
		fake_expect(&f, i == 0 ? "give" : "");
	}
	f.now += 1100 * MS; /* 11 s: but the increment goes on */
	session_tell_time(f.s);
	fake_expect(&f, "");
	f.cycles += 100 * MS - 1;
	session_tell_time(f.s);
	fake_expect(&f, "");
	assert_true(f.timer > f.now && f.timer <= f.now + MS);
	fake_close(&f);

	fake_open(&f);
	fake_start(&f, "one");
	fake_advance(&f, &a, "one", 0, 0, "a");
	for (int i = 0; i < 6; i++) {
		f.now += 1900 * MS;
		f.cycles += 100 * MS;
		session_tell_time(f.s);
	}
	fake_expect(&f, "give discard");
	session_tell_ready(f.s, NULL, &p);
	assert_int_equal(status_of(&f, 0), 5);
	assert_int_equal(session_view_taint(f.s)->status, GRPC_OK);
	fake_close(&f);
}

static void
statuses_are_told(void **state)
{
	struct session_parts p;
	struct fake f;
	struct told a;

	(void)state;
	fake_open(&f);
	fake_parts(&p, 0);
	fake_start(&f, "one");
	fake_advance(&f, &a, "one", 0, 0, "a");
	fake_accept(&f, 0, 0, 0);
	fake_advance(&f, &a, "one", 0, 1, "a");
	fake_skip(&f, 2, 0);
	fake_advance(&f, &a, "one", 0, 2, "a");
	fake_skip(&f, 6, 0);
	fake_advance(&f, &a, "one", 0, 3, "a");
	session_tell_halted(f.s);
	session_tell_ready(f.s, NULL, &p);
	fake_advance(&f, &a, "one", 0, 4, "a");
	f.cycles += 1000 * MS;
	session_tell_time(f.s);
	session_tell_ready(f.s, NULL, &p);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(status_of(&f, i), i);
	fake_close(&f);
}

static void
what_cannot_be_kept_is_done_again(void **state)
{
	struct merkle_hash before;
	struct session_parts p;
	struct fake f;
	struct told a;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	before = machine_of(&f);
	fake_advance(&f, &a, "one", 0, 0, "a");
	f.full = true;
	{
		struct session_yield y = fake_manual(1);

		session_tell_yielded(f.s, &y);
	}
	fake_parts(&p, 1);
	session_tell_weighed(f.s, &p);
	fake_expect(&f, "give weigh discard");
	fake_parts(&p, 0);
	session_tell_ready(f.s, NULL, &p);
	assert_int_equal(f.timer, f.now + 1000 * MS);
	assert_int_equal(session_view_pending(f.s), 1);
	assert_true(merkle_is_same(&before, &active(&f)->machine));
	session_tell_time(f.s);
	fake_expect(&f, "give");
	fake_skip(&f, 2, 0);
	assert_int_equal(session_view_pending(f.s), 1);
	f.full = false;
	session_tell_time(f.s);
	fake_skip(&f, 2, 0);
	assert_int_equal(session_view_pending(f.s), 0);
	assert_int_equal(f.done, 1);
	fake_close(&f);
}

/* ---- taint ---- */

static void
late(struct fake *f)
{
	f->now += 2000 * MS;
	session_tell_time(f->s);
}
static void
dies(struct fake *f)
{
	session_tell_died(f->s, GRPC_UNAVAILABLE, "it is gone");
}
static void
another_state(struct fake *f)
{
	fake_skip(f, 2, 9);
}
static void
no_checkin(struct fake *f)
{
	struct session_yield y = fake_manual(2);

	session_tell_yielded(f->s, &y);
	f->now += 1000 * MS;
	session_tell_time(f->s);
}
static void
no_checkin_after(struct fake *f)
{
	struct session_yield y = fake_manual(1);
	struct session_parts p;

	session_tell_yielded(f->s, &y);
	fake_parts(&p, 1);
	session_tell_weighed(f->s, &p);
	session_tell_time(f->s);
}
static void
no_weight(struct fake *f)
{
	struct session_yield y = fake_manual(1);

	session_tell_yielded(f->s, &y);
	session_tell_time(f->s);
}
static void
yields_with(struct fake *f, uint64_t tohost)
{
	const struct session_yield y = { .tohost = tohost };

	session_tell_yielded(f->s, &y);
}
static void
other_reason(struct fake *f)
{
	struct session_yield y = fake_manual(7);

	session_tell_yielded(f->s, &y);
}
static void
other_device(struct fake *f)
{
	yields_with(f, UINT64_C(1) << 56);
}
static void
other_command(struct fake *f)
{
	yields_with(f, UINT64_C(2) << 56 | UINT64_C(2) << 48);
}
static void
one_voucher_less(struct fake *f)
{
	struct session_yield y = fake_manual(1);

	fake_put(f, 3, "v", 1);
	session_tell_yielded(f->s, &y);
}
static void
one_notice_more(struct fake *f)
{
	struct session_yield y = fake_manual(1);

	y.notices = 1;
	session_tell_yielded(f->s, &y);
}
static void
put_length(struct fake *f, unsigned reason, size_t word, unsigned char high,
    uint64_t length)
{
	unsigned char tx[128] = { 0 };
	struct session_yield y = { .tohost = UINT64_C(2) << 56 |
		    (uint64_t)reason << 32,
		.tx = tx,
		.tx_len = sizeof(tx) };

	tx[word] = high;
	for (size_t i = 0; i < 8; i++)
		tx[word + 31 - i] = (unsigned char)(length >> (8 * i));
	session_tell_yielded(f->s, &y);
}
static void
huge_voucher(struct fake *f)
{
	put_length(f, 3, 64, 1, 0);
}
static void
huge_report(struct fake *f)
{
	put_length(f, 5, 32, 0x80, 1);
}
static void
long_voucher(struct fake *f)
{
	put_length(f, 3, 64, 0, (2 << 20) - 95);
}
static void
long_notice(struct fake *f)
{
	put_length(f, 4, 32, 0, (2 << 20) - 63);
}
static void
longest_report(struct fake *f)
{
	put_length(f, 5, 32, 0, UINT64_MAX);
}
static void
long_exception(struct fake *f)
{
	unsigned char tx[64] = { [56] = 1 };
	struct session_yield y = fake_manual(6);

	y.tx = tx;
	y.tx_len = sizeof(tx);
	session_tell_yielded(f->s, &y);
}
static void
much(struct fake *f)
{
	for (int i = 0; i < 64 && session_view_taint(f->s)->status == GRPC_OK;
	     i++)
		put_length(f, 5, 32, 0, (2 << 20) - 64);
}

static const struct {
	void (*happens)(struct fake *);
	enum grpc_status status;
	const char *text;
} taints[] = {
	{ late, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded" },
	{ dies, GRPC_UNAVAILABLE, "it is gone" },
	{ another_state, GRPC_INTERNAL,
	    "machine hash is changed after rollback" },
	{ no_checkin, GRPC_INTERNAL,
	    "Remote machine check-in has failed on session: one" },
	{ no_checkin_after, GRPC_INTERNAL,
	    "Remote machine check-in has failed on session: one" },
	{ no_weight, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded" },
	{ other_reason, GRPC_OUT_OF_RANGE, "unknown machine yield reason" },
	{ other_device, GRPC_INTERNAL,
	    "machine returned without hitting mcycle limit or yielding" },
	{ other_command, GRPC_INTERNAL,
	    "machine returned without hitting mcycle limit or yielding" },
	{ one_voucher_less, GRPC_INVALID_ARGUMENT,
	    "number of vouchers yielded and non-zero voucher hashes disagree" },
	{ one_notice_more, GRPC_INVALID_ARGUMENT,
	    "number notices yielded and non-zero notice hashes disagree" },
	{ huge_voucher, GRPC_OUT_OF_RANGE, "payload length too large" },
	{ huge_report, GRPC_OUT_OF_RANGE, "payload length too large" },
	{ long_voucher, GRPC_OUT_OF_RANGE,
	    "voucher payload length is out of bounds" },
	{ long_notice, GRPC_OUT_OF_RANGE,
	    "notice payload length is out of bounds" },
	{ longest_report, GRPC_OUT_OF_RANGE,
	    "notice payload length is out of bounds" },
	{ long_exception, GRPC_OUT_OF_RANGE,
	    "notice payload length is out of bounds" },
	{ much, GRPC_RESOURCE_EXHAUSTED,
	    "outputs of one input are longer than 64 MiB" },
};

/* What is in the queue stays there, and nothing is done any more, but to look
 * and to end it. */
static void
tainted_ones_are_over(void **state)
{
	struct told a, q, t;
	struct fake f;

	(void)state;
	for (size_t i = 0; i < nitems(taints); i++) {
		fake_open(&f);
		fake_start(&f, "one");
		fake_advance(&f, &a, "one", 0, 0, "a");
		fake_advance(&f, &a, "one", 0, 1, "b");
		fake_told(&q, "InspectState");
		session_inspect(f.all, "one", "?", 1, &q.call);
		taints[i].happens(&f);
		expect_taint(&f, taints[i].status, taints[i].text);
		/* A query that only waited did nothing to it. */
		fake_expect_told(&q, GRPC_DATA_LOSS, "session is tainted");
		assert_int_equal(session_view_pending(f.s) + active(&f)->ndone,
		    2);
		assert_int_equal(active(&f)->ndone,
		    taints[i].happens == no_checkin_after);
		fake_advance(&f, &a, "one", 0, 2, "c");
		fake_expect_told(&a, GRPC_DATA_LOSS, "session is tainted");
		fake_told(&t, "InspectState");
		session_inspect(f.all, "one", "?", 1, &t.call);
		fake_expect_told(&t, GRPC_DATA_LOSS, "session is tainted");
		fake_told(&t, "FinishEpoch");
		session_finish(f.all, "one", 0, 0, "", &t.call);
		fake_expect_told(&t, GRPC_DATA_LOSS, "session is tainted");
		fake_told(&t, "GetSessionStatus");
		session_status(f.all, "one", &t.call);
		fake_expect_told(&t, GRPC_OK, "");
		fake_told(&t, "GetEpochStatus");
		session_epoch_status(f.all, "one", 0, &t.call);
		fake_expect_told(&t, GRPC_OK, "");
		fake_told(&t, "EndSession");
		session_end(f.all, "one", &t.call);
		session_tell_stopped(f.s);
		fake_expect_told(&t, GRPC_OK, "");
		assert_null(session_view_first(f.all));
		fake_close(&f);
	}
}

static void
one_that_has_stopped_ends_at_once(void **state)
{
	struct told a, t;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	fake_advance(&f, &a, "one", 0, 0, "a");
	dies(&f);
	fake_expect(&f, "give stop");
	session_tell_stopped(f.s);
	assert_non_null(session_view_first(f.all));
	fake_told(&t, "EndSession");
	session_end(f.all, "one", &t.call);
	fake_expect_told(&t, GRPC_OK, "");
	assert_int_equal(f.ends, 1);
	fake_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inputs_are_checked),
		cmocka_unit_test(the_longest_input_has_one_byte_less),
		cmocka_unit_test(an_input_is_kept_before_it_is_answered),
		cmocka_unit_test(accepted_ones_stay),
		cmocka_unit_test(skipped_ones_leave_their_place),
		cmocka_unit_test(time_is_looked_at_between_increments),
		cmocka_unit_test(statuses_are_told),
		cmocka_unit_test(what_cannot_be_kept_is_done_again),
		cmocka_unit_test(tainted_ones_are_over),
		cmocka_unit_test(one_that_has_stopped_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
