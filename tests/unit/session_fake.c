#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "messages/processed.h"
#include "messages/rollup.h"
#include "runtime/session_ops.h"
#include "runtime/session_view.h"
#include "tests/unit/session_fake.h"
#include "tests/unit/session_journal.h"
#include "tests/unit/unit.h"

static void
did(struct fake *f, struct session *s, const char *what)
{
	size_t n = strlen(f->did);

	snprintf(f->did + n, sizeof(f->did) - n, "%s%s", n > 0 ? " " : "",
	    what);
	f->s = s;
}

static uint64_t
now(void *owner)
{
	return ((struct fake *)owner)->now;
}

static void
set_timer(void *owner, struct session *s, uint64_t at)
{
	(void)s;
	((struct fake *)owner)->timer = at;
}

static uint64_t
cycles(void *owner, struct session *s)
{
	(void)s;
	return ((struct fake *)owner)->cycles;
}

static void
load(void *owner, struct session *s, const char *directory)
{
	struct fake *f = owner;

	session_ops_set(s, f);
	snprintf(f->directory, sizeof(f->directory), "%s", directory);
	did(f, s, "load");
}

static void
give(void *owner, struct session *s, const struct session_given *g)
{
	struct fake *f = owner;

	assert_ptr_equal(session_ops_get(s), f);
	f->given_query = g->request == SESSION_INSPECT;
	f->metadata = g->metadata;
	snprintf(f->payload, sizeof(f->payload), "%.*s", (int)g->len,
	    (const char *)g->payload);
	did(f, s, f->given_query ? "ask" : "give");
}

#define DOES(name)                                       \
	static void name(void *owner, struct session *s) \
	{                                                \
		did(owner, s, #name);                    \
	}
DOES(go_on)
DOES(weigh)
DOES(apply)
DOES(discard)
DOES(stop)

static void
store(void *owner, struct session *s, const char *directory)
{
	struct fake *f = owner;

	snprintf(f->directory, sizeof(f->directory), "%s", directory);
	did(f, s, "store");
}

static int
keep(struct fake *f, unsigned *count, struct err *e)
{
	if (f->full)
		return err_set(e, ERR_SYSTEM, "the disk is full");
	++*count;
	return 0;
}

static int
keep_session(void *owner, struct session *s, struct err *e)
{
	struct fake *f = owner;

	if (keep(f, &f->sessions, e) == -1)
		return -1;
	if (f->journal != NULL)
		journal_session(f->journal, s);
	return 0;
}

static int
keep_input(void *owner, struct session *s, const struct session_given *g,
    struct err *e)
{
	struct fake *f = owner;

	(void)s;
	assert_int_equal(g->request, SESSION_ADVANCE);
	if (keep(f, &f->inputs, e) == -1)
		return -1;
	if (f->journal != NULL)
		journal_input(f->journal, g);
	return 0;
}

static int
keep_done(void *owner, struct session *s, const struct session_done *d,
    const struct buf content[MACHINE_RANGES], struct err *e)
{
	struct fake *f = owner;

	(void)s;
	assert_true(content == NULL || d->body.len > 0);
	if (keep(f, &f->done, e) == -1)
		return -1;
	f->accepted += content != NULL;
	if (f->journal != NULL)
		journal_done(f->journal, d, content);
	return 0;
}

static int
keep_epoch(void *owner, struct session *s, struct err *e)
{
	struct fake *f = owner;

	if (keep(f, &f->epochs, e) == -1)
		return -1;
	if (f->journal != NULL)
		journal_epoch(f->journal, session_view_active(s)->index + 1,
		    &session_view_active(s)->machine);
	return 0;
}

static void
keep_taint(void *owner, struct session *s, const struct session_taint *t)
{
	struct fake *f = owner;

	(void)s;
	assert_true(t->status != GRPC_OK);
	f->taints++;
	if (f->journal != NULL)
		journal_taint(f->journal, t);
}

static int
keep_end(void *owner, struct session *s, struct err *e)
{
	struct fake *f = owner;

	(void)s;
	return keep(f, &f->ends, e);
}

static void
forget(void *owner, struct session *s)
{
	(void)owner;
	(void)s;
}

static const struct session_ops ops = { now, set_timer, cycles, load, give,
	go_on, weigh, apply, discard, store, stop, keep_session, keep_input,
	keep_done, keep_epoch, keep_taint, keep_end, forget };

void
fake_open(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	f->timer = UINT64_MAX;
	f->all = session_open(&ops, f);
}

void
fake_close(struct fake *f)
{
	session_close(f->all);
	if (f->journal != NULL)
		journal_fini(f->journal);
}

void
fake_reopen(struct fake *f)
{
	f->timer = UINT64_MAX;
	f->all = session_open(&ops, f);
}

/* As a kill would: who waits is not told. */
void
fake_restart(struct fake *f, unsigned version)
{
	struct session_parts p;

	session_close(f->all);
	f->did[0] = '\0';
	fake_reopen(f);
	journal_restore(f->journal, f->all);
	if (f->journal->taint.status != GRPC_OK)
		return;
	fake_expect(f, "load");
	fake_parts(&p, version);
	session_tell_opened(f->s, &f->journal->machine, NULL, &p);
	session_tell_ready(f->s, NULL, &p);
}

void
fake_expect(struct fake *f, const char *what)
{
	assert_string_equal(f->did, what);
	f->did[0] = '\0';
}

/* ---- who asks ---- */

static void
answered(struct session_call *call, const struct session_answer *a)
{
	struct told *t = (struct told *)call; /* the first in it */
	const struct processed *p = a->result;
	const struct processed_output *o;

	t->times++;
	t->status = a->status;
	snprintf(t->text, sizeof(t->text), "%s",
	    a->text == NULL ? "" : a->text);
	t->input_index = a->input_index;
	t->has_epoch = a->epoch != NULL;
	if (a->epoch != NULL)
		t->epoch = *a->epoch;
	if (p == NULL)
		return;
	t->completion = p->status;
	t->reports = p->kind[PROCESSED_REPORT].len;
	snprintf(t->exception, sizeof(t->exception), "%.*s",
	    (int)p->exception_len, p->bytes.data + p->exception_at);
	if (t->reports > 0) {
		o = &p->kind[PROCESSED_REPORT].item[0];
		snprintf(t->report, sizeof(t->report), "%.*s", (int)o->len,
		    p->bytes.data + o->at);
	}
}

void
fake_told(struct told *t, const char *rpc)
{
	memset(t, 0, sizeof(*t));
	t->call = (struct session_call){ rpc, "ipv4:127.0.0.1:1", answered };
}

void
fake_expect_told(const struct told *t, enum grpc_status status,
    const char *text)
{
	assert_int_equal(t->times, 1);
	assert_string_equal(t->text, text);
	assert_int_equal(t->status, status);
}

/* ---- what is good ---- */

void
fake_request(struct session_start *q, struct session_cycles *c,
    struct session_deadlines *d)
{
	*c = (struct session_cycles){ 1000 * MS, 100 * MS, 500 * MS, 50 * MS };
	*d = (struct session_deadlines){ .checkin = 1000,
		.advance = 10000,
		.advance_increment = 2000,
		.inspect = 5000,
		.inspect_increment = 1000,
		.machine = 3000,
		.store = 4000,
		.fast = 500 };
	*q = (struct session_start){ "one", "/machines/echo", 0, c, d };
}

void
fake_machine(struct machine_config *m)
{
	*m = (struct machine_config){ .yield_manual = true,
		.yield_automatic = true,
		.has_rollup = true,
		.range = { [MACHINE_RX] = { 0x60000000, 2 << 20, false },
		    [MACHINE_TX] = { 0x60200000, 2 << 20, false },
		    [MACHINE_METADATA] = { 0x60400000, 4096, false },
		    [MACHINE_VOUCHERS] = { 0x60600000, 2 << 20, false },
		    [MACHINE_NOTICES] = { 0x60800000, 2 << 20, false } } };
}

void
fake_parts(struct session_parts *p, unsigned version)
{
	p->len = 1;
	p->part[0] =
	    (struct merkle_part){ UINT64_C(1) << 55, 26, *merkle_pristine(26) };
	p->part[0].hash.byte[0] = (unsigned char)version;
}

struct session_yield
fake_manual(unsigned reason)
{
	return (struct session_yield){ .tohost = UINT64_C(2) << 56 |
		    UINT64_C(1) << 48 | (uint64_t)reason << 32 };
}

struct session *
fake_start(struct fake *f, const char *id)
{
	struct session_deadlines d;
	struct machine_config m;
	struct session_cycles c;
	struct session_parts p;
	struct session_start q;
	struct session_yield y = fake_manual(1);
	struct told t;

	fake_request(&q, &c, &d);
	q.id = id;
	fake_told(&t, "StartSession");
	session_start(f->all, &q, &t.call);
	fake_machine(&m);
	fake_parts(&p, 0);
	session_tell_opened(f->s, &m, NULL, &p);
	assert_int_equal(t.times, 0);
	session_tell_ready(f->s, &y, &p);
	fake_expect_told(&t, GRPC_OK, "");
	f->did[0] = '\0';
	return f->s;
}

/* ---- inputs ---- */

void
fake_advance(struct fake *f, struct told *t, const char *id, uint64_t epoch,
    uint64_t index, const char *payload)
{
	const struct session_advance q = { .id = id,
		.epoch = epoch,
		.input_index = index,
		.has_metadata = true,
		.has_sender = true,
		.sender_len = ROLLUP_ADDRESS,
		.metadata = { .block_number = 7,
		    .epoch_index = epoch,
		    .input_index = index },
		.payload = payload,
		.len = strlen(payload) };

	fake_told(t, "AdvanceState");
	session_advance(f->all, &q, &t->call);
}

void
fake_put(struct fake *f, unsigned reason, const char *payload, size_t len)
{
	static const struct rollup_address address = { { 1, 2, 3 } };
	buf_auto struct buf tx = { 0 };
	struct session_yield y = { .tohost = UINT64_C(2) << 56 |
		    (uint64_t)reason << 32 };

	if (reason == 3)
		rollup_put_voucher(&tx, &address, payload, len);
	else
		rollup_put_notice(&tx, payload, len);
	y.tx = tx.data;
	y.tx_len = tx.len;
	session_tell_yielded(f->s, &y);
}

void
fake_accept(struct fake *f, unsigned vouchers, unsigned notices,
    unsigned version)
{
	struct session_yield y = fake_manual(1);
	struct session_parts p;

	y.vouchers = vouchers;
	y.notices = notices;
	session_tell_yielded(f->s, &y);
	fake_parts(&p, version);
	session_tell_weighed(f->s, &p);
	session_tell_ready(f->s, NULL, &p);
}

void
fake_skip(struct fake *f, unsigned reason, unsigned version)
{
	struct session_yield y = fake_manual(reason);
	buf_auto struct buf tx = { 0 };
	struct session_parts p;

	rollup_put_notice(&tx, "oops", 4);
	y.tx = tx.data;
	y.tx_len = tx.len;
	session_tell_yielded(f->s, &y);
	fake_parts(&p, version);
	session_tell_ready(f->s, NULL, &p);
}
