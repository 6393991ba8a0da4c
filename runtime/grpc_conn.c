#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/grpc_parts.h"
#include "runtime/h2.h"

/* Bytes of one call, and of all of a connection, that stand unread. */
#define STREAM_WINDOW (256 << 10)
#define WINDOW (1 << 20)
#define HEAD_MAX (16 << 10) /* told; grpc_head.c sees to it */
/* So often a caller may ask whether we live and be told nothing else. */
#define PING_NS (10 * CLOCK_SECOND)
#define STRIKES_MAX 2

static struct grpc_call *
call_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

/* ---- what the library tells ---- */

static int
begin_headers(nghttp2_session *session, const nghttp2_frame *f, void *arg)
{
	struct grpc_conn *c = arg;

	if (!h2_is_request(f))
		return 0;
	if (c->draining)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE,
		    f->hd.stream_id, NGHTTP2_REFUSED_STREAM);
	else
		nghttp2_session_set_stream_user_data(session, f->hd.stream_id,
		    grpc_call_open(c, f->hd.stream_id));
	return 0;
}

static int
header(nghttp2_session *session, const nghttp2_frame *f, const uint8_t *name,
    size_t nname, const uint8_t *text, size_t ntext, uint8_t flags, void *arg)
{
	struct grpc_call *c = call_of(session, f->hd.stream_id);

	(void)flags;
	(void)arg;
	if (c == NULL || !h2_is_request(f)) /* trailers are nobody's */
		return 0;
	if (grpc_head_field(&c->head, (const char *)name, nname,
		(const char *)text, ntext))
		return 0;
	nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, c->id,
	    NGHTTP2_ENHANCE_YOUR_CALM);
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/*
 * Asking is free for who is told something in between.  The answer that clients
 * know: gRFC A8.
 */
static void
hear_ping(struct grpc_conn *c)
{
	static const uint8_t why[] = "too_many_pings";
	uint64_t now = c->now_ns;

	if (c->answered || now - c->pinged_ns >= PING_NS)
		c->strikes = 0;
	else
		c->strikes++;
	c->pinged_ns = now;
	c->answered = false;
	if (c->strikes <= STRIKES_MAX || c->broken)
		return;
	c->broken = true;
	nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(c->session),
	    NGHTTP2_ENHANCE_YOUR_CALM, why, sizeof(why) - 1);
}

static int
frame_came(nghttp2_session *session, const nghttp2_frame *f, void *arg)
{
	struct grpc_call *call = call_of(session, f->hd.stream_id);
	struct grpc_conn *c = arg;

	if (f->hd.type == NGHTTP2_SETTINGS)
		c->begun = true;
	if (f->hd.type == NGHTTP2_PING && (f->hd.flags & NGHTTP2_FLAG_ACK) == 0)
		hear_ping(c);
	if (call == NULL)
		return 0;
	if (h2_is_request(f))
		grpc_request_start(call);
	if ((f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA) &&
	    (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		grpc_request_end(call);
	return 0;
}

static int
data_came(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *data, size_t len, void *arg)
{
	struct grpc_call *c = call_of(session, id);

	(void)flags;
	(void)arg;
	if (c != NULL)
		grpc_request_receive(c, (const char *)data, len);
	else
		nghttp2_session_consume(session, id, len);
	return 0;
}

/* A reply that is over before its request: the rest need not come. */
static int
frame_sent(nghttp2_session *session, const nghttp2_frame *f, void *arg)
{
	struct grpc_call *call = call_of(session, f->hd.stream_id);
	struct grpc_conn *c = arg;

	if (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA)
		return 0;
	c->answered = true;
	if (call != NULL && !call->said_all &&
	    (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, call->id,
		    NGHTTP2_NO_ERROR);
	return 0;
}

static int
stream_closed(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct grpc_call *c = call_of(session, id);

	(void)code;
	(void)arg;
	if (c == NULL)
		return 0;
	nghttp2_session_set_stream_user_data(session, id, NULL);
	grpc_call_close(c);
	return 0;
}

/* ---- a connection ---- */

static nghttp2_session *
open_session(void *arg)
{
	static const struct h2_limits limits = { GRPC_CONN_CALLS_MAX,
		STREAM_WINDOW, WINDOW, HEAD_MAX };
	nghttp2_session_callbacks *c = h2_callbacks();

	nghttp2_session_callbacks_set_on_begin_headers_callback(c,
	    begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, frame_came);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, data_came);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, frame_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(c,
	    stream_closed);
	return h2_open(c, &limits, arg);
}

struct grpc_conn *
grpc_conn_open(const struct grpc_server *server, const struct grpc_peer *peer)
{
	struct grpc_conn *c = calloc(1, sizeof(*c));

	invariant(c != NULL);
	c->server = server;
	c->peer = *peer;
	c->session = open_session(c);
	return c;
}

void
grpc_conn_close(struct grpc_conn *c)
{
	if (c == NULL)
		return;
	(void)grpc_conn_enter(c);
	while (c->calls != NULL)
		grpc_call_close(c->calls);
	nghttp2_session_del(c->session);
	free(c);
}

bool
grpc_conn_enter(struct grpc_conn *c)
{
	bool inside = c->inside;

	if (!inside)
		c->now_ns = clock_mono_ns();
	c->inside = true;
	return inside;
}

void
grpc_conn_leave(struct grpc_conn *c, bool was_inside)
{
	c->inside = was_inside;
}

int
grpc_conn_receive(struct grpc_conn *c, const char *data, size_t len)
{
	bool inside;
	ssize_t n;

	if (c->broken)
		return -1;
	inside = grpc_conn_enter(c);
	n = nghttp2_session_mem_recv(c->session, (const uint8_t *)data, len);
	grpc_conn_leave(c, inside);
	if (n < 0) {
		c->broken = true;
		/* Most faults it has answered itself. */
		nghttp2_session_terminate_session(c->session,
		    NGHTTP2_PROTOCOL_ERROR);
	}
	return c->broken ? -1 : 0;
}

void
grpc_conn_send(struct grpc_conn *c, struct buf *out, size_t max)
{
	bool inside = grpc_conn_enter(c);

	c->broken |= !h2_send(c->session, out, max);
	grpc_conn_leave(c, inside);
}

bool
grpc_conn_has_begun(const struct grpc_conn *c)
{
	return c->begun;
}

bool
grpc_conn_is_over(const struct grpc_conn *c)
{
	return c->broken || (c->draining && c->ncalls == 0) ||
	    (nghttp2_session_want_read(c->session) == 0 &&
		nghttp2_session_want_write(c->session) == 0);
}

size_t
grpc_conn_calls(const struct grpc_conn *c)
{
	return c->ncalls;
}

void
grpc_conn_ping(struct grpc_conn *c)
{
	nghttp2_submit_ping(c->session, NGHTTP2_FLAG_NONE, NULL);
}

void
grpc_conn_drain(struct grpc_conn *c)
{
	if (c->draining)
		return;
	c->draining = true;
	h2_drain(c->session);
}
