/* StartSession: every check, in its order and words. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "runtime/session_view.h"
#include "tests/unit/session_fake.h"
#include "tests/unit/unit.h"

/* ---- the request ---- */

struct request {
	struct session_start q;
	struct session_cycles c;
	struct session_deadlines d;
};

static void
no_id(struct request *r)
{
	r->q.id = "";
}
static void
no_directory(struct request *r)
{
	r->q.directory = "";
}
static void
last_epoch(struct request *r)
{
	r->q.epoch = UINT64_MAX;
}
static void
no_deadlines(struct request *r)
{
	r->q.deadlines = NULL;
}
static void
short_advance(struct request *r)
{
	r->d.advance = 1999;
}
static void
short_inspect(struct request *r)
{
	r->d.inspect = 999;
}
static void
no_cycles(struct request *r)
{
	r->q.cycles = NULL;
}
static void
no_max_advance(struct request *r)
{
	r->c.max_advance = 0;
}
static void
no_advance(struct request *r)
{
	r->c.advance_increment = 0;
}
static void
few_advance(struct request *r)
{
	r->c.max_advance = 1;
}
static void
no_max_inspect(struct request *r)
{
	r->c.max_inspect = 0;
}
static void
no_inspect(struct request *r)
{
	r->c.inspect_increment = 0;
}
static void
few_inspect(struct request *r)
{
	r->c.max_inspect = 1;
}

static const struct {
	void (*change)(struct request *);
	enum grpc_status status;
	const char *text;
} requests[] = {
	{ no_id, GRPC_INVALID_ARGUMENT, "session id is empty" },
	{ no_directory, GRPC_INVALID_ARGUMENT, "missing machine directory" },
	{ last_epoch, GRPC_OUT_OF_RANGE, "active epoch index will overflow" },
	{ no_deadlines, GRPC_INVALID_ARGUMENT,
	    "missing server deadline config" },
	{ short_advance, GRPC_INVALID_ARGUMENT,
	    "advance state deadline is less than advance state increment "
	    "deadline" },
	{ short_inspect, GRPC_INVALID_ARGUMENT,
	    "inspect state deadline is less than inspect state increment "
	    "deadline" },
	{ no_cycles, GRPC_INVALID_ARGUMENT, "missing server cycles config" },
	{ no_max_advance, GRPC_INVALID_ARGUMENT,
	    "max cycles per advance state or cycles per advance state "
	    "increment is zero" },
	{ no_advance, GRPC_INVALID_ARGUMENT,
	    "max cycles per advance state or cycles per advance state "
	    "increment is zero" },
	{ few_advance, GRPC_INVALID_ARGUMENT,
	    "max cycles per advance state is less than cycles per advance "
	    "state increment" },
	{ no_max_inspect, GRPC_INVALID_ARGUMENT,
	    "max cycles per inspect state or cycles per inspect state "
	    "increment is zero" },
	{ no_inspect, GRPC_INVALID_ARGUMENT,
	    "max cycles per inspect state or cycles per inspect state "
	    "increment is zero" },
	{ few_inspect, GRPC_INVALID_ARGUMENT,
	    "max cycles per inspect state is less than cycles per inspect "
	    "state increment" },
};

static void
requests_are_checked(void **state)
{
	struct request r;
	struct fake f;
	struct told t;

	(void)state;
	fake_open(&f);
	for (size_t i = 0; i < nitems(requests); i++) {
		fake_request(&r.q, &r.c, &r.d);
		requests[i].change(&r);
		fake_told(&t, "StartSession");
		session_start(f.all, &r.q, &t.call);
		fake_expect_told(&t, requests[i].status, requests[i].text);
		fake_expect(&f, "");
		assert_null(session_view_first(f.all));
	}
	fake_close(&f);
}

/* Of two mistakes the first in the list is told. */
static void
the_first_mistake_is_told(void **state)
{
	struct request r;
	struct fake f;
	struct told t;

	(void)state;
	fake_open(&f);
	for (size_t i = 0; i < nitems(requests); i++) {
		fake_request(&r.q, &r.c, &r.d);
		for (size_t k = nitems(requests); k-- > i;)
			requests[k].change(&r);
		fake_told(&t, "StartSession");
		session_start(f.all, &r.q, &t.call);
		fake_expect_told(&t, requests[i].status, requests[i].text);
	}
	fake_close(&f);
}

static void
an_id_is_taken_once(void **state)
{
	struct request r;
	struct fake f;
	struct told t;

	(void)state;
	fake_open(&f);
	fake_start(&f, "one");
	fake_request(&r.q, &r.c, &r.d);
	no_directory(&r);
	fake_told(&t, "StartSession");
	session_start(f.all, &r.q, &t.call);
	fake_expect_told(&t, GRPC_ALREADY_EXISTS, "session id is taken");
	/* Another has no part in it. */
	fake_start(&f, "two");
	fake_close(&f);
}

/* ---- the machine ---- */

static void
start(struct fake *f, struct told *t)
{
	struct request r;

	fake_request(&r.q, &r.c, &r.d);
	fake_told(t, "StartSession");
	session_start(f->all, &r.q, &t->call);
	fake_expect(f, "load");
}

/* It failed: the machine is ended, and then the id is free. */
static void
expect_given_up(struct fake *f, struct told *t, enum grpc_status status,
    const char *text)
{
	fake_expect(f, "stop");
	assert_int_equal(t->times, 0);
	assert_non_null(session_view_first(f->all));
	session_tell_stopped(f->s);
	fake_expect_told(t, status, text);
	assert_null(session_view_first(f->all));
	assert_int_equal(f->sessions, 0);
}

static void
no_manual(struct machine_config *m)
{
	m->yield_manual = false;
}
static void
no_automatic(struct machine_config *m)
{
	m->yield_automatic = false;
}
static void
getchar_on(struct machine_config *m)
{
	m->console_getchar = true;
}
static void
no_rollup(struct machine_config *m)
{
	m->has_rollup = false;
}
static void
no_lengths(struct machine_config *m)
{
	for (int i = 0; i < MACHINE_RANGES; i++)
		m->range[i].length = 0;
}
#define CHANGES(name, range_, member, value)       \
	static void name(struct machine_config *m) \
	{                                          \
		m->range[range_].member = value;   \
	}
CHANGES(tx_shared, MACHINE_TX, shared, true)
CHANGES(tx_odd, MACHINE_TX, length, 3)
CHANGES(tx_none, MACHINE_TX, length, 0)
CHANGES(tx_start, MACHINE_TX, start, 0x60200001)
CHANGES(rx_shared, MACHINE_RX, shared, true)
CHANGES(rx_odd, MACHINE_RX, length, 5)
CHANGES(rx_start, MACHINE_RX, start, 1)
CHANGES(metadata_shared, MACHINE_METADATA, shared, true)
CHANGES(metadata_odd, MACHINE_METADATA, length, 4095)
CHANGES(metadata_start, MACHINE_METADATA, start, 2048)
CHANGES(vouchers_shared, MACHINE_VOUCHERS, shared, true)
CHANGES(vouchers_odd, MACHINE_VOUCHERS, length, UINT64_MAX)
CHANGES(vouchers_start, MACHINE_VOUCHERS, start, 7)
CHANGES(notices_shared, MACHINE_NOTICES, shared, true)
CHANGES(notices_odd, MACHINE_NOTICES, length, 6)
CHANGES(notices_start, MACHINE_NOTICES, start, 8)
CHANGES(metadata_short, MACHINE_METADATA, length, 128)
CHANGES(rx_short, MACHINE_RX, length, 32)
CHANGES(overlap, MACHINE_NOTICES, start, 0x60600000)
CHANGES(state_overlap, MACHINE_NOTICES, start, UINT64_C(1) << 55)

static const struct {
	void (*change)(struct machine_config *);
	enum grpc_status status;
	const char *text;
} machines[] = {
	{ no_manual, GRPC_INVALID_ARGUMENT, "yield manual must be enabled" },
	{ no_automatic, GRPC_INVALID_ARGUMENT,
	    "yield automatic must be enabled" },
	{ getchar_on, GRPC_INVALID_ARGUMENT,
	    "console getchar must be disabled" },
	{ no_rollup, GRPC_INVALID_ARGUMENT, "missing server rollup config" },
	{ no_lengths, GRPC_INVALID_ARGUMENT,
	    "server rollup config was not initialized" },
	{ tx_shared, GRPC_INVALID_ARGUMENT,
	    "tx buffer buffer cannot be shared" },
	{ tx_odd, GRPC_OUT_OF_RANGE,
	    "tx buffer memory range length not a power of two (3)" },
	{ tx_none, GRPC_OUT_OF_RANGE,
	    "tx buffer memory range length not a power of two (0)" },
	{ tx_start, GRPC_OUT_OF_RANGE,
	    "tx buffer memory range start not aligned to its power of "
	    "two size" },
	{ rx_shared, GRPC_INVALID_ARGUMENT,
	    "rx buffer buffer cannot be shared" },
	{ rx_odd, GRPC_OUT_OF_RANGE,
	    "rx buffer memory range length not a power of two (5)" },
	{ rx_start, GRPC_OUT_OF_RANGE,
	    "rx buffer memory range start not aligned to its power of "
	    "two size" },
	{ metadata_shared, GRPC_INVALID_ARGUMENT,
	    "input metadata buffer cannot be shared" },
	{ metadata_odd, GRPC_OUT_OF_RANGE,
	    "input metadata memory range length not a power of two "
	    "(4095)" },
	{ metadata_start, GRPC_OUT_OF_RANGE,
	    "input metadata memory range start not aligned to its "
	    "power of two size" },
	{ vouchers_shared, GRPC_INVALID_ARGUMENT,
	    "voucher hashes buffer cannot be shared" },
	{ vouchers_odd, GRPC_OUT_OF_RANGE,
	    "voucher hashes memory range length not a power of two "
	    "(18446744073709551615)" },
	{ vouchers_start, GRPC_OUT_OF_RANGE,
	    "voucher hashes memory range start not aligned to its "
	    "power of two size" },
	{ notices_shared, GRPC_INVALID_ARGUMENT,
	    "notice hashes buffer cannot be shared" },
	{ notices_odd, GRPC_OUT_OF_RANGE,
	    "notice hashes memory range length not a power of two "
	    "(6)" },
	{ notices_start, GRPC_OUT_OF_RANGE,
	    "notice hashes memory range start not aligned to its power "
	    "of two size" },
	/* Ours: a memory that cannot be. */
	{ metadata_short, GRPC_OUT_OF_RANGE,
	    "input metadata memory range has no room for 160 bytes" },
	{ rx_short, GRPC_OUT_OF_RANGE,
	    "rx buffer memory range has no room for 64 bytes" },
	{ overlap, GRPC_INVALID_ARGUMENT,
	    "memory ranges overlap at 0x60600000" },
	{ state_overlap, GRPC_INVALID_ARGUMENT,
	    "memory ranges overlap at 0x80000000000000" },
};

static void
machines_are_checked(void **state)
{
	struct machine_config m;
	struct session_parts p;
	struct fake f;
	struct told t;

	(void)state;
	fake_open(&f);
	fake_parts(&p, 0);
	for (size_t i = 0; i < nitems(machines); i++) {
		start(&f, &t);
		fake_machine(&m);
		machines[i].change(&m);
		session_tell_opened(f.s, &m, NULL, &p);
		expect_given_up(&f, &t, machines[i].status, machines[i].text);
	}
	fake_close(&f);
}

static struct session_yield
of_tohost(uint64_t tohost)
{
	return (struct session_yield){ .tohost = tohost };
}

static void
it_has_to_wait_for_an_input(void **state)
{
	const struct {
		struct session_yield y;
		bool none;
		const char *text;
	} cases[] = {
		{ fake_manual(1), true, "expected manual yield" },
		{ of_tohost(UINT64_C(2) << 56 | UINT64_C(1) << 32), false,
		    "expected manual yield" },
		{ of_tohost(UINT64_C(1) << 56 | UINT64_C(1) << 48 |
		      UINT64_C(1) << 32),
		    false, "expected manual yield" },
		{ fake_manual(2), false,
		    "invalid data field in htif.tohost (expected 1, got 2)" },
		{ fake_manual(6), false,
		    "invalid data field in htif.tohost (expected 1, got 6)" },
	};
	struct machine_config m;
	struct session_parts p;
	struct fake f;
	struct told t;

	(void)state;
	fake_open(&f);
	fake_machine(&m);
	fake_parts(&p, 0);
	for (size_t i = 0; i < nitems(cases); i++) {
		start(&f, &t);
		session_tell_opened(f.s, &m, NULL, &p);
		session_tell_ready(f.s, cases[i].none ? NULL : &cases[i].y, &p);
		expect_given_up(&f, &t, GRPC_INVALID_ARGUMENT, cases[i].text);
	}
	fake_close(&f);
}

static void
what_takes_too_long_is_given_up(void **state)
{
	struct session_yield y = fake_manual(1);
	struct machine_config m;
	struct session_parts p;
	struct fake f;
	struct told t;

	(void)state;
	fake_open(&f);
	fake_machine(&m);
	fake_parts(&p, 0);
	f.now = 50 * MS;
	start(&f, &t);
	assert_int_equal(f.timer, 3050 * MS);
	session_tell_time(f.s);
	session_tell_opened(f.s, &m, NULL, &p); /* too late */
	expect_given_up(&f, &t, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded");
	/* The check-in counts from the call on. */
	start(&f, &t);
	f.now += 500 * MS;
	session_tell_opened(f.s, &m, NULL, &p);
	assert_int_equal(f.timer, 1050 * MS);
	session_tell_time(f.s);
	session_tell_ready(f.s, &y, &p);
	expect_given_up(&f, &t, GRPC_INTERNAL,
	    "Remote machine check-in has failed on session: one");
	fake_close(&f);
}

static void
a_machine_that_fails_says_why(void **state)
{
	struct session_yield y = fake_manual(1);
	struct machine_config m;
	struct session_parts p;
	struct fake f;
	struct told t;

	(void)state;
	fake_open(&f);
	fake_machine(&m);
	fake_parts(&p, 0);
	start(&f, &t);
	session_tell_failed(f.s, GRPC_ABORTED,
	    "/machines/echo: no such machine");
	expect_given_up(&f, &t, GRPC_ABORTED,
	    "/machines/echo: no such machine");
	start(&f, &t);
	session_tell_opened(f.s, &m, NULL, &p);
	session_tell_died(f.s, GRPC_UNAVAILABLE, "it is gone");
	expect_given_up(&f, &t, GRPC_UNAVAILABLE, "it is gone");
	start(&f, &t);
	session_tell_opened(f.s, &m, NULL, &p);
	f.full = true;
	session_tell_ready(f.s, &y, &p);
	expect_given_up(&f, &t, GRPC_INTERNAL, "the disk is full");
	fake_close(&f);
}

static void
a_session_that_starts_is_there_and_locked(void **state)
{
	struct machine_config m;
	struct session_parts p;
	struct session_yield y = fake_manual(1);
	struct told t, other;
	struct fake f;

	(void)state;
	fake_open(&f);
	start(&f, &t);
	assert_string_equal(session_view_id(session_view_first(f.all)), "one");
	assert_true(session_view_is_awaited(f.all, "one"));
	assert_false(session_view_is_awaited(f.all, "two"));
	fake_told(&other, "GetSessionStatus");
	other.call.peer = "unix:";
	session_status(f.all, "one", &other.call);
	fake_expect_told(&other, GRPC_ABORTED,
	    "concurrent call in session (already locked by RPC StartSession "
	    "from ipv4:127.0.0.1:1 when attempted lock by RPC GetSessionStatus "
	    "from unix:)");
	fake_machine(&m);
	fake_parts(&p, 0);
	session_tell_opened(f.s, &m, NULL, &p);
	session_forget(f.all, &t.call); /* he hung up: it goes on */
	session_tell_ready(f.s, &y, &p);
	assert_int_equal(t.times, 0);
	assert_int_equal(f.sessions, 1);
	assert_false(session_view_is_awaited(f.all, "one"));
	fake_told(&other, "GetSessionStatus");
	session_status(f.all, "one", &other.call);
	fake_expect_told(&other, GRPC_OK, "");
	fake_close(&f);
}

/* A stored machine's ranges are what they were. */
static void
its_memory_counts(void **state)
{
	struct buf content[MACHINE_RANGES] = { [MACHINE_TX] =
						   buf_over("x", 1) };
	struct session_yield y = fake_manual(1);
	struct merkle_hash empty, other;
	struct machine_config m;
	struct session_parts p;
	struct fake f;
	struct told t;

	(void)state;
	fake_open(&f);
	fake_machine(&m);
	fake_parts(&p, 0);
	empty = session_view_active(fake_start(&f, "two"))->machine;
	start(&f, &t);
	session_tell_opened(f.s, &m, content, &p);
	session_tell_ready(f.s, &y, &p);
	fake_expect_told(&t, GRPC_OK, "");
	other = session_view_active(f.s)->machine;
	assert_false(merkle_is_same(&empty, &other));
	fake_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_checked),
		cmocka_unit_test(the_first_mistake_is_told),
		cmocka_unit_test(an_id_is_taken_once),
		cmocka_unit_test(machines_are_checked),
		cmocka_unit_test(it_has_to_wait_for_an_input),
		cmocka_unit_test(what_takes_too_long_is_given_up),
		cmocka_unit_test(a_machine_that_fails_says_why),
		cmocka_unit_test(a_session_that_starts_is_there_and_locked),
		cmocka_unit_test(its_memory_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
