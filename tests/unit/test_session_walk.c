/* Sessions under calls and machines that come in any order: whoever asks is
 * answered once, and what is there is what was accepted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "runtime/session_reply.h"
#include "runtime/session_view.h"
#include "tests/unit/session_fake.h"
#include "tests/unit/session_journal.h"
#include "tests/unit/unit.h"

#define STEPS 400
#define SEEDS 150

/* What has to be so, by the calls and the machine alone. */
struct model {
	unsigned seed;
	uint64_t epoch, queued, done;
	unsigned version;  /* of the state: after the last accepted one */
	unsigned tried;    /* of what is weighed */
	struct told waits; /* who may have to wait */
	bool is_waiting;
	struct told told; /* who is answered at once */
};

static unsigned
any(struct model *m, unsigned n)
{
	return (unsigned)rand_r(&m->seed) % n;
}

/* Whoever has it to himself may wait; all others are answered at once. */
static void
collect(struct model *m)
{
	if (m->waits.times > 0)
		m->is_waiting = false;
	assert_true(m->waits.times <= 1 && m->told.times <= 1);
	assert_true(m->told.call.rpc == NULL || m->told.times == 1);
	m->told.call.rpc = NULL;
}

/* Nobody is told twice, and who waits is told once. */
static struct told *
next_told(struct model *m, const char *rpc, bool may_wait)
{
	struct told *t = may_wait && !m->is_waiting ? &m->waits : &m->told;

	if (t == &m->waits)
		m->is_waiting = true;
	fake_told(t, rpc);
	return t;
}

static void
check(const struct fake *f, const struct model *m)
{
	const struct session *s = session_view_first(f->all);
	const struct session_epoch *e;
	struct session_parts p;

	assert_non_null(s);
	e = session_view_active(s);
	assert_int_equal(e->index, m->epoch);
	assert_int_equal(e->ndone + session_view_pending(s), m->queued);
	assert_int_equal(e->vouchers.len, e->ndone);
	assert_int_equal(e->notices.len, e->ndone);
	if (e->ndone > 0)
		assert_true(merkle_is_same(&e->machine,
		    &e->done[e->ndone - 1].machine));
	fake_parts(&p, m->version);
}

/* ---- the machine ---- */

static bool
is_at(const struct fake *f, const char *what)
{
	const char *last = strrchr(f->did, ' ');

	return strcmp(last == NULL ? f->did : last + 1, what) == 0;
}

static void
machine_runs(struct fake *f, struct model *m)
{
	static const unsigned manual[] = { 1, 1, 1, 2, 6 };
	struct session_yield y;

	f->did[0] = '\0';
	switch (any(m, 8)) {
	case 0:
		session_tell_halted(f->s);
		break;
	case 1:
		f->cycles += any(m, 2000) * MS;
		f->now += any(m, 500) * MS;
		session_tell_time(f->s);
		break;
	default:
		y = fake_manual(manual[any(m, 5)]);
		session_tell_yielded(f->s, &y);
	}
	/* Nothing happened: it runs on. */
	if (f->did[0] == '\0')
		snprintf(f->did, sizeof(f->did), "give");
}

/* It does the next thing that it was asked for. */
static void
machine_turns(struct fake *f, struct model *m)
{
	struct session_parts p;

	if (is_at(f, "give") || is_at(f, "ask")) {
		machine_runs(f, m);
	} else if (is_at(f, "weigh")) {
		m->tried = any(m, 200);
		fake_parts(&p, m->tried);
		session_tell_weighed(f->s, &p);
		if (is_at(f, "apply"))
			m->version = m->tried;
	} else if (is_at(f, "apply") || is_at(f, "discard")) {
		f->did[0] = '\0';
		fake_parts(&p, m->version);
		session_tell_ready(f->s, NULL, &p);
	} else if (is_at(f, "store")) {
		f->did[0] = '\0';
		session_tell_stored(f->s,
		    any(m, 2) == 0 ? GRPC_OK : GRPC_ABORTED, "no");
	} else if (f->timer != UINT64_MAX) {
		f->now = f->timer > f->now ? f->timer : f->now;
		session_tell_time(f->s); /* what could not be kept */
	}
}

/* ---- who asks ---- */

static void
asks(struct fake *f, struct model *m)
{
	const struct session *s = session_view_first(f->all);
	uint64_t done = session_view_active(s)->ndone;
	struct told *t;

	switch (any(m, 6)) {
	case 0:
	case 1:
	case 2:
		t = next_told(m, "AdvanceState", false);
		fake_advance(f, t, "one", m->epoch,
		    m->queued + (any(m, 10) == 0), "x");
		m->queued += t->status == GRPC_OK && t->times == 1;
		break;
	case 3:
		t = next_told(m, "InspectState", true);
		session_inspect(f->all, "one", "?", 1, &t->call);
		break;
	case 4:
		t = next_told(m, "FinishEpoch", true);
		session_finish(f->all, "one", m->epoch, done,
		    any(m, 2) == 0 ? "" : "/stored", &t->call);
		break;
	default:
		t = next_told(m, "GetEpochStatus", false);
		session_epoch_status(f->all, "one", m->epoch, &t->call);
	}
}

/* All that can be seen of it. */
static void
look(const struct fake *f, struct buf *out)
{
	const struct session *s = session_view_first(f->all);
	const struct session_epoch *e = session_view_epochs(s);

	session_reply_session(out, s);
	for (; e != NULL; e = e->next)
		session_reply_epoch(out, s, e);
}

/* Killed at any time: what was seen is seen, and what was queued is there. */
static void
restart(struct fake *f, struct model *m)
{
	buf_auto struct buf before = { 0 }, after = { 0 };
	struct told t;

	look(f, &before);
	m->is_waiting = false;
	fake_restart(f, m->version);
	look(f, &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	/* Nobody has it any more. */
	fake_told(&t, "GetSessionStatus");
	session_status(f->all, "one", &t.call);
	fake_expect_told(&t, GRPC_OK, "");
}

static void
walk(unsigned seed)
{
	static struct journal journal;
	struct model m = { .seed = seed };
	struct fake f;

	fake_open(&f);
	f.journal = &journal;
	fake_start(&f, "one");
	for (int i = 0; i < STEPS; i++) {
		f.full = any(&m, 12) == 0;
		if (any(&m, 300) == 0)
			session_tell_died(f.s, GRPC_UNAVAILABLE, "it is gone");
		else if (any(&m, 25) == 0)
			restart(&f, &m);
		else if (any(&m, 2) == 0)
			asks(&f, &m);
		else
			machine_turns(&f, &m);
		collect(&m);
		/* A finished epoch has another after it. */
		if (session_view_active(session_view_first(f.all))->index !=
		    m.epoch) {
			m.epoch++;
			m.queued = 0;
		}
		if (session_view_taint(f.s)->status != GRPC_OK) {
			/* Too long, or gone: nobody is left waiting. */
			assert_false(m.is_waiting);
			break;
		}
		check(&f, &m);
	}
	fake_close(&f);
}

static void
walks_end_well(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++)
		walk(seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_end_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
