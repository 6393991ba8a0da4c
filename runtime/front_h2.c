#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "runtime/front_h2_parts.h"
#include "runtime/h2.h"

/* What all streams of one caller may have on their way up. */
#define WINDOW (2 * FRONT_H2_BACKLOG)

static struct front_h2_stream *
stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

/* ---- what the library tells ---- */

static int
begin_headers(nghttp2_session *session, const nghttp2_frame *f, void *arg)
{
	struct front_h2 *h = arg;
	struct front_h2_stream *s;

	if (!h2_is_request(f))
		return 0;
	s = front_h2_stream_open(h, f->hd.stream_id);
	if (s == NULL)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE,
		    f->hd.stream_id, NGHTTP2_REFUSED_STREAM);
	else
		nghttp2_session_set_stream_user_data(session, f->hd.stream_id,
		    s);
	return 0;
}

static int
header(nghttp2_session *session, const nghttp2_frame *f, const uint8_t *name,
    size_t nname, const uint8_t *text, size_t ntext, uint8_t flags, void *arg)
{
	struct front_h2_stream *s = stream_of(session, f->hd.stream_id);

	(void)flags;
	(void)arg;
	if (s != NULL && h2_is_request(f)) /* trailers are nobody's */
		front_h2_stream_header(s, (const char *)name, nname,
		    (const char *)text, ntext);
	return 0;
}

static int
frame_came(nghttp2_session *session, const nghttp2_frame *f, void *arg)
{
	struct front_h2_stream *s = stream_of(session, f->hd.stream_id);

	(void)arg;
	if (s == NULL)
		return 0;
	if (h2_is_request(f))
		front_h2_stream_start(s,
		    (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0);
	if ((f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA) &&
	    (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		front_h2_stream_end(s);
	return 0;
}

static int
data_came(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *data, size_t len, void *arg)
{
	struct front_h2_stream *s = stream_of(session, id);

	(void)flags;
	(void)arg;
	if (s != NULL)
		front_h2_stream_data(s, data, len);
	else
		nghttp2_session_consume(session, id, len);
	return 0;
}

/* A reply that is over before its request: the rest need not come. */
static int
frame_sent(nghttp2_session *session, const nghttp2_frame *f, void *arg)
{
	struct front_h2_stream *s = stream_of(session, f->hd.stream_id);

	(void)arg;
	if (s != NULL && !s->said_all &&
	    (f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA) &&
	    (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id,
		    NGHTTP2_NO_ERROR);
	return 0;
}

static int
stream_closed(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct front_h2_stream *s = stream_of(session, id);

	(void)code;
	(void)arg;
	if (s == NULL)
		return 0;
	nghttp2_session_consume_connection(session, s->unused);
	nghttp2_session_set_stream_user_data(session, id, NULL);
	front_h2_stream_close(s);
	return 0;
}

/* ---- a conversation ---- */

static nghttp2_session *
open_session(void *arg)
{
	static const struct h2_limits limits = { FRONT_H2_STREAMS_MAX,
		FRONT_H2_BACKLOG, WINDOW, GATE_HEAD_MAX };
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

struct front_h2 *
front_h2_open(struct front *f, const struct front_caller *from,
    void (*woken)(void *), void *arg)
{
	struct front_h2 *h = calloc(1, sizeof(*h));

	invariant(h != NULL);
	*h = (struct front_h2){ .front = f,
		.from = *from,
		.woken = woken,
		.arg = arg };
	h->session = open_session(h);
	return h;
}

void
front_h2_close(struct front_h2 *h)
{
	if (h == NULL)
		return;
	while (h->streams != NULL)
		front_h2_stream_close(h->streams);
	nghttp2_session_del(h->session);
	free(h);
}

int
front_h2_receive(struct front_h2 *h, const char *data, size_t len)
{
	ssize_t n;

	if (h->broken)
		return -1;
	n = nghttp2_session_mem_recv(h->session, (const uint8_t *)data, len);
	if (n < 0) {
		h->broken = true;
		/* Most faults it has answered itself. */
		nghttp2_session_terminate_session(h->session,
		    NGHTTP2_PROTOCOL_ERROR);
	}
	return n < 0 ? -1 : 0;
}

void
front_h2_send(struct front_h2 *h, struct buf *out, size_t max)
{
	h->broken |= !h2_send(h->session, out, max);
}

bool
front_h2_is_over(const struct front_h2 *h)
{
	return h->broken || (h->draining && h->nstreams == 0) ||
	    (nghttp2_session_want_read(h->session) == 0 &&
		nghttp2_session_want_write(h->session) == 0);
}

size_t
front_h2_streams(const struct front_h2 *h)
{
	return h->nstreams;
}

void
front_h2_drain(struct front_h2 *h)
{
	if (h->draining)
		return;
	h->draining = true;
	h2_drain(h->session);
}
