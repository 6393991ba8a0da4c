#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/grpc_parts.h"

#define STILL_NS (60 * CLOCK_SECOND) /* without a byte, when one is due */
#define MESSAGE_MAX 1024             /* bytes of a status's sentence */

static size_t
waiting(const struct buf *b)
{
	return b->len - b->at;
}

static void
wake(struct grpc_conn *conn)
{
	if (!conn->inside)
		conn->peer.woken(conn->peer.arg);
}

void
grpc_call_moves(struct grpc_call *c)
{
	c->moved_ns = c->conn->inside ? c->conn->now_ns : clock_mono_ns();
}

/* ---- time ---- */

static void too_late(void *arg);

/* A byte of the caller's is due, or room for one of ours. */
static bool
is_due(const struct grpc_call *c)
{
	bool asks = !c->said_all && !c->held && !c->ended &&
	    (c->method == NULL || !c->method->streams ||
		!grpc_reader_is_between(&c->reader));

	return asks || c->ended || waiting(&c->out) > 0;
}

void
grpc_call_set_timer(struct grpc_call *c, uint64_t now)
{
	uint64_t at = (is_due(c) ? c->moved_ns : now) + STILL_NS;

	if (!c->ended && c->deadline_ns < at)
		at = c->deadline_ns;
	loop_timer_set(c->conn->server->loop, &c->timer, at, too_late, c);
}

static void
too_late(void *arg)
{
	struct grpc_call *c = arg;
	struct grpc_conn *conn = c->conn;
	uint64_t now = clock_mono_ns();

	if (!c->ended && now >= c->deadline_ns)
		grpc_call_end(c, GRPC_DEADLINE_EXCEEDED, "deadline exceeded");
	else if (is_due(c) && now - c->moved_ns >= STILL_NS)
		nghttp2_submit_rst_stream(conn->session, NGHTTP2_FLAG_NONE,
		    c->id, NGHTTP2_CANCEL);
	c->moved_ns = now; /* an end has its own time */
	grpc_call_set_timer(c, now);
	wake(conn);
}

/* ---- its life ---- */

struct grpc_call *
grpc_call_open(struct grpc_conn *conn, int32_t id)
{
	struct grpc_call *c = calloc(1, sizeof(*c));

	invariant(c != NULL);
	*c = (struct grpc_call){ .conn = conn,
		.next = conn->calls,
		.place = &conn->calls,
		.id = id,
		.deadline_ns = UINT64_MAX,
		.moved_ns = conn->now_ns };
	if (c->next != NULL)
		c->next->place = &c->next;
	conn->calls = c;
	conn->ncalls++;
	grpc_call_set_timer(c, c->moved_ns);
	return c;
}

void
grpc_call_give_room(struct grpc_call *c)
{
	*c->conn->server->kept -= c->room;
	c->room = 0;
}

void
grpc_call_close(struct grpc_call *c)
{
	*c->place = c->next;
	if (c->next != NULL)
		c->next->place = c->place;
	c->conn->ncalls--;
	loop_timer_stop(c->conn->server->loop, &c->timer);
	c->ended = true;
	if (c->told && c->method->over != NULL)
		c->method->over(c);
	/* What stood here is no longer the connection's to wait for. */
	nghttp2_session_consume_connection(c->conn->session,
	    waiting(&c->unread));
	grpc_call_give_room(c);
	grpc_reader_fini(&c->reader);
	buf_fini(&c->unread);
	buf_fini(&c->out);
	free(c->message);
	free(c);
}

const char *
grpc_call_peer(const struct grpc_call *c)
{
	return c->conn->peer.name == NULL ? "" : c->conn->peer.name;
}

const struct grpc_server *
grpc_call_server(const struct grpc_call *c)
{
	return c->conn->server;
}

void
grpc_call_set(struct grpc_call *c, void *state)
{
	c->state = state;
}

void *
grpc_call_state(const struct grpc_call *c)
{
	return c->state;
}

/* ---- the reply ---- */

struct fields {
	size_t len;
	nghttp2_nv nv[5];
};

static void
add_field(struct fields *f, const char *name, const char *text)
{
	f->nv[f->len++] = (nghttp2_nv){ (uint8_t *)(uintptr_t)name,
		(uint8_t *)(uintptr_t)text, strlen(name), strlen(text),
		NGHTTP2_NV_FLAG_NONE };
}

struct status {
	char digits[12];
	struct buf message;
};

static void
add_status(struct fields *f, struct status *s, const struct grpc_call *c)
{
	snprintf(s->digits, sizeof(s->digits), "%d", (int)c->status);
	add_field(f, "grpc-status", s->digits);
	if (c->message == NULL)
		return;
	grpc_message_encode(&s->message, c->message);
	add_field(f, "grpc-message", buf_text(&s->message));
}

static ssize_t
read_out(nghttp2_session *session, int32_t id, uint8_t *out, size_t max,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct grpc_call *c = source->ptr;
	size_t n = waiting(&c->out) < max ? waiting(&c->out) : max;
	struct fields f = { .len = 0 };
	struct status s = { .digits = "" };

	(void)arg;
	if (n == 0 && !c->ended) {
		c->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (n > 0)
		memcpy(out, c->out.data + c->out.at, n);
	c->out.at += n;
	grpc_call_moves(c);
	if (waiting(&c->out) > 0)
		return (ssize_t)n;
	buf_reset(&c->out);
	if (c->ended) {
		*flags |=
		    NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		add_status(&f, &s, c);
		nghttp2_submit_trailer(session, id, f.nv, f.len);
		buf_fini(&s.message);
	} else if (c->told && c->method->drained != NULL) {
		c->method->drained(c);
	}
	return (ssize_t)n;
}

/* The head of a reply; whole: and all there is of it. */
static void
answer(struct grpc_call *c, bool whole)
{
	const nghttp2_data_provider body = { { .ptr = c }, read_out };
	struct fields f = { .len = 0 };
	struct status s = { .digits = "" };

	c->answered = true;
	add_field(&f, ":status", "200");
	add_field(&f, "content-type", "application/grpc");
	if (c->status == GRPC_UNIMPLEMENTED)
		add_field(&f, "grpc-accept-encoding", "identity");
	if (whole)
		add_status(&f, &s, c);
	nghttp2_submit_response(c->conn->session, c->id, f.nv, f.len,
	    whole ? NULL : &body);
	buf_fini(&s.message);
}

static void
go_on(struct grpc_call *c)
{
	if (!c->answered) {
		answer(c, c->ended && waiting(&c->out) == 0);
	} else if (c->deferred) {
		c->deferred = false;
		nghttp2_session_resume_data(c->conn->session, c->id);
	}
	wake(c->conn);
}

void
grpc_call_refuse(struct grpc_call *c, const char *status)
{
	struct fields f = { .len = 0 };

	c->ended = c->answered = true;
	add_field(&f, ":status", status);
	nghttp2_submit_response(c->conn->session, c->id, f.nv, f.len, NULL);
}

void
grpc_call_send(struct grpc_call *c, const void *message, size_t len)
{
	uint8_t prefix[GRPC_PREFIX];

	if (c->ended)
		return;
	invariant(len <= UINT32_MAX);
	if (waiting(&c->out) == 0)
		grpc_call_moves(c);
	grpc_prefix(prefix, (uint32_t)len);
	buf_add(&c->out, prefix, sizeof(prefix));
	buf_add(&c->out, message, len);
	go_on(c);
}

size_t
grpc_call_unsent(const struct grpc_call *c)
{
	return waiting(&c->out);
}

void
grpc_call_end(struct grpc_call *c, enum grpc_status status, const char *message)
{
	if (c->ended)
		return;
	c->ended = true;
	c->status = status;
	if (message[0] != '\0')
		c->message = str_printf("%.*s", MESSAGE_MAX, message);
	if (waiting(&c->out) == 0)
		grpc_call_moves(c);
	nghttp2_session_consume(c->conn->session, c->id, waiting(&c->unread));
	buf_reset(&c->unread);
	grpc_call_give_room(c);
	go_on(c);
}

void
grpc_call_hold(struct grpc_call *c, bool held)
{
	if (c->held == held || c->ended)
		return;
	c->held = held;
	if (held)
		return;
	grpc_request_go_on(c);
	wake(c->conn);
}
