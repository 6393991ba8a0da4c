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

/* What an input made of its state has no place in one; or none on this disk. */
static void
a_state_that_cannot_be_is_an_exception_and_a_full_disk_is_none(void **state)
{
	struct merkle_hash before;
	struct session_parts p;
	struct told a;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	before = machine_of(&f);
	for (int turn = 0; turn < 2; turn++) {
		struct session_yield y = fake_manual(1);

		fake_advance(&f, &a, "one", 0, (uint64_t)turn, "a");
		session_tell_yielded(f.s, &y);
		fake_expect(&f, "give weigh");
		if (turn == 0)
			session_tell_unfit(f.s, "/x: no place");
		else
			session_tell_later(f.s);
		fake_expect(&f, "discard");
		fake_parts(&p, 0);
		session_tell_ready(f.s, NULL, &p);
		assert_int_equal(session_view_pending(f.s), turn);
		assert_int_equal(f.done, 1);
		assert_true(merkle_is_same(&before, &active(&f)->machine));
	}
	assert_int_equal(f.timer, f.now + 1000 * MS);
	session_tell_time(f.s);
	fake_expect(&f, "give");
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
		cmocka_unit_test(
		    a_state_that_cannot_be_is_an_exception_and_a_full_disk_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
