#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/str.h"
#include "runtime/grpc_client.h"
#include "runtime/h2.h"

#define WINDOW (1 << 20)
#define HEAD_MAX (16 << 10)

struct grpc_client {
	struct loop *loop;
	nghttp2_session *session;
	struct grpc_ask *asks;
	size_t nasks;
	bool broken, leaving; /* leaving: the server takes no more calls */
	void (*woken)(void *arg);
	void *arg;
};

struct grpc_ask {
	struct grpc_client *client;
	struct grpc_ask *next, **place;
	int32_t id;
	struct grpc_question q; /* but its texts */
	struct loop_timer timer;

	struct buf out;
	bool said_all, deferred;

	struct grpc_reader reader;
	size_t head_len;
	unsigned http;            /* its status */
	bool is_grpc, has_status; /* of the reply's head; of its trailers */
	enum grpc_status status;
	struct buf message;
};

static size_t
waiting(const struct buf *b)
{
	return b->len - b->at;
}

/* ---- the end of a call ---- */

/* http-grpc-status-mapping.md of grpc/doc. */
static enum grpc_status
status_of_http(unsigned http)
{
	switch (http) {
	case 400:
		return GRPC_INTERNAL;
	case 401:
		return GRPC_UNAUTHENTICATED;
	case 403:
		return GRPC_PERMISSION_DENIED;
	case 404:
		return GRPC_UNIMPLEMENTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_UNKNOWN;
	}
}

/* PROTOCOL-HTTP2.md of grpc/doc, "Errors". */
static enum grpc_status
status_of_reset(uint32_t code)
{
	switch (code) {
	case NGHTTP2_REFUSED_STREAM:
		return GRPC_UNAVAILABLE;
	case NGHTTP2_CANCEL:
		return GRPC_CANCELLED;
	case NGHTTP2_ENHANCE_YOUR_CALM:
		return GRPC_RESOURCE_EXHAUSTED;
	case NGHTTP2_INADEQUATE_SECURITY:
		return GRPC_PERMISSION_DENIED;
	default:
		return GRPC_INTERNAL;
	}
}

/* The first thing that is known of it counts. */
static void
set_status(struct grpc_ask *a, enum grpc_status status, const char *message)
{
	if (a->has_status)
		return;
	a->has_status = true;
	a->status = status;
	buf_reset(&a->message);
	buf_add_str(&a->message, message);
}

static void
end(struct grpc_ask *a)
{
	*a->place = a->next;
	if (a->next != NULL)
		a->next->place = a->place;
	a->client->nasks--;
	loop_timer_stop(a->client->loop, &a->timer);
	a->q.ended(a->q.arg, a->status, buf_text(&a->message));
	grpc_reader_fini(&a->reader);
	buf_fini(&a->out);
	buf_fini(&a->message);
	free(a);
}

/* The server is told; the rest follows from that. */
static void
give_up(struct grpc_ask *a, enum grpc_status status, const char *why)
{
	set_status(a, status, why);
	nghttp2_submit_rst_stream(a->client->session, NGHTTP2_FLAG_NONE, a->id,
	    NGHTTP2_CANCEL);
	a->client->woken(a->client->arg);
}

/* The stream is closed: what is not known yet follows from how. */
static void
conclude(struct grpc_ask *a, uint32_t code)
{
	char text[64];

	if (code != NGHTTP2_NO_ERROR) {
		snprintf(text, sizeof(text), "the call was reset: %s",
		    nghttp2_http2_strerror(code));
		set_status(a, status_of_reset(code), text);
	} else if (a->http != 200) {
		snprintf(text, sizeof(text), "HTTP status %u", a->http);
		set_status(a, status_of_http(a->http), text);
	}
	set_status(a, GRPC_INTERNAL, "the server said no status");
	if (a->status == GRPC_OK && !grpc_reader_is_between(&a->reader)) {
		a->has_status = false;
		set_status(a, GRPC_INTERNAL, "a message breaks off");
	}
}

/* ---- what the library tells ---- */

static struct grpc_ask *
ask_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static bool
is(const uint8_t *s, size_t n, const char *name)
{
	return n == strlen(name) && memcmp(s, name, n) == 0;
}

static void
take_status(struct grpc_ask *a, const char *text, size_t len)
{
	char digits[8];
	unsigned long n;

	if (len == 0 || len >= sizeof(digits))
		return;
	snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
	if (strspn(digits, "0123456789") != len)
		return;
	n = strtoul(digits, NULL, 10);
	if (a->has_status)
		return;
	a->has_status = true;
	a->status = n < GRPC_STATUSES ? (enum grpc_status)n : GRPC_UNKNOWN;
}

static int
header(nghttp2_session *session, const nghttp2_frame *f, const uint8_t *name,
    size_t nname, const uint8_t *text, size_t ntext, uint8_t flags, void *arg)
{
	struct grpc_ask *a = ask_of(session, f->hd.stream_id);

	(void)flags;
	(void)arg;
	if (a == NULL)
		return 0;
	a->head_len += nname + ntext + 32;
	if (a->head_len > HEAD_MAX) {
		give_up(a, GRPC_RESOURCE_EXHAUSTED, "a head that is too long");
		return 0;
	}
	if (is(name, nname, ":status") && ntext == 3) {
		a->http = (unsigned)(text[0] - '0') * 100 +
		    (unsigned)(text[1] - '0') * 10 + (unsigned)(text[2] - '0');
	} else if (is(name, nname, "content-type")) {
		a->is_grpc =
		    ntext >= 16 && memcmp(text, "application/grpc", 16) == 0;
	} else if (is(name, nname, "grpc-status")) {
		take_status(a, (const char *)text, ntext);
	} else if (is(name, nname, "grpc-message") && a->message.len == 0) {
		grpc_message_decode(&a->message, (const char *)text, ntext);
	}
	return 0;
}

static void
read_some(struct grpc_ask *a, const char *data, size_t len)
{
	enum grpc_read r;

	while (!a->has_status) {
		r = grpc_reader_feed(&a->reader, &data, &len);
		if (r == GRPC_READ_MORE)
			return;
		if (r == GRPC_READ_MESSAGE) {
			a->q.message(a->q.arg, buf_text(&a->reader.message),
			    a->reader.message.len);
			grpc_reader_next(&a->reader);
		} else if (r == GRPC_READ_TOO_LONG) {
			give_up(a, GRPC_RESOURCE_EXHAUSTED,
			    "a message that is too long");
		} else if (r != GRPC_READ_STARTED) {
			give_up(a, GRPC_INTERNAL,
			    "a message that is compressed, or none");
		}
	}
}

static int
data_came(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *data, size_t len, void *arg)
{
	struct grpc_ask *a = ask_of(session, id);

	(void)flags;
	(void)arg;
	if (a != NULL && a->http == 200 && a->is_grpc)
		read_some(a, (const char *)data, len);
	return 0;
}

static int
frame_came(nghttp2_session *session, const nghttp2_frame *f, void *arg)
{
	struct grpc_client *c = arg;

	(void)session;
	if (f->hd.type == NGHTTP2_GOAWAY)
		c->leaving = true;
	return 0;
}

static int
stream_closed(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct grpc_ask *a = ask_of(session, id);

	(void)arg;
	if (a == NULL)
		return 0;
	nghttp2_session_set_stream_user_data(session, id, NULL);
	conclude(a, code);
	end(a);
	return 0;
}

/* A call that the server's farewell overtook. */
static int
not_sent(nghttp2_session *session, const nghttp2_frame *f, int code, void *arg)
{
	struct grpc_client *c = arg;
	struct grpc_ask *a = c->asks;

	(void)session;
	(void)code;
	while (a != NULL && a->id != f->hd.stream_id)
		a = a->next;
	if (f->hd.type == NGHTTP2_HEADERS && a != NULL) {
		set_status(a, GRPC_UNAVAILABLE, "the server ends");
		end(a);
	}
	return 0;
}

/* ---- a connection ---- */

struct grpc_client *
grpc_client_open(struct loop *loop, void (*woken)(void *), void *arg)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEAD_MAX },
	};
	struct grpc_client *c = calloc(1, sizeof(*c));
	nghttp2_session_callbacks *callbacks = h2_callbacks();
	int r;

	invariant(c != NULL);
	c->loop = loop;
	c->woken = woken;
	c->arg = arg;
	nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
	    data_came);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
	    frame_came);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
	    stream_closed);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks,
	    not_sent);
	r = nghttp2_session_client_new(&c->session, callbacks, c);
	invariant(r == 0);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings,
	    nitems(settings));
	nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0,
	    WINDOW);
	return c;
}

/* Nobody is there any more. */
static void
end_all(struct grpc_client *c)
{
	c->broken = true;
	while (c->asks != NULL) {
		nghttp2_session_set_stream_user_data(c->session, c->asks->id,
		    NULL);
		set_status(c->asks, GRPC_UNAVAILABLE, "the connection is lost");
		end(c->asks);
	}
}

void
grpc_client_close(struct grpc_client *c)
{
	if (c == NULL)
		return;
	end_all(c);
	nghttp2_session_del(c->session);
	free(c);
}

int
grpc_client_receive(struct grpc_client *c, const char *data, size_t len)
{
	if (!c->broken &&
	    (len == 0 ||
		nghttp2_session_mem_recv(c->session, (const uint8_t *)data,
		    len) < 0))
		end_all(c);
	return c->broken ? -1 : 0;
}

void
grpc_client_send(struct grpc_client *c, struct buf *out, size_t max)
{
	if (!c->broken && !h2_send(c->session, out, max))
		end_all(c);
}

bool
grpc_client_is_over(const struct grpc_client *c)
{
	return c->broken || (c->leaving && c->nasks == 0);
}

/* ---- calls ---- */

static ssize_t
read_out(nghttp2_session *session, int32_t id, uint8_t *out, size_t max,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct grpc_ask *a = source->ptr;
	size_t n = waiting(&a->out) < max ? waiting(&a->out) : max;

	(void)session;
	(void)id;
	(void)arg;
	if (n == 0 && !a->said_all) {
		a->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (n > 0)
		memcpy(out, a->out.data + a->out.at, n);
	a->out.at += n;
	if (waiting(&a->out) == 0) {
		buf_reset(&a->out);
		if (a->said_all)
			*flags |= NGHTTP2_DATA_FLAG_EOF;
	}
	return (ssize_t)n;
}

struct fields {
	size_t len;
	nghttp2_nv nv[9];
};

static void
add_field(struct fields *f, const char *name, const char *text)
{
	f->nv[f->len++] = (nghttp2_nv){ (uint8_t *)(uintptr_t)name,
		(uint8_t *)(uintptr_t)text, strlen(name), strlen(text),
		NGHTTP2_NV_FLAG_NONE };
}

/* At most eight digits: rounded up, so that nobody is late by that. */
static void
write_timeout(uint64_t ns, char *out, size_t size)
{
	static const struct {
		uint64_t ns;
		char unit;
	} units[] = { { 1, 'n' }, { 1000, 'u' }, { 1000000, 'm' },
		{ 1000000000, 'S' }, { 60000000000, 'M' },
		{ 3600000000000, 'H' } };
	size_t i = 0;

	while (i + 1 < nitems(units) && ns / units[i].ns >= 99999999)
		i++;
	snprintf(out, size, "%llu%c",
	    (unsigned long long)(ns / units[i].ns + (ns % units[i].ns > 0)),
	    units[i].unit);
}

static void
too_late(void *arg)
{
	give_up(arg, GRPC_DEADLINE_EXCEEDED, "deadline exceeded");
}

/* It never began: told in the next turn. */
static void
not_begun(void *arg)
{
	struct grpc_ask *a = arg;

	set_status(a, GRPC_UNAVAILABLE, "the connection is lost");
	end(a);
}

static void
submit(struct grpc_ask *a, const struct grpc_question *q)
{
	const nghttp2_data_provider body = { { .ptr = a }, read_out };
	struct fields f = { .len = 0 };
	char timeout[32], *bearer;

	bearer = str_printf("Bearer %s", q->token == NULL ? "" : q->token);
	write_timeout(q->timeout_ns, timeout, sizeof(timeout));
	add_field(&f, ":method", "POST");
	add_field(&f, ":scheme", "http");
	add_field(&f, ":path", q->path);
	add_field(&f, ":authority", q->authority);
	add_field(&f, "te", "trailers");
	add_field(&f, "content-type", "application/grpc");
	add_field(&f, "user-agent", "cella/" VERSION_TEXT);
	if (q->timeout_ns != UINT64_MAX)
		add_field(&f, "grpc-timeout", timeout);
	if (q->token != NULL)
		add_field(&f, "authorization", bearer);
	a->id = a->client->broken || a->client->leaving
	    ? -1
	    : nghttp2_submit_request(a->client->session, NULL, f.nv, f.len,
		  &body, a);
	free(bearer);
}

struct grpc_ask *
grpc_client_ask(struct grpc_client *c, const struct grpc_question *q)
{
	struct grpc_ask *a = calloc(1, sizeof(*a));
	uint64_t now = clock_mono_ns();

	invariant(a != NULL);
	*a = (struct grpc_ask){ .client = c,
		.next = c->asks,
		.place = &c->asks,
		.q = *q };
	if (a->next != NULL)
		a->next->place = &a->next;
	c->asks = a;
	c->nasks++;
	grpc_reader_init(&a->reader, q->max);
	submit(a, q);
	if (a->id < 0)
		loop_timer_set(c->loop, &a->timer, now, not_begun, a);
	else if (q->timeout_ns != UINT64_MAX)
		loop_timer_set(c->loop, &a->timer,
		    clock_add(now, q->timeout_ns), too_late, a);
	c->woken(c->arg);
	return a;
}

static void
go_on(struct grpc_ask *a)
{
	if (a->deferred) {
		a->deferred = false;
		nghttp2_session_resume_data(a->client->session, a->id);
	}
	a->client->woken(a->client->arg);
}

void
grpc_client_say(struct grpc_ask *a, const void *message, size_t len)
{
	uint8_t prefix[GRPC_PREFIX];

	invariant(!a->said_all && len <= UINT32_MAX);
	grpc_prefix(prefix, (uint32_t)len);
	buf_add(&a->out, prefix, sizeof(prefix));
	buf_add(&a->out, message, len);
	go_on(a);
}

void
grpc_client_say_end(struct grpc_ask *a)
{
	a->said_all = true;
	go_on(a);
}

void
grpc_client_cancel(struct grpc_ask *a)
{
	give_up(a, GRPC_CANCELLED, "cancelled");
}
