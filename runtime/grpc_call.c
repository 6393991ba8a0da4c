#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/grpc_parts.h"

#define STILL_NS (60 * CLOCK_SECOND) /* without a byte, when one is due */
#define LONG ((size_t)64 << 10)      /* of a message that needs room */
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

/* Something of it moves. */
static void
moves(struct grpc_call *c)
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

static void
set_timer(struct grpc_call *c, uint64_t now)
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
	set_timer(c, now);
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
	set_timer(c, c->moved_ns);
	return c;
}

static void
give_room(struct grpc_call *c)
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
	give_room(c);
	grpc_reader_fini(&c->reader);
	buf_fini(&c->unread);
	buf_fini(&c->out);
	free(c->message);
	free(c);
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
	moves(c);
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

/* One that is no gRPC gets an answer of HTTP. */
static void
refuse_http(struct grpc_call *c, const char *status)
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
		moves(c);
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
		moves(c);
	nghttp2_session_consume(c->conn->session, c->id, waiting(&c->unread));
	buf_reset(&c->unread);
	give_room(c);
	go_on(c);
}

/* ---- the request ---- */

static bool
is_name(const char *s, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(s, name, len) == 0;
}

static const struct grpc_method *
find_method(const struct grpc_server *server, const char *path)
{
	const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
	const struct grpc_service *s;

	if (slash == NULL)
		return NULL;
	for (size_t i = 0; i < server->nservices; i++) {
		s = server->service[i];
		if (!is_name(path + 1, (size_t)(slash - path - 1), s->name))
			continue;
		for (size_t k = 0; k < s->nmethods; k++)
			if (strcmp(slash + 1, s->method[k].name) == 0)
				return &s->method[k];
	}
	return NULL;
}

/* As long for a wrong one as for the right one. */
static bool
may_call(const struct grpc_call *c)
{
	static const char scheme[] = "Bearer ";
	const char *token = c->conn->peer.token, *said = c->head.token;
	const size_t n = sizeof(scheme) - 1;
	unsigned char wrong = 0;

	if (token == NULL)
		return true;
	if (strncmp(said, scheme, n) != 0 || strlen(said + n) != strlen(token))
		return false;
	for (size_t i = 0; token[i] != '\0'; i++)
		wrong |= (unsigned char)(token[i] ^ said[n + i]);
	return wrong == 0;
}

void
grpc_call_start(struct grpc_call *c)
{
	const struct grpc_head *h = &c->head;
	const struct grpc_method *m = find_method(c->conn->server, h->path);

	if (!h->post)
		refuse_http(c, "405");
	else if (!h->grpc)
		refuse_http(c, "415");
	else if (m == NULL)
		grpc_call_end(c, GRPC_UNIMPLEMENTED, "unknown method");
	else if (h->malformed)
		grpc_call_end(c, GRPC_INTERNAL,
		    "a field of the head is malformed");
	else if (!m->open && !may_call(c))
		grpc_call_end(c, GRPC_UNAUTHENTICATED,
		    "this needs the node's token");
	if (c->ended)
		return;
	c->method = m;
	grpc_reader_init(&c->reader, m->max);
	if (h->timed) {
		c->deadline_ns = clock_add(c->moved_ns, h->timeout_ns);
		set_timer(c, c->moved_ns);
	}
}

/*
 * What has come of a long message takes room that all connections have in
 * common; what was only promised takes none.
 */
static bool
take_room(struct grpc_call *c)
{
	const struct grpc_server *s = c->conn->server;
	size_t more = c->reader.message.len - c->room;
	char text[96];

	if (c->reader.len <= LONG)
		return true;
	if (*s->kept > s->kept_max || more > s->kept_max - *s->kept) {
		snprintf(text, sizeof(text),
		    "no room for a message of %u bytes now", c->reader.len);
		grpc_call_end(c, GRPC_RESOURCE_EXHAUSTED, text);
		return false;
	}
	c->room += more;
	*s->kept += more;
	return true;
}

static void
refuse_message(struct grpc_call *c, enum grpc_read why)
{
	char text[96];

	if (why == GRPC_READ_TOO_LONG) {
		snprintf(text, sizeof(text),
		    "a message of %u bytes, and no more than %u are taken",
		    c->reader.len, c->reader.max);
		grpc_call_end(c, GRPC_RESOURCE_EXHAUSTED, text);
	} else if (why == GRPC_READ_COMPRESSED && c->head.encoded) {
		grpc_call_end(c, GRPC_UNIMPLEMENTED,
		    "compressed messages are not taken");
	} else {
		grpc_call_end(c, GRPC_INTERNAL,
		    why == GRPC_READ_COMPRESSED
			? "a compressed message, and no encoding is named"
			: "a message with unknown flags");
	}
}

/* Handed over: of a method that does not stream, once it is all. */
static void
tell_message(struct grpc_call *c)
{
	c->told = true;
	c->method->message(c, buf_text(&c->reader.message),
	    c->reader.message.len);
	give_room(c);
	grpc_reader_next(&c->reader);
}

/* How much of it was used. */
static size_t
read_some(struct grpc_call *c, const char *data, size_t len)
{
	size_t all = len;
	enum grpc_read r;

	while (!c->ended && !c->held) {
		if (c->whole && len > 0) {
			grpc_call_end(c, GRPC_INTERNAL,
			    "more than one message");
			break;
		}
		if (c->whole)
			break;
		r = grpc_reader_feed(&c->reader, &data, &len);
		if (r <= GRPC_READ_MESSAGE && !take_room(c))
			break;
		if (r == GRPC_READ_MORE)
			break;
		if (r == GRPC_READ_MESSAGE && c->method->streams)
			tell_message(c);
		else if (r == GRPC_READ_MESSAGE)
			c->whole = true;
		else if (r != GRPC_READ_STARTED)
			refuse_message(c, r);
	}
	return c->ended ? all : all - len;
}

static void
read_end(struct grpc_call *c)
{
	if (c->ended || c->method == NULL || c->heard_all || c->held ||
	    !c->said_all || waiting(&c->unread) > 0)
		return;
	c->heard_all = true;
	if (c->whole) {
		tell_message(c);
	} else if (!c->method->streams || !grpc_reader_is_between(&c->reader)) {
		grpc_call_end(c, GRPC_INTERNAL,
		    grpc_reader_is_between(&c->reader)
			? "no message"
			: "a message breaks off");
	} else {
		c->told = true;
		c->method->said_all(c);
	}
}

void
grpc_call_receive(struct grpc_call *c, const char *data, size_t len)
{
	size_t used = len;

	moves(c);
	/* One whose head was refused has no method. */
	if (!c->ended && c->method != NULL) {
		used = waiting(&c->unread) > 0 ? 0 : read_some(c, data, len);
		buf_add(&c->unread, data + used, len - used);
	}
	nghttp2_session_consume(c->conn->session, c->id, used);
}

void
grpc_call_receive_end(struct grpc_call *c)
{
	if (c->said_all)
		return;
	c->said_all = true;
	read_end(c);
}

void
grpc_call_hold(struct grpc_call *c, bool held)
{
	struct buf *b = &c->unread;
	size_t used;

	if (c->held == held || c->ended)
		return;
	c->held = held;
	if (held)
		return;
	used = read_some(c, b->data + b->at, waiting(b));
	if (c->ended) /* it was let go there */
		return;
	b->at += used;
	if (waiting(b) == 0)
		buf_reset(b);
	nghttp2_session_consume(c->conn->session, c->id, used);
	read_end(c);
	wake(c->conn);
}
