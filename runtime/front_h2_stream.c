#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/front_h2_parts.h"
#include "runtime/front_http.h"

#define HEAD_NS (10 * CLOCK_SECOND)  /* for a whole head */
#define STILL_NS (60 * CLOCK_SECOND) /* without a byte, when one is due */
#define PIECE ((size_t)32 << 10)

static size_t
waiting(const struct buf *b)
{
	return b->len - b->at;
}

static void
reset(struct front_h2_stream *s, uint32_t code)
{
	nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id,
	    code);
}

/* ---- time ---- */

static void
stands_still(void *arg)
{
	struct front_h2_stream *s = arg;
	struct front_h2 *h = s->h2;

	reset(s, NGHTTP2_CANCEL);
	h->woken(h->arg);
}

/* A byte of the caller's is due, or room for one of ours. */
static void
set_timer(struct front_h2_stream *s)
{
	struct loop *l = s->h2->front->loop;
	bool his = waiting(&s->exchange.body) > 0 ||
	    (!s->said_all && s->unused < FRONT_H2_BACKLOG);

	if (!s->begun || his)
		loop_timer_set(l, &s->still,
		    clock_mono_ns() + (s->begun ? STILL_NS : HEAD_NS),
		    stands_still, s);
	else
		loop_timer_stop(l, &s->still);
}

static void
plan(struct front_h2_stream *s)
{
	loop_set(s->h2->front->loop, &s->watch,
	    (waiting(&s->exchange.body) < FRONT_H2_BACKLOG ? EPOLLIN : 0U) |
		(waiting(&s->up) > 0 ? EPOLLOUT : 0U));
	set_timer(s);
}

/* ---- the end ---- */

static void
close_inner(struct front_h2_stream *s)
{
	loop_remove(s->h2->front->loop, &s->watch);
	fd_close(&s->inner);
	nghttp2_session_consume(s->h2->session, s->id, s->unused);
	s->unused = 0;
	buf_reset(&s->up);
}

void
front_h2_stream_close(struct front_h2_stream *s)
{
	struct front *f = s->h2->front;

	*s->place = s->next;
	if (s->next != NULL)
		s->next->place = s->place;
	s->h2->nstreams--;
	loop_timer_stop(f->loop, &s->still);
	loop_remove(f->loop, &s->watch);
	fd_close(&s->inner);
	exchange_headers_fini(&s->headers);
	exchange_fini(&s->exchange);
	gate_fini(&s->gate);
	buf_fini(&s->up);
	buf_fini(&s->cookie);
	free(s->method);
	free(s->path);
	free(s->authority);
	free(s);
}

struct front_h2_stream *
front_h2_stream_open(struct front_h2 *h, int32_t id)
{
	struct front_h2_stream *s;

	if (h->draining || !front_http_has_room(h->front->http))
		return NULL;
	s = calloc(1, sizeof(*s));
	invariant(s != NULL);
	*s = (struct front_h2_stream){ .h2 = h,
		.next = h->streams,
		.place = &h->streams,
		.id = id,
		.length = -1,
		.inner = -1,
		.watch = LOOP_WATCH_NONE };
	if (s->next != NULL)
		s->next->place = &s->next;
	h->streams = s;
	h->nstreams++;
	set_timer(s);
	return s;
}

/* ---- the reply ---- */

struct fields {
	size_t len;
	nghttp2_nv nv[EXCHANGE_HEADERS_MAX + 2];
};

static void
add_field(struct fields *f, const char *name, const char *text)
{
	f->nv[f->len++] = (nghttp2_nv){ (uint8_t *)(uintptr_t)name,
		(uint8_t *)(uintptr_t)text, strlen(name), strlen(text),
		NGHTTP2_NV_FLAG_NONE };
}

static ssize_t
read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t max,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	(void)session;
	(void)id;
	(void)arg;
	return front_h2_stream_read(source->ptr, out, max, flags);
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

/* RFC 9113, 8.2: names in lower case, nothing of the connection. */
static void
answer(struct front_h2_stream *s)
{
	struct exchange *x = &s->exchange;
	const nghttp2_data_provider body = { { .ptr = s }, read_body };
	bool empty = s->head || (x->complete && waiting(&x->body) == 0);
	struct fields f = { .len = 0 };
	char status[16], length[24];

	s->answered = true;
	snprintf(status, sizeof(status), "%d", x->status);
	add_field(&f, ":status", status);
	for (size_t i = 0; i < x->headers.len; i++) {
		if (exchange_is_hop_by_hop(x->headers.item[i].name))
			continue;
		lower(x->headers.item[i].name);
		add_field(&f, x->headers.item[i].name, x->headers.item[i].text);
	}
	if (x->length != -1) {
		snprintf(length, sizeof(length), "%lld", x->length);
		add_field(&f, "content-length", length);
	}
	nghttp2_submit_response(s->h2->session, s->id, f.nv, f.len,
	    empty ? NULL : &body);
}

/* An answer of ours in place of the library's. */
static void
refuse(struct front_h2_stream *s, int status, const char *why)
{
	static const char name[] = "content-type", type[] = "application/json";
	struct exchange *x = &s->exchange;
	char *text = front_error_text(ERR_INVALID, why);

	close_inner(s);
	exchange_fini(x);
	*x = (struct exchange){ .phase = EXCHANGE_OVER,
		.status = status,
		.complete = true,
		.length = (long long)strlen(text) };
	(void)exchange_headers_add(&x->headers, name, strlen(name), type,
	    strlen(type));
	buf_add_str(&x->body, text);
	free(text);
	answer(s);
}

ssize_t
front_h2_stream_read(struct front_h2_stream *s, uint8_t *out, size_t max,
    uint32_t *flags)
{
	struct exchange *x = &s->exchange;
	struct buf *b = &x->body;
	size_t n = waiting(b) < max ? waiting(b) : max;

	if (n == 0 && !x->complete) {
		s->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (n > 0)
		memcpy(out, b->data + b->at, n);
	b->at += n;
	if (waiting(b) == 0)
		buf_reset(b);
	if (x->complete && waiting(b) == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	plan(s);
	return (ssize_t)n;
}

/* ---- bytes from and to the library of HTTP/1.1 ---- */

static void
write_inner(struct front_h2_stream *s)
{
	struct buf *b = &s->up;
	ssize_t n;

	if (s->inner == -1 || waiting(b) == 0)
		return;
	n = send(s->inner, b->data + b->at, waiting(b), MSG_NOSIGNAL);
	if (n <= 0)
		return; /* its end says why */
	b->at += (size_t)n;
	if (waiting(b) > 0)
		return;
	buf_reset(b);
	nghttp2_session_consume(s->h2->session, s->id, s->unused);
	s->unused = 0;
}

/* What came breaks off, or is no reply. */
static void
fail(struct front_h2_stream *s)
{
	close_inner(s);
	reset(s, NGHTTP2_INTERNAL_ERROR);
}

static void
read_inner(struct front_h2_stream *s)
{
	static char data[PIECE];
	ssize_t n = recv(s->inner, data, sizeof(data), 0);
	struct exchange *x = &s->exchange;
	struct err e;
	int r;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	r = n > 0 ? exchange_receive(x, data, (size_t)n, &e)
		  : exchange_receive_end(x, &e);
	if (r == -1) {
		fail(s);
		return;
	}
	if (n <= 0 || x->complete)
		close_inner(s);
	if (!s->answered && x->phase >= EXCHANGE_BODY) {
		answer(s);
	} else if (s->deferred) {
		s->deferred = false;
		nghttp2_session_resume_data(s->h2->session, s->id);
	}
}

static void
inner_ready(void *arg, uint32_t events)
{
	struct front_h2_stream *s = arg;
	struct front_h2 *h = s->h2;

	if ((events & EPOLLOUT) != 0)
		write_inner(s);
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		read_inner(s);
	plan(s);
	h->woken(h->arg); /* s may be gone */
}

/* ---- the request ---- */

/* What the exchange wrote goes through the gate. */
static void
pass(struct front_h2_stream *s)
{
	struct buf *b = &s->exchange.out;

	if (s->inner == -1)
		return;
	if (gate_feed(&s->gate, b->data + b->at, waiting(b), &s->up) == -1) {
		if (s->answered)
			fail(s);
		else
			refuse(s, s->gate.status, s->gate.why);
		return;
	}
	buf_reset(b);
	write_inner(s);
	plan(s);
}

static void
join_cookies(struct front_h2_stream *s, const char *text, size_t len)
{
	if (s->cookie.len + len > EXCHANGE_HEAD_MAX) {
		s->too_large = true;
		return;
	}
	if (s->cookie.len > 0)
		buf_add_str(&s->cookie, "; ");
	buf_add(&s->cookie, text, len);
}

static bool
is_name(const char *s, size_t n, const char *name)
{
	return n == strlen(name) && memcmp(s, name, n) == 0;
}

/* A line's end, or what hides one: the protocol has other bounds than lines. */
static bool
is_text(const char *s, size_t n, unsigned char least)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < least && s[i] != '\t')
			return false;
	return memchr(s, 0x7f, n) == NULL;
}

static void
take(struct front_h2_stream *s, char **to, const char *text, size_t len)
{
	if (len > GATE_HEAD_MAX || !is_text(text, len, ' ' + 1)) {
		s->too_large |= len > GATE_HEAD_MAX;
		s->malformed = true;
		return;
	}
	free(*to);
	*to = str_printf("%.*s", (int)len, text);
}

void
front_h2_stream_header(struct front_h2_stream *s, const char *name,
    size_t nname, const char *text, size_t ntext)
{
	char digits[20];

	if (is_name(name, nname, ":method")) {
		take(s, &s->method, text, ntext);
	} else if (is_name(name, nname, ":path")) {
		take(s, &s->path, text, ntext);
	} else if (is_name(name, nname, ":authority") ||
	    (is_name(name, nname, "host") && s->authority == NULL)) {
		take(s, &s->authority, text, ntext);
	} else if (name[0] == ':' || is_name(name, nname, "host")) {
		return;
	} else if (is_name(name, nname, "cookie")) {
		join_cookies(s, text, ntext);
	} else if (is_name(name, nname, "content-length")) {
		/* The library has seen to it that it is a number. */
		if (ntext > 18)
			s->too_large = true;
		else {
			snprintf(digits, sizeof(digits), "%.*s", (int)ntext,
			    text);
			s->length = strtoll(digits, NULL, 10);
		}
	} else if (is_name(name, nname, "expect")) {
		s->expects = true;
	} else if (!is_text(text, ntext, ' ')) {
		s->malformed = true;
	} else if (!is_name(name, nname, "te") &&
	    !exchange_headers_add(&s->headers, name, nname, text, ntext)) {
		s->too_large = true;
	}
}

static int
open_inner(struct front_h2_stream *s)
{
	struct front *f = s->h2->front;
	struct err ignored;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		pair) == -1)
		return -1;
	s->inner = pair[0];
	(void)front_http_add(f->http, pair[1], &s->h2->from, NULL);
	return loop_add(f->loop, &s->watch, s->inner, EPOLLIN, inner_ready, s,
	    &ignored);
}

/* Headers that this protocol has apart; the rest is as it came. */
static void
complete_headers(struct front_h2_stream *s)
{
	static const char host[] = "host", cookie[] = "cookie";

	if (s->authority != NULL &&
	    !exchange_headers_add(&s->headers, host, strlen(host), s->authority,
		strlen(s->authority)))
		s->too_large = true;
	if (s->cookie.len > 0 &&
	    !exchange_headers_add(&s->headers, cookie, strlen(cookie),
		s->cookie.data, s->cookie.len))
		s->too_large = true;
}

static void
say_continue(struct front_h2_stream *s)
{
	struct fields f = { .len = 0 };

	add_field(&f, ":status", "100");
	nghttp2_submit_headers(s->h2->session, NGHTTP2_FLAG_NONE, s->id, NULL,
	    f.nv, f.len, NULL);
}

void
front_h2_stream_start(struct front_h2_stream *s, bool whole)
{
	struct exchange_request r = { .query = "", .event = NULL };

	s->begun = true;
	if (whole && s->length == -1)
		s->length = 0;
	complete_headers(s);
	s->head = s->method != NULL && strcmp(s->method, "HEAD") == 0;
	s->malformed |=
	    s->method == NULL || s->path == NULL || s->authority == NULL;
	if (s->too_large || s->malformed) {
		refuse(s, s->too_large ? 431 : 400,
		    s->too_large ? "the head is too long"
				 : "the head is malformed");
		set_timer(s);
		return;
	}
	if (open_inner(s) == -1) {
		fail(s);
		return;
	}
	r.method = s->method;
	r.path = s->path;
	r.headers = &s->headers;
	r.length = s->length;
	exchange_start(&s->exchange, ALEPH_BINARY, EXCHANGE_ONCE, UINT64_MAX,
	    &r);
	if (s->expects)
		say_continue(s);
	pass(s);
}

void
front_h2_stream_data(struct front_h2_stream *s, const void *data, size_t len)
{
	if (s->inner == -1) { /* nobody wants it any more */
		nghttp2_session_consume(s->h2->session, s->id, len);
		return;
	}
	s->unused += len;
	exchange_send(&s->exchange, data, len);
	pass(s);
}

void
front_h2_stream_end(struct front_h2_stream *s)
{
	if (s->said_all)
		return;
	s->said_all = true;
	if (!s->begun)
		return;
	exchange_send_end(&s->exchange);
	pass(s);
	set_timer(s);
}
