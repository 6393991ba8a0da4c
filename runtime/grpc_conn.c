#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/grpc_parts.h"

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

static bool
is_request(const nghttp2_frame *f)
{
	return f->hd.type == NGHTTP2_HEADERS &&
	    f->headers.cat == NGHTTP2_HCAT_REQUEST;
}

/* ---- what the library tells ---- */

static int
begin_headers(nghttp2_session *session, const nghttp2_frame *f, void *arg)
{
	struct grpc_conn *c = arg;

	if (!is_request(f))
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
	if (c == NULL || !is_request(f)) /* trailers are nobody's */
		return 0;
	if (grpc_head_field(&c->head, (const char *)name, nname,
		(const char *)text, ntext))
		return 0;
	nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, c->id,
	    NGHTTP2_ENHANCE_YOUR_CALM);
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* The library would leave it out, and go on. */
static int
invalid_header(nghttp2_session *session, const nghttp2_frame *f,
    const uint8_t *name, size_t nname, const uint8_t *text, size_t ntext,
    uint8_t flags, void *arg)
{
	(void)session;
	(void)f;
	(void)name;
	(void)nname;
	(void)text;
	(void)ntext;
	(void)flags;
	(void)arg;
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
	if (is_request(f))
		grpc_call_start(call);
	if ((f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA) &&
	    (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		grpc_call_receive_end(call);
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
		grpc_call_receive(c, (const char *)data, len);
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

static void
set_callbacks(nghttp2_session_callbacks *c)
{
	nghttp2_session_callbacks_set_on_begin_headers_callback(c,
	    begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(c,
	    invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, frame_came);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, data_came);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, frame_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(c,
	    stream_closed);
}

static void
open_session(struct grpc_conn *c)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
		    GRPC_CONN_CALLS_MAX },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEAD_MAX },
	};
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	int r = nghttp2_session_callbacks_new(&callbacks);

	invariant(r == 0);
	set_callbacks(callbacks);
	r = nghttp2_option_new(&option);
	invariant(r == 0);
	/* A caller's window opens as his messages are taken. */
	nghttp2_option_set_no_auto_window_update(option, 1);
	r = nghttp2_session_server_new2(&c->session, callbacks, c, option);
	invariant(r == 0);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings,
	    nitems(settings));
	nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0,
	    WINDOW);
}

struct grpc_conn *
grpc_conn_open(const struct grpc_server *server, const struct grpc_peer *peer)
{
	struct grpc_conn *c = calloc(1, sizeof(*c));

	invariant(c != NULL);
	c->server = server;
	c->peer = *peer;
	open_session(c);
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
	const uint8_t *data;
	ssize_t n = 1;

	while (n > 0 && out->len - out->at < max) {
		n = nghttp2_session_mem_send(c->session, &data);
		if (n > 0)
			buf_add(out, data, (size_t)n);
	}
	grpc_conn_leave(c, inside);
	c->broken |= n < 0;
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
	nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(c->session),
	    NGHTTP2_NO_ERROR, NULL, 0);
}
