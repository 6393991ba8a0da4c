#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "runtime/grpc_parts.h"

#define LONG ((size_t)64 << 10) /* of a message that needs room */

static size_t
waiting(const struct buf *b)
{
	return b->len - b->at;
}

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
grpc_request_start(struct grpc_call *c)
{
	const struct grpc_head *h = &c->head;
	const struct grpc_method *m = find_method(c->conn->server, h->path);

	if (!h->post)
		grpc_call_refuse(c, "405");
	else if (!h->grpc)
		grpc_call_refuse(c, "415");
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
		grpc_call_set_timer(c, c->moved_ns);
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
	grpc_call_give_room(c);
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
grpc_request_receive(struct grpc_call *c, const char *data, size_t len)
{
	size_t used = len;

	grpc_call_moves(c);
	/* One whose head was refused has no method. */
	if (!c->ended && c->method != NULL) {
		used = waiting(&c->unread) > 0 ? 0 : read_some(c, data, len);
		buf_add(&c->unread, data + used, len - used);
	}
	nghttp2_session_consume(c->conn->session, c->id, used);
}

void
grpc_request_end(struct grpc_call *c)
{
	if (c->said_all)
		return;
	c->said_all = true;
	read_end(c);
}

void
grpc_request_go_on(struct grpc_call *c)
{
	struct buf *b = &c->unread;
	size_t used = read_some(c, b->data + b->at, waiting(b));

	if (c->ended) /* it was let go there */
		return;
	b->at += used;
	if (waiting(b) == 0)
		buf_reset(b);
	nghttp2_session_consume(c->conn->session, c->id, used);
	read_end(c);
}
