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

/* ---- InspectState ---- */

static void
ask(struct fake *f, struct told *t, const char *query)
{
	fake_told(t, "InspectState");
	session_inspect(f->all, "one", query, strlen(query), &t->call);
}

static void
queries_change_nothing(void **state)
{
	static const char *const exceptions[] = { "", "", "oops" };
	static const unsigned reasons[] = { 1, 2, 6 };
	struct merkle_hash before;
	struct fake f;
	struct told t;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	before = machine_of(&f);
	for (unsigned i = 0; i < 3; i++) {
		ask(&f, &t, "who?");
		assert_string_equal(f.payload, "who?");
		assert_int_equal(t.times, 0);
		fake_put(&f, 5, "me", 2);
		fake_put(&f, 3, "v", 1); /* nobody's */
		fake_put(&f, 4, "n", 1);
		fake_skip(&f, reasons[i], 0);
		fake_expect(&f, "ask go_on go_on go_on discard");
		fake_expect_told(&t, GRPC_OK, "");
		assert_int_equal(t.completion, i);
		assert_int_equal(t.reports, 1);
		assert_string_equal(t.report, "me");
		assert_string_equal(t.exception, exceptions[i]);
		assert_int_equal(t.input_index, 0);
		assert_int_equal(t.epoch.index, 0);
		assert_true(merkle_is_same(&before, &active(&f)->machine));
	}
	assert_int_equal(active(&f)->ndone, 0);
	assert_int_equal(f.done, 0);
	fake_close(&f);
}

static void
queries_are_checked(void **state)
{
	static char query[2 << 20];
	struct told t, other;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_told(&t, "InspectState");
	session_inspect(f.all, "one", "", 0, &t.call);
	fake_expect_told(&t, GRPC_INVALID_ARGUMENT, "session id not found!");
	fake_start(&f, "one");
	fake_told(&t, "InspectState");
	session_inspect(f.all, "one", query, sizeof(query) - 64, &t.call);
	fake_expect_told(&t, GRPC_INVALID_ARGUMENT,
	    "query payload too long for rx buffer length (expected 2097088 "
	    "bytes max, got 2097088 bytes)");
	/* Who asks has the session to himself until he knows. */
	ask(&f, &t, "");
	ask(&f, &other, "");
	fake_expect_told(&other, GRPC_ABORTED,
	    "concurrent call in session (already locked by RPC InspectState "
	    "from ipv4:127.0.0.1:1 when attempted lock by RPC InspectState "
	    "from ipv4:127.0.0.1:1)");
	fake_advance(&f, &other, "one", 0, 0, "a");
	assert_int_equal(other.status, GRPC_ABORTED);
	fake_skip(&f, 1, 0);
	fake_expect_told(&t, GRPC_OK, "");
	fake_advance(&f, &other, "one", 0, 0, "a");
	fake_expect_told(&other, GRPC_OK, "");
	fake_close(&f);
}

/* After the input that runs, and before the next one. */
static void
a_query_waits_for_the_input_that_runs(void **state)
{
	struct told a, t;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	fake_advance(&f, &a, "one", 0, 0, "a");
	fake_advance(&f, &a, "one", 0, 1, "b");
	ask(&f, &t, "now?");
	fake_expect(&f, "give");
	fake_accept(&f, 0, 0, 1);
	fake_expect(&f, "weigh apply ask");
	assert_int_equal(t.times, 0);
	fake_skip(&f, 1, 1);
	fake_expect(&f, "discard give");
	fake_expect_told(&t, GRPC_OK, "");
	/* What AdvanceState wants next: one is done, one is pending. */
	assert_int_equal(t.input_index, 2);
	assert_string_equal(f.payload, "b");
	fake_close(&f);
}

static void
a_query_may_do_what_inputs_may(void **state)
{
	struct session_parts p;
	struct fake f;
	struct told t;

	(void)state;
	fake_open(&f);
	fake_parts(&p, 0);
	fake_start(&f, "one");
	ask(&f, &t, "");
	session_tell_halted(f.s);
	session_tell_ready(f.s, NULL, &p);
	assert_int_equal(t.completion, 3);
	ask(&f, &t, "");
	f.cycles += 500 * MS; /* its own bound, not that of inputs */
	session_tell_time(f.s);
	session_tell_ready(f.s, NULL, &p);
	assert_int_equal(t.completion, 4);
	ask(&f, &t, "");
	for (int i = 0; i < 6; i++) {
		f.now += 999 * MS;
		f.cycles += 50 * MS;
		session_tell_time(f.s);
	}
	session_tell_ready(f.s, NULL, &p);
	fake_expect_told(&t, GRPC_OK, "");
	assert_int_equal(t.completion, 5);
	/* One that takes too long spoils the session, and hears that. */
	ask(&f, &t, "");
	f.now += 1000 * MS;
	session_tell_time(f.s);
	fake_expect_told(&t, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded");
	expect_taint(&f, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded");
	fake_close(&f);
}

static void
a_query_that_leaves_something_taints(void **state)
{
	struct fake f;
	struct told t;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	ask(&f, &t, "");
	fake_skip(&f, 1, 5);
	fake_expect_told(&t, GRPC_INTERNAL,
	    "machine hash is changed after rollback");
	expect_taint(&f, GRPC_INTERNAL,
	    "machine hash is changed after rollback");
	fake_close(&f);
}

/* ---- FinishEpoch ---- */

static void
finish(struct fake *f, uint64_t epoch, uint64_t count, const char *directory,
    enum grpc_status status, const char *text)
{
	struct told t;

	fake_told(&t, "FinishEpoch");
	session_finish(f->all, "one", epoch, count, directory, &t.call);
	fake_expect_told(&t, status, text);
}

static void
epochs_are_finished(void **state)
{
	struct merkle_hash machine, root, none;
	struct merkle_epoch empty = { 0 };
	struct told a, t;
	struct fake f;

	(void)state;
	fake_open(&f);
	finish(&f, 0, 0, "", GRPC_INVALID_ARGUMENT, "session id not found");
	fake_start(&f, "one");
	finish(&f, 1, 0, "", GRPC_INVALID_ARGUMENT, "unknown epoch index");
	fake_advance(&f, &a, "one", 0, 0, "a");
	finish(&f, 0, 0, "", GRPC_INVALID_ARGUMENT,
	    "epoch still has pending inputs");
	fake_accept(&f, 0, 0, 1);
	finish(&f, 0, 0, "", GRPC_INVALID_ARGUMENT,
	    "incorrect processed input count (expected 1, got 0)");
	f.full = true;
	finish(&f, 0, 1, "", GRPC_UNAVAILABLE, "the disk is full");
	assert_false(active(&f)->finished);
	f.full = false;
	machine = machine_of(&f);
	finish(&f, 0, 1, "", GRPC_OK, "");
	finish(&f, 0, 1, "", GRPC_INVALID_ARGUMENT, "epoch already finished");
	assert_true(session_view_epochs(f.s)->finished);
	assert_int_equal(active(&f)->index, 1);
	assert_int_equal(active(&f)->ndone, 0);
	assert_true(merkle_is_same(&active(&f)->machine, &machine));
	merkle_epoch_root(&active(&f)->vouchers, &root);
	merkle_epoch_root(&empty, &none);
	assert_true(merkle_is_same(&root, &none));
	/* Inputs begin anew. */
	fake_advance(&f, &a, "one", 1, 0, "b");
	fake_expect_told(&a, GRPC_OK, "");
	fake_told(&t, "GetEpochStatus");
	session_epoch_status(f.all, "one", 0, &t.call);
	fake_expect_told(&t, GRPC_OK, "");
	assert_true(t.epoch.finished && t.epoch.ndone == 1);
	fake_told(&t, "GetEpochStatus");
	session_epoch_status(f.all, "one", 2, &t.call);
	fake_expect_told(&t, GRPC_INVALID_ARGUMENT, "unknown epoch index");
	fake_told(&t, "GetEpochStatus");
	session_epoch_status(f.all, "two", 0, &t.call);
	fake_expect_told(&t, GRPC_INVALID_ARGUMENT, "session id not found");
	fake_told(&t, "GetSessionStatus");
	session_status(f.all, "two", &t.call);
	fake_expect_told(&t, GRPC_INVALID_ARGUMENT, "session id not found!");
	fake_close(&f);
}

static void
epochs_are_stored(void **state)
{
	struct told t, other;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	fake_told(&t, "FinishEpoch");
	session_finish(f.all, "one", 0, 0, "/stored/1", &t.call);
	fake_expect(&f, "store");
	assert_string_equal(f.directory, "/stored/1");
	assert_int_equal(f.timer, f.now + 4000 * MS);
	/* He has it to himself meanwhile. */
	fake_advance(&f, &other, "one", 0, 0, "a");
	assert_int_equal(other.status, GRPC_ABORTED);
	session_tell_stored(f.s, GRPC_ABORTED,
	    "error creating directory '/stored/1'");
	fake_expect_told(&t, GRPC_ABORTED,
	    "error creating directory '/stored/1'");
	assert_int_equal(active(&f)->index, 0);
	assert_int_equal(session_view_taint(f.s)->status, GRPC_OK);
	/* Too late is no harm; what was too late is not done after all. */
	fake_told(&t, "FinishEpoch");
	session_finish(f.all, "one", 0, 0, "/stored/2", &t.call);
	session_tell_time(f.s);
	fake_expect_told(&t, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded");
	session_tell_stored(f.s, GRPC_OK, "");
	assert_int_equal(active(&f)->index, 0);
	assert_int_equal(t.times, 1);
	fake_told(&t, "FinishEpoch");
	session_finish(f.all, "one", 0, 0, "/stored/3", &t.call);
	session_tell_stored(f.s, GRPC_OK, "");
	fake_expect_told(&t, GRPC_OK, "");
	assert_int_equal(active(&f)->index, 1);
	fake_close(&f);
}

/* The last input is there for all to see, and not yet the machine's state. */
static void
storing_waits_for_the_machine(void **state)
{
	struct session_yield y = fake_manual(1);
	struct session_parts p;
	struct told a, t;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_parts(&p, 1);
	fake_start(&f, "one");
	fake_advance(&f, &a, "one", 0, 0, "a");
	session_tell_yielded(f.s, &y);
	session_tell_weighed(f.s, &p);
	fake_told(&t, "FinishEpoch");
	session_finish(f.all, "one", 0, 1, "/stored", &t.call);
	fake_expect(&f, "give weigh apply");
	session_tell_ready(f.s, NULL, &p);
	fake_expect(&f, "store");
	session_tell_stored(f.s, GRPC_OK, "");
	fake_expect_told(&t, GRPC_OK, "");
	fake_close(&f);
}

/* A machine that is gone stores nothing: who waits is told, and can end it. */
static void
who_finishes_hears_of_a_taint(void **state)
{
	struct session_yield y = fake_manual(1);
	struct session_parts p;
	struct told a, t;
	struct fake f;

	(void)state;
	for (int i = 0; i < 2; i++) {
		fake_open(&f);
		fake_parts(&p, 1);
		fake_start(&f, "one");
		fake_advance(&f, &a, "one", 0, 0, "a");
		session_tell_yielded(f.s, &y);
		session_tell_weighed(f.s, &p);
		fake_told(&t, "FinishEpoch");
		session_finish(f.all, "one", 0, 1, "/stored", &t.call);
		/* While it stores, or before it could begin. */
		if (i == 0)
			session_tell_ready(f.s, NULL, &p);
		session_tell_died(f.s, GRPC_UNAVAILABLE, "it is gone");
		fake_expect_told(&t, GRPC_UNAVAILABLE, "it is gone");
		session_tell_stored(f.s, GRPC_OK, "");
		assert_int_equal(active(&f)->index, 0);
		fake_told(&t, "EndSession");
		session_end(f.all, "one", &t.call);
		session_tell_stopped(f.s);
		fake_expect_told(&t, GRPC_OK, "");
		fake_close(&f);
	}
}

/* The last index has no one after it; a query needs none. */
static void
the_last_epoch_takes_no_input(void **state)
{
	struct session_yield y = fake_manual(1);
	struct session_deadlines d;
	struct machine_config m;
	struct session_parts p;
	struct session_cycles c;
	struct session_start q;
	struct told t, a;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_request(&q, &c, &d);
	q.epoch = UINT64_MAX - 1;
	fake_told(&t, "StartSession");
	session_start(f.all, &q, &t.call);
	fake_machine(&m);
	fake_parts(&p, 0);
	session_tell_opened(f.s, &m, NULL, &p);
	session_tell_ready(f.s, &y, &p);
	fake_expect_told(&t, GRPC_OK, "");
	finish(&f, UINT64_MAX - 1, 0, "", GRPC_OK, "");
	assert_true(active(&f)->index == UINT64_MAX);
	fake_advance(&f, &a, "one", UINT64_MAX, 0, "a");
	fake_expect_told(&a, GRPC_OUT_OF_RANGE,
	    "active epoch index will overflow");
	finish(&f, UINT64_MAX, 0, "", GRPC_OUT_OF_RANGE,
	    "active epoch index will overflow");
	ask(&f, &t, "still there?");
	/* Before the lock is asked for. */
	fake_advance(&f, &a, "one", UINT64_MAX, 0, "a");
	assert_int_equal(a.status, GRPC_OUT_OF_RANGE);
	fake_skip(&f, 1, 0);
	fake_expect_told(&t, GRPC_OK, "");
	fake_close(&f);
}

/* ---- EndSession ---- */

static void
sessions_end_between_epochs(void **state)
{
	struct told a, t;
	struct fake f;

	(void)state;
	fake_open(&f);
	fake_told(&t, "EndSession");
	session_end(f.all, "one", &t.call);
	fake_expect_told(&t, GRPC_INVALID_ARGUMENT, "session id not found");
	fake_start(&f, "one");
	fake_advance(&f, &a, "one", 0, 0, "a");
	fake_told(&t, "EndSession");
	session_end(f.all, "one", &t.call);
	fake_expect_told(&t, GRPC_INVALID_ARGUMENT,
	    "active epoch has pending inputs");
	fake_accept(&f, 0, 0, 1);
	fake_told(&t, "EndSession");
	session_end(f.all, "one", &t.call);
	fake_expect_told(&t, GRPC_INVALID_ARGUMENT,
	    "active epoch has processed inputs");
	finish(&f, 0, 1, "", GRPC_OK, "");
	f.did[0] = '\0';
	f.full = true;
	fake_told(&t, "EndSession");
	session_end(f.all, "one", &t.call);
	fake_expect_told(&t, GRPC_UNAVAILABLE, "the disk is full");
	f.full = false;
	fake_told(&t, "EndSession");
	session_end(f.all, "one", &t.call);
	fake_expect(&f, "stop");
	assert_int_equal(t.times, 0);
	fake_told(&a, "EndSession");
	session_end(f.all, "one", &a.call);
	assert_int_equal(a.status, GRPC_ABORTED);
	session_tell_stopped(f.s);
	fake_expect_told(&t, GRPC_OK, "");
	assert_null(session_view_first(f.all));
	fake_start(&f, "one"); /* the id is free */
	fake_close(&f);
}

static void
sessions_know_nothing_of_each_other(void **state)
{
	struct session *one, *two;
	struct told a, t;
	struct fake f;

	(void)state;
	fake_open(&f);
	one = fake_start(&f, "one");
	two = fake_start(&f, "two");
	fake_advance(&f, &a, "one", 0, 0, "a");
	fake_told(&t, "InspectState");
	session_inspect(f.all, "two", "?", 1, &t.call);
	fake_expect(&f, "give ask");
	session_tell_died(one, GRPC_UNAVAILABLE, "it is gone");
	assert_int_equal(t.times, 0);
	assert_int_equal(session_view_taint(two)->status, GRPC_OK);
	f.s = two;
	fake_skip(&f, 1, 0);
	fake_expect_told(&t, GRPC_OK, "");
	fake_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_change_nothing),
		cmocka_unit_test(queries_are_checked),
		cmocka_unit_test(a_query_waits_for_the_input_that_runs),
		cmocka_unit_test(a_query_may_do_what_inputs_may),
		cmocka_unit_test(a_query_that_leaves_something_taints),
		cmocka_unit_test(epochs_are_finished),
		cmocka_unit_test(epochs_are_stored),
		cmocka_unit_test(storing_waits_for_the_machine),
		cmocka_unit_test(who_finishes_hears_of_a_taint),
		cmocka_unit_test(the_last_epoch_takes_no_input),
		cmocka_unit_test(sessions_end_between_epochs),
		cmocka_unit_test(sessions_know_nothing_of_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
