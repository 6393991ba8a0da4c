#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/front_msgs.h"
#include "messages/session_msgs.h"
#include "runtime/core.h"
#include "runtime/core_session_work.h"
#include "runtime/session_reply.h"
#include "runtime/session_view.h"

#define PAYLOAD_MAX ((size_t)64 << 20)

static const char *const names[SESSION_MSGS_WHATS] = {
	[SESSION_MSGS_START] = "StartSession",
	[SESSION_MSGS_END] = "EndSession",
	[SESSION_MSGS_ADVANCE] = "AdvanceState",
	[SESSION_MSGS_STATUS_ALL] = "GetStatus",
	[SESSION_MSGS_STATUS] = "GetSessionStatus",
	[SESSION_MSGS_EPOCH] = "GetEpochStatus",
	[SESSION_MSGS_INSPECT] = "InspectState",
	[SESSION_MSGS_FINISH] = "FinishEpoch",
	[SESSION_MSGS_CHECK_IN] = "CheckIn",
};

struct core_session_call {
	struct session_call call;
	struct core_session_call *next;
	struct core_sessions *of;
	uint32_t serial;
	struct session_msgs m;
};

static void
free_call(struct core_session_call *c)
{
	struct core_session_call **at = &c->of->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	free(c);
}

/* ---- answers ---- */

/* A reply is written once, and front reads it as its caller takes it. */
static void
answer(struct core_session_call *c, enum grpc_status status, const char *text,
    const struct buf *reply)
{
	struct frame_link *front = &c->of->core->front;
	buf_auto struct buf b = { 0 };
	fd_auto int fd = -1;
	struct err e;

	if (status == GRPC_OK) {
		fd = fd_sealed("reply", reply->data, reply->len, &e);
		if (fd == -1) {
			status = GRPC_RESOURCE_EXHAUSTED;
			text = e.text;
		}
	}
	buf_put_u8(&b, (uint8_t)status);
	buf_put_str(&b, text == NULL ? "" : text);
	frame_link_send(front, FRONT_SESSION_DONE, c->serial, &b, &fd,
	    fd == -1 ? 0 : 1);
	free_call(c);
}

static void
put_reply(struct buf *b, const struct core_session_call *c,
    const struct session_answer *a)
{
	switch ((enum session_msgs_what)c->m.what) {
	case SESSION_MSGS_START:
		session_reply_started(b, a->session);
		break;
	case SESSION_MSGS_STATUS:
		session_reply_session(b, a->session);
		break;
	case SESSION_MSGS_EPOCH:
		session_reply_epoch(b, a->session, a->epoch);
		break;
	case SESSION_MSGS_INSPECT:
		session_reply_query(b, a);
		break;
	default: /* Void */
		break;
	}
}

static void
answered(struct session_call *call, const struct session_answer *a)
{
	struct core_session_call *c = (struct core_session_call *)call;
	buf_auto struct buf b = { 0 };

	if (a->status == GRPC_OK)
		put_reply(&b, c, a);
	answer(c, a->status, a->text, &b);
}

/* ---- requests ---- */

static void
start(struct core_session_call *c)
{
	const struct session_msgs *m = &c->m;
	const struct session_cycles cycles = { m->cycles[0], m->cycles[1],
		m->cycles[2], m->cycles[3] };
	const struct session_deadlines deadlines = { m->deadlines[0],
		m->deadlines[1], m->deadlines[2], m->deadlines[3],
		m->deadlines[4], m->deadlines[5], m->deadlines[6],
		m->deadlines[7] };
	const struct session_start q = { m->id, m->directory, m->epoch,
		m->has_cycles ? &cycles : NULL,
		m->has_deadlines ? &deadlines : NULL };

	session_start(c->of->all, &q, &c->call);
}

static void
advance(struct core_session_call *c, const char *payload, size_t len)
{
	const struct session_msgs *m = &c->m;
	const struct session_advance a = { .id = m->id,
		.epoch = m->epoch,
		.input_index = m->number,
		.has_metadata = m->has_metadata,
		.has_sender = m->has_sender,
		.sender_len = m->sender_len,
		.metadata = m->metadata,
		.payload = payload,
		.len = len };

	session_advance(c->of->all, &a, &c->call);
}

/* Ours comes over the channel; who says so is believed where it is awaited. */
static void
check_in(struct core_session_call *c)
{
	static const struct buf nothing;
	char *text;

	if (session_view_is_awaited(c->of->all, c->m.id)) {
		answer(c, GRPC_OK, NULL, &nothing);
		return;
	}
	text = str_printf("check-in with wrong session id %s", c->m.id);
	answer(c, GRPC_INVALID_ARGUMENT, text, &nothing);
	free(text);
}

static void
tell_all(struct core_session_call *c)
{
	buf_auto struct buf b = { 0 };

	session_reply_all(&b, c->of->all);
	answer(c, GRPC_OK, NULL, &b);
}

static void
serve(struct core_session_call *c, const char *payload, size_t len)
{
	struct sessions *all = c->of->all;
	const struct session_msgs *m = &c->m;

	switch ((enum session_msgs_what)m->what) {
	case SESSION_MSGS_START:
		start(c);
		break;
	case SESSION_MSGS_END:
		session_end(all, m->id, &c->call);
		break;
	case SESSION_MSGS_ADVANCE:
		advance(c, payload, len);
		break;
	case SESSION_MSGS_STATUS_ALL:
		tell_all(c);
		break;
	case SESSION_MSGS_STATUS:
		session_status(all, m->id, &c->call);
		break;
	case SESSION_MSGS_EPOCH:
		session_epoch_status(all, m->id, m->epoch, &c->call);
		break;
	case SESSION_MSGS_INSPECT:
		session_inspect(all, m->id, payload, len, &c->call);
		break;
	case SESSION_MSGS_FINISH:
		session_finish(all, m->id, m->epoch, m->number, m->directory,
		    &c->call);
		break;
	case SESSION_MSGS_CHECK_IN:
		check_in(c);
		break;
	case SESSION_MSGS_WHATS:
		break;
	}
}

static struct core_session_call *
new_call(struct core_sessions *all, struct frame *f)
{
	struct core_session_call *c = calloc(1, sizeof(*c));

	invariant(c != NULL);
	session_msgs_get(&f->body, &c->m);
	c->of = all;
	c->next = all->calls;
	all->calls = c;
	c->serial = f->serial;
	c->call =
	    (struct session_call){ .peer = c->m.peer, .answered = answered };
	return c;
}

int
core_sessions_hear(void *core, struct frame *f, struct err *e)
{
	static const struct buf nothing;
	struct core_sessions *all = &((struct core *)core)->sessions;
	struct core_session_call *c = new_call(all, f);
	char *payload = NULL;
	size_t len = 0;
	int r = 0;

	if (!buf_ok(&f->body)) {
		r = err_set(e, ERR_INVALID, "session: malformed frame");
	} else if (f->nfds == 1 &&
	    fd_read_sealed(f->fds[0], PAYLOAD_MAX, &payload, &len, e) == -1) {
		r = err_in(e, "session");
	} else if (!all->restored) {
		answer(c, GRPC_UNAVAILABLE, "the node starts", &nothing);
	} else {
		c->call.rpc = names[c->m.what];
		serve(c, payload, len);
	}
	if (r == -1)
		free_call(c);
	free(payload);
	return r;
}

static void
forget(struct core_session_call *c)
{
	session_forget(c->of->all, &c->call);
	free_call(c);
}

int
core_sessions_hear_left(void *core, struct frame *f, struct err *e)
{
	struct core_sessions *all = &((struct core *)core)->sessions;
	struct core_session_call *c = all->calls;

	if (!buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "session: malformed frame");
	while (c != NULL && c->serial != f->serial)
		c = c->next;
	if (c != NULL) /* else it is answered already */
		forget(c);
	return 0;
}

void
core_sessions_front_gone(struct core_sessions *all)
{
	while (all->calls != NULL)
		forget(all->calls);
}
