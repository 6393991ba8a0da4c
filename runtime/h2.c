#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/h2.h"

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

nghttp2_session_callbacks *
h2_callbacks(void)
{
	nghttp2_session_callbacks *c;
	int r = nghttp2_session_callbacks_new(&c);

	invariant(r == 0);
	nghttp2_session_callbacks_set_on_invalid_header_callback(c,
	    invalid_header);
	return c;
}

nghttp2_session *
h2_open(nghttp2_session_callbacks *callbacks, const struct h2_limits *l,
    void *arg)
{
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, l->streams },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, l->stream_window },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, l->head },
	};
	nghttp2_session *session;
	nghttp2_option *option;
	int r = nghttp2_option_new(&option);

	invariant(r == 0);
	nghttp2_option_set_no_auto_window_update(option, 1);
	r = nghttp2_session_server_new2(&session, callbacks, arg, option);
	invariant(r == 0);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings,
	    nitems(settings));
	nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
	    (int32_t)l->window);
	return session;
}

bool
h2_is_request(const nghttp2_frame *f)
{
	return f->hd.type == NGHTTP2_HEADERS &&
	    f->headers.cat == NGHTTP2_HCAT_REQUEST;
}

bool
h2_send(nghttp2_session *session, struct buf *out, size_t max)
{
	const uint8_t *data;
	ssize_t n;

	while (out->len - out->at < max) {
		n = nghttp2_session_mem_send(session, &data);
		if (n <= 0)
			return n == 0;
		buf_add(out, data, (size_t)n);
	}
	return true;
}

void
h2_drain(nghttp2_session *session)
{
	nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR,
	    NULL, 0);
}
