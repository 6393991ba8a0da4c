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

static const struct session_epoch *
active(const struct fake *f)
{
	return session_view_active(f->s);
}

static void
expect_taint(const struct fake *f, enum grpc_status status, const char *text)
{
	assert_int_equal(session_view_taint(f->s)->status, status);
	assert_string_equal(session_view_taint(f->s)->text, text);
	assert_int_equal(f->taints, 1);
}

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

/* Empty reports, without end. */
static void
many(struct fake *f)
{
	for (int i = 0;
	     i < 2000000 && session_view_taint(f->s)->status == GRPC_OK; i++) {
		f->did[0] = '\0';
		put_length(f, 5, 32, 0, 0);
	}
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
	{ many, GRPC_RESOURCE_EXHAUSTED,
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
		cmocka_unit_test(tainted_ones_are_over),
		cmocka_unit_test(one_that_has_stopped_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
