/* Sessions after a restart: what stands in their way, and what goes on. */
#include <stdlib.h>
#include <string.h>

#include "runtime/session_view.h"
#include "tests/unit/session_fake.h"
#include "tests/unit/session_journal.h"
#include "tests/unit/unit.h"

static struct journal journal;

/* Two are done, one of them accepted; one runs, and one waits. */
static void
open_one(struct fake *f)
{
	struct told a;

	fake_open(f);
	f->journal = &journal;
	fake_start(f, "one");
	fake_advance(f, &a, "one", 0, 0, "a");
	fake_put(f, 3, "v", 1);
	fake_accept(f, 1, 0, 1);
	fake_advance(f, &a, "one", 0, 1, "b");
	fake_skip(f, 2, 1);
	fake_advance(f, &a, "one", 0, 2, "c");
	fake_advance(f, &a, "one", 0, 3, "d");
}

/* Killed; its machine is asked for. */
static void
kill_it(struct fake *f)
{
	session_close(f->all);
	f->did[0] = '\0';
	fake_reopen(f);
	journal_restore(f->journal, f->all);
}

static void
what_ran_runs_again(void **state)
{
	struct told t;
	struct fake f;

	(void)state;
	open_one(&f);
	fake_restart(&f, 1);
	fake_expect(&f, "give");
	assert_string_equal(f.payload, "c");
	assert_int_equal(f.metadata.input_index, 2);
	assert_int_equal(session_view_pending(f.s), 2);
	fake_accept(&f, 0, 0, 2);
	assert_string_equal(f.payload, "d");
	fake_skip(&f, 6, 2);
	assert_int_equal(session_view_active(f.s)->ndone, 4);
	/* The next one has the next place. */
	fake_advance(&f, &t, "one", 0, 4, "e");
	fake_expect_told(&t, GRPC_OK, "");
	fake_close(&f);
}

static void
it_is_locked_until_its_machine_waits(void **state)
{
	struct session_parts p;
	struct told t;
	struct fake f;

	(void)state;
	open_one(&f);
	kill_it(&f);
	fake_expect(&f, "load");
	assert_string_equal(f.directory, "");
	fake_told(&t, "GetSessionStatus");
	session_status(f.all, "one", &t.call);
	fake_expect_told(&t, GRPC_ABORTED,
	    "concurrent call in session (already locked by RPC Restart from "
	    "the node when attempted lock by RPC GetSessionStatus from "
	    "ipv4:127.0.0.1:1)");
	assert_int_equal(f.timer, f.now + 3000 * MS);
	fake_parts(&p, 1);
	session_tell_opened(f.s, &journal.machine, NULL, &p);
	assert_int_equal(f.timer, f.now + 1000 * MS);
	session_tell_ready(f.s, NULL, &p);
	fake_told(&t, "GetSessionStatus");
	session_status(f.all, "one", &t.call);
	fake_expect_told(&t, GRPC_OK, "");
	fake_close(&f);
}

/* What came back is not what was there, or nothing did. */
static void
another_state_taints(void **state)
{
	static const struct {
		enum grpc_status status;
		const char *text;
	} wanted[] = {
		{ GRPC_INTERNAL, "machine hash is changed after restart" },
		{ GRPC_ABORTED, "no such machine" },
		{ GRPC_UNAVAILABLE, "it is gone" },
		{ GRPC_INTERNAL,
		    "Remote machine check-in has failed on session: one" },
	};
	struct session_parts p;
	struct told t;
	struct fake f;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		open_one(&f);
		kill_it(&f);
		fake_parts(&p, i == 0 ? 2 : 1);
		if (i == 1)
			session_tell_failed(f.s, wanted[i].status,
			    wanted[i].text);
		else if (i == 2)
			session_tell_died(f.s, wanted[i].status,
			    wanted[i].text);
		else if (i == 3)
			session_tell_time(f.s);
		else
			session_tell_opened(f.s, &journal.machine, NULL, &p);
		assert_int_equal(session_view_taint(f.s)->status,
		    wanted[i].status);
		assert_string_equal(session_view_taint(f.s)->text,
		    wanted[i].text);
		fake_expect(&f, "load stop");
		/* And that is kept as well: it needs no machine any more. */
		kill_it(&f);
		fake_expect(&f, "");
		fake_told(&t, "GetEpochStatus");
		session_epoch_status(f.all, "one", 0, &t.call);
		fake_expect_told(&t, GRPC_OK, "");
		assert_int_equal(t.epoch.ndone, 2);
		fake_told(&t, "EndSession");
		session_end(f.all, "one", &t.call);
		fake_expect_told(&t, GRPC_OK, "");
		fake_close(&f);
	}
}

/* Before the first accepted input its ranges are what the machine has. */
static void
a_young_one_has_its_machines_memory(void **state)
{
	struct told t;
	struct fake f;

	(void)state;
	fake_open(&f);
	f.journal = &journal;
	fake_start(&f, "one");
	fake_advance(&f, &t, "one", 0, 0, "a");
	fake_skip(&f, 2, 0);
	fake_restart(&f, 0);
	assert_int_equal(session_view_taint(f.s)->status, GRPC_OK);
	assert_int_equal(session_view_active(f.s)->ndone, 1);
	fake_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ran_runs_again),
		cmocka_unit_test(it_is_locked_until_its_machine_waits),
		cmocka_unit_test(another_state_taints),
		cmocka_unit_test(a_young_one_has_its_machines_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
