#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/rollup.h"
#include "runtime/core.h"
#include "runtime/core_session_machine.h"
#include "runtime/core_session_work.h"

/* Payloads of frames are as long as the range they go through, and a head. */
#define FRAME_ROOM 64
#define FRAME_MAX ((uint32_t)64 << 20)
#define REVIVALS_MAX 5 /* of one that ends while it waits */

/* ---- yields: docs of messages/rollup.h and session_yield.c ---- */

enum { AUTOMATIC = 0, MANUAL = 1 };
enum reason {
	ACCEPTED = 1,
	REJECTED = 2,
	VOUCHER = 3,
	NOTICE = 4,
	REPORT = 5,
	EXCEPTION = 6
};

static uint64_t
tohost(int cmd, enum reason reason)
{
	return UINT64_C(2) << 56 | (uint64_t)cmd << 48 | (uint64_t)reason << 32;
}

static uint64_t
room_of(const struct core_session *cs, size_t head)
{
	uint64_t tx = cs->config.range[MACHINE_TX].length;

	return tx < head ? 0 : tx - head;
}

static void
yield(struct core_session *cs, int cmd, enum reason reason)
{
	const struct session_yield y = { .tohost = tohost(cmd, reason),
		.tx = cs->tx.data,
		.tx_len = cs->tx.len,
		.vouchers = cs->put_out[0],
		.notices = cs->put_out[1] };

	session_tell_yielded(cs->session, &y);
}

void
core_session_say_done(struct core_session *cs, enum channel_done status,
    uint64_t index)
{
	buf_auto struct buf b = { 0 };

	buf_put_u32(&b, status);
	buf_put_u64(&b, index);
	core_session_machine_say(cs->machine, CHANNEL_DONE, NULL, 0, b.data,
	    b.len);
}

/* ---- what it puts out ---- */

enum channel_done
core_session_check_output(const struct core_session *cs, uint32_t kind,
    size_t len)
{
	const bool voucher = kind == CHANNEL_VOUCHER;
	const size_t head = voucher ? ROLLUP_VOUCHER_HEAD : ROLLUP_NOTICE_HEAD;
	const enum machine_range range =
	    voucher ? MACHINE_VOUCHERS : MACHINE_NOTICES;

	if (kind != CHANNEL_REPORT && cs->is_query)
		return CHANNEL_DONE_QUERY;
	if (len > room_of(cs, head) ||
	    (kind != CHANNEL_REPORT &&
		cs->put_out[!voucher] >=
		    cs->config.range[range].length / MERKLE_HASH))
		return CHANNEL_DONE_NO_ROOM;
	return CHANNEL_DONE_OK;
}

static void
hear_output(struct core_session *cs, const struct channel_frame *f)
{
	const bool voucher = f->kind == CHANNEL_VOUCHER;
	const size_t head = voucher ? ROLLUP_ADDRESS : 0;
	struct rollup_address address;
	enum channel_done status;

	if (f->len < head) {
		core_session_say_done(cs, CHANNEL_DONE_NO_ROOM, 0);
		return;
	}
	status = core_session_check_output(cs, f->kind, f->len - head);
	if (status != CHANNEL_DONE_OK) {
		core_session_say_done(cs, status, 0);
		return;
	}
	if (cs->said != NULL) {
		sha256_add(cs->said, &f->kind, sizeof(f->kind));
		sha256_add(cs->said, &f->len, sizeof(f->len));
		sha256_add(cs->said, f->payload, f->len);
	}
	buf_reset(&cs->tx);
	if (voucher) {
		memcpy(address.byte, f->payload, sizeof(address.byte));
		rollup_put_voucher(&cs->tx, &address, f->payload + head,
		    f->len - head);
	} else {
		rollup_put_notice(&cs->tx, f->payload, f->len);
	}
	cs->done_of = f->kind == CHANNEL_REPORT ? 2 : !voucher;
	yield(cs, AUTOMATIC,
	    voucher                         ? VOUCHER
		: f->kind == CHANNEL_NOTICE ? NOTICE
					    : REPORT);
}

void
core_session_go_on(void *owner, struct session *s)
{
	struct core_session *cs = session_ops_get(s);
	uint64_t index = 0;

	(void)owner;
	if (cs->done_of == 0 || cs->done_of == 1)
		index = cs->put_out[cs->done_of]++;
	cs->done_of = -1;
	core_session_say_done(cs, CHANNEL_DONE_OK, index);
}

static void
hear_exception(struct core_session *cs, const struct channel_frame *f)
{
	uint64_t room = room_of(cs, ROLLUP_NOTICE_HEAD);

	core_session_copies_finished(cs, f);
	buf_reset(&cs->tx);
	rollup_put_notice(&cs->tx, f->payload,
	    f->len < room ? f->len : (size_t)room);
	yield(cs, MANUAL, EXCEPTION);
}

static void
hear_finish(struct core_session *cs, const struct channel_frame *f)
{
	core_session_copies_finished(cs, f);
	buf_reset(&cs->tx);
	yield(cs, MANUAL, core_session_accepts(f) ? ACCEPTED : REJECTED);
}

/* ---- it starts ---- */

static void
hand_over(struct core_session *cs)
{
	cs->phase = CORE_SESSION_RUNNING;
	core_session_machine_say(cs->machine, cs->held_kind, NULL, 0,
	    cs->held.data, cs->held.len);
	cs->held_kind = 0;
}

static void
tell_waiting(struct core_session *cs, enum reason reason)
{
	const struct session_yield y = { .tohost = tohost(MANUAL, reason) };
	const bool told = cs->phase == CORE_SESSION_STARTING;

	cs->phase = CORE_SESSION_WAITING;
	/* Of one that comes back only now it is known what its state is. */
	if (cs->restoring)
		session_tell_opened(cs->session, &cs->config, NULL, &cs->parts);
	cs->restoring = false;
	if (told)
		session_tell_ready(cs->session, &y, &cs->parts);
	else if (cs->held_kind != 0)
		hand_over(cs);
}

static void
become_ready(struct core_session *cs, enum reason reason)
{
	if (reason == ACCEPTED && cs->memory_kept && cs->accepted > 0)
		core_session_replay_begin(cs);
	else
		tell_waiting(cs, reason);
}

void
core_session_replayed(struct core_session *cs)
{
	core_session_replay_end(cs);
	tell_waiting(cs, ACCEPTED);
}

/* Its first word: FINISH; or it does not begin as it must. */
static void
hear_start(struct core_session *cs, const struct channel_frame *f)
{
	enum reason reason = core_session_accepts(f) ? ACCEPTED
	    : f->kind == CHANNEL_FINISH              ? REJECTED
						     : EXCEPTION;

	if (f->kind >= CHANNEL_VOUCHER && f->kind <= CHANNEL_REPORT)
		core_session_say_done(cs, CHANNEL_DONE_FIRST, 0);
	if (reason == ACCEPTED)
		core_session_copies_begin(cs, f);
	if (reason == ACCEPTED || !cs->kept) {
		become_ready(cs, reason);
		return;
	}
	session_tell_died(cs->session, GRPC_INTERNAL,
	    "the machine did not come back to where it first waited");
}

static void
heard(void *arg, const struct channel_frame *f)
{
	struct core_session *cs = arg;

	if (cs->replay != NULL) {
		core_session_replay_heard(cs, f);
		return;
	}
	if (f->kind == CHANNEL_SETTLED && core_session_copies_settled(cs))
		return;
	if (cs->phase == CORE_SESSION_STARTING ||
	    cs->phase == CORE_SESSION_REVIVING) {
		hear_start(cs, f);
		return;
	}
	if (cs->phase == CORE_SESSION_RUNNING && cs->done_of == -1)
		switch (f->kind) {
		case CHANNEL_FINISH:
			if (f->len != 1)
				break;
			hear_finish(cs, f);
			return;
		case CHANNEL_VOUCHER:
		case CHANNEL_NOTICE:
		case CHANNEL_REPORT:
			hear_output(cs, f);
			return;
		case CHANNEL_EXCEPTION:
			hear_exception(cs, f);
			return;
		default:
			break;
		}
	/* What it may not say now ends it: the input is not accepted. */
	core_session_machine_kill(cs->machine);
}

/* ---- it ends ---- */

static void
describe_end(const struct launch_exited *x, char text[128])
{
	static const char *const ends[LAUNCH_ENDS] = {
		[LAUNCH_END_EXIT] = "exit status",
		[LAUNCH_END_SIGNAL] = "signal",
		[LAUNCH_END_NO_EXEC] = "no program, errno",
		[LAUNCH_END_NO_START] = "no start, errno",
		[LAUNCH_END_LOST] = "lost",
	};

	snprintf(text, 128, "the machine ended before it waited (%s %u)",
	    ends[x->end], x->code);
}

static void
ended(void *arg, const struct launch_exited *x)
{
	struct core_session *cs = arg;
	char text[128];

	if (cs->replay != NULL) {
		core_session_replay_differs(cs, "ended");
		return;
	}
	core_session_copies_end(cs);
	switch (cs->phase) {
	case CORE_SESSION_STARTING:
	case CORE_SESSION_REVIVING:
		describe_end(x, text);
		session_tell_died(cs->session, GRPC_ABORTED, text);
		break;
	case CORE_SESSION_WAITING:
		if (++cs->revived > REVIVALS_MAX)
			session_tell_died(cs->session, GRPC_UNAVAILABLE,
			    "the machine does not wait for an input");
		else
			core_session_start_machine(cs, CORE_SESSION_REVIVING);
		break;
	case CORE_SESSION_RUNNING:
		session_tell_halted(cs->session);
		break;
	case CORE_SESSION_FREEZING:
		core_session_ask_weigh(cs);
		break;
	case CORE_SESSION_SETTLING:
		core_session_start_machine(cs, CORE_SESSION_STARTING);
		break;
	default:
		break;
	}
}

static void
failed(void *arg, const struct err *why)
{
	struct core_session *cs = arg;

	session_tell_died(cs->session, GRPC_ABORTED, why->text);
}

void
core_session_leave_machine(struct core_session *cs)
{
	core_session_replay_end(cs);
	core_session_copies_end(cs);
	if (cs->machine == NULL)
		return;
	cs->created = *core_session_machine_created(cs->machine);
	cs->used.cpu_ns += core_session_machine_cycles(cs->machine);
	core_session_machine_leave(cs->machine);
	cs->machine = NULL;
}

void
core_session_start_machine(struct core_session *cs, enum core_session_phase p)
{
	static const struct core_session_machine_fns fns = { heard, ended,
		failed };
	uint64_t max = cs->config.range[MACHINE_TX].length + FRAME_ROOM;

	core_session_leave_machine(cs);
	cs->phase = p;
	cs->done_of = -1;
	cs->machine = core_session_machine_start(
	    &(struct core_session_machine_want){ .core = cs->of->core,
		.assembly = cs->assembly,
		.hash = cs->hash,
		.run = cs->run,
		.tree = cs->tree,
		.max = max > FRAME_MAX ? FRAME_MAX : (uint32_t)max,
		.backlog = cs->config.range[MACHINE_RX].length,
		.fns = &fns,
		.arg = cs });
}

uint64_t
core_session_cycles(void *owner, struct session *s)
{
	struct core_session *cs = session_ops_get(s);

	(void)owner;
	return cs->machine == NULL ? 0
				   : core_session_machine_cycles(cs->machine);
}

/* ---- it is given something ---- */

static void
put_given(struct buf *b, const struct session_given *g)
{
	const struct rollup_metadata *m = &g->metadata;

	if (g->request == SESSION_ADVANCE) {
		buf_add(b, m->sender.byte, sizeof(m->sender.byte));
		buf_put_u64(b, m->block_number);
		buf_put_u64(b, m->timestamp);
		buf_put_u64(b, m->epoch_index);
		buf_put_u64(b, m->input_index);
	}
	buf_add(b, g->payload, g->len);
}

void
core_session_say(struct core_session *cs, const struct session_given *g)
{
	cs->is_query = g->request == SESSION_INSPECT;
	cs->put_out[0] = cs->put_out[1] = 0;
	cs->done_of = -1;
	buf_reset(&cs->held);
	put_given(&cs->held, g);
	cs->held_kind = cs->is_query ? CHANNEL_INSPECT : CHANNEL_ADVANCE;
}

void
core_session_give(void *owner, struct session *s, const struct session_given *g)
{
	struct core_session *cs = session_ops_get(s);
	char ignored[SHA256_HEX];

	(void)owner;
	core_session_say(cs, g);
	core_session_copies_given(cs);
	cs->served++;
	cs->revived = 0;
	if (cs->said != NULL)
		sha256_end(cs->said, ignored);
	cs->said = cs->memory_kept ? sha256_new() : NULL;
	if (cs->phase == CORE_SESSION_WAITING)
		hand_over(cs); /* else it is on its way back */
}

void
core_session_go_on_waiting(struct core_session *cs)
{
	const struct session_yield y = { .tohost = tohost(MANUAL, ACCEPTED) };

	cs->phase = CORE_SESSION_WAITING;
	session_tell_ready(cs->session, &y, &cs->parts);
}
