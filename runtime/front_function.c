#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "runtime/front_call.h"
#include "runtime/front_request.h"

/* Of a reply, at a time. */
#define CHUNK ((size_t)64 << 10)

static void
call_changed(void *arg)
{
	front_request_wake(arg);
}

/* ---- a function's reply ---- */

static ssize_t
read_body(void *arg, uint64_t pos, char *out, size_t max)
{
	struct front_request *r = arg;
	struct front_call *c = r->call;
	struct buf *b = &c->exchange.body;
	size_t n = b->len - b->at < max ? b->len - b->at : max;

	(void)pos;
	if (n > 0) {
		memcpy(out, b->data + b->at, n);
		b->at += n;
		front_call_taken(c);
		return (ssize_t)n;
	}
	if (c->failed || r->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (c->exchange.complete &&
	    (c->exchange.interface != ALEPH_EXEC || c->ended))
		return MHD_CONTENT_READER_END_OF_STREAM;
	front_request_wait(r);
	return 0;
}

/* All of it is here, or the function told how much it is. */
static uint64_t
length_of(const struct exchange *x)
{
	if (x->length != -1)
		return (uint64_t)x->length;
	return x->complete ? x->body.len - x->body.at : MHD_SIZE_UNKNOWN;
}

static void
add_headers(struct MHD_Response *response, const struct exchange *x)
{
	bool typed = false;

	for (size_t i = 0; i < x->headers.len; i++) {
		const struct exchange_header *h = &x->headers.item[i];

		if (exchange_is_hop_by_hop(h->name) ||
		    strcasecmp(h->name, "date") == 0)
			continue;
		typed |= strcasecmp(h->name, "content-type") == 0;
		MHD_add_response_header(response, h->name, h->text);
	}
	if (!typed && x->status == 0)
		MHD_add_response_header(response, "Content-Type",
		    "text/plain; charset=utf-8");
}

static enum MHD_Result
queue_reply(struct front_request *r)
{
	struct front_call *c = r->call;
	struct MHD_Response *response;

	if (c->exchange.phase == EXCHANGE_TUNNEL)
		return front_tunnel_queue(r);
	if (c->failed && c->too_long)
		return front_request_queue_error(r, MHD_HTTP_CONTENT_TOO_LARGE,
		    &c->why);
	if (c->failed)
		return front_request_queue_error(r,
		    front_request_status_of(c->why.code), &c->why);
	if (!c->exchange.complete && c->exchange.phase == EXCHANGE_END)
		return front_request_fail(r, MHD_HTTP_BAD_GATEWAY, ERR_GUEST,
		    "the function failed");
	response = MHD_create_response_from_callback(length_of(&c->exchange),
	    CHUNK, read_body, r, NULL);
	if (response == NULL)
		return MHD_NO;
	add_headers(response, &c->exchange);
	MHD_add_response_header(response, "Aleph-Program-ItemHash",
	    r->route.hash);
	return front_request_queue(r,
	    c->exchange.status == 0 ? MHD_HTTP_OK
				    : (unsigned)c->exchange.status,
	    response);
}

/* ---- a function's request ---- */

static enum MHD_Result
add_header(void *arg, enum MHD_ValueKind kind, const char *name,
    const char *text)
{
	struct exchange_headers *h = arg;

	(void)kind;
	/* The key is between the caller and us. */
	if (!exchange_is_hop_by_hop(name) &&
	    strcasecmp(name, FRONT_KEY_HEADER) != 0)
		(void)exchange_headers_add(h, name, strlen(name),
		    text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
	return MHD_YES;
}

void
front_function_start(struct front_request *r, const char *method)
{
	struct exchange_headers headers = { 0 };
	struct exchange_request q = { method, r->route.path, r->route.query,
		&headers, front_request_length(r), r->upgrade, NULL };

	char key[SHA256_HEX];

	front_key_digest(r, key);
	MHD_get_connection_values(r->connection, MHD_HEADER_KIND, add_header,
	    &headers);
	r->call = front_call_start(r->front, r->route.hash, key, 0, &q,
	    call_changed, r);
	exchange_headers_fini(&headers);
}

enum MHD_Result
front_function_go_on(struct front_request *r, const char *data, size_t *len)
{
	if (*len > 0) {
		if (!front_call_has_room(r->call)) {
			front_request_wait(r);
			return MHD_YES;
		}
		front_call_send(r->call, data, *len);
		*len = 0;
		return MHD_YES;
	}
	/* Of a tunnel it is the beginning. */
	if (!r->upgrade ||
	    (front_call_has_answer(r->call) &&
		r->call->exchange.phase != EXCHANGE_TUNNEL))
		front_call_send_end(r->call);
	if (front_call_has_answer(r->call))
		return queue_reply(r);
	front_request_wait(r);
	return MHD_YES;
}
