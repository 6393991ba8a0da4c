#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "runtime/front_h2_parts.h"

/* What all streams of one caller may have on their way up. */
#define WINDOW (2 * FRONT_H2_BACKLOG)

static struct front_h2_stream *
stream_of(nghttp2_session *session, int32_t id)
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
	struct front_h2 *h = arg;
	struct front_h2_stream *s;

	if (!is_request(f))
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
	if (s != NULL && is_request(f)) /* trailers are nobody's */
		front_h2_stream_header(s, (const char *)name, nname,
		    (const char *)text, ntext);
	return 0;
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

static int
frame_came(nghttp2_session *session, const nghttp2_frame *f, void *arg)
{
	struct front_h2_stream *s = stream_of(session, f->hd.stream_id);

	(void)arg;
	if (s == NULL)
		return 0;
	if (is_request(f))
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
open_session(struct front_h2 *h)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
		    FRONT_H2_STREAMS_MAX },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, FRONT_H2_BACKLOG },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GATE_HEAD_MAX },
	};
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	int r = nghttp2_session_callbacks_new(&callbacks);

	invariant(r == 0);
	set_callbacks(callbacks);
	r = nghttp2_option_new(&option);
	invariant(r == 0);
	/* A caller's window opens as the library of HTTP/1.1 takes his bytes.
	 */
	nghttp2_option_set_no_auto_window_update(option, 1);
	r = nghttp2_session_server_new2(&h->session, callbacks, h, option);
	invariant(r == 0);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
	    sizeof(settings) / sizeof(settings[0]));
	nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
	    WINDOW);
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
	open_session(h);
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
	const uint8_t *data;
	ssize_t n;

	while (out->len - out->at < max) {
		n = nghttp2_session_mem_send(h->session, &data);
		if (n <= 0) {
			h->broken |= n < 0;
			return;
		}
		buf_add(out, data, (size_t)n);
	}
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
	nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(h->session),
	    NGHTTP2_NO_ERROR, NULL, 0);
}
