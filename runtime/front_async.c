#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/fd.h"
#include "base/str.h"
#include "messages/fetch_msgs.h"
#include "runtime/exchange.h"
#include "runtime/front_request.h"

/* ---- what came of one ---- */

static void
called(void *arg, struct frame *f)
{
	struct front_request *r = arg;

	if (f->type == FRONT_DONE && f->nfds == 1) {
		r->status = buf_get_u32(&f->body);
		r->result = fd_take(&f->fds[0]);
		front_forget(r->front, &r->question);
		r->has_answer = true;
		front_request_wake(r);
		return;
	}
	front_control_answered(arg, f);
}

/* The function's reply, as far as it is kept: its body and its status. */
static enum MHD_Result
queue_result(struct front_request *r)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	char status[16];
	struct err e;
	char *data;
	size_t len;

	if (fd_read_all(r->result, FRONT_BODY_MAX, &data, &len, &e) == -1)
		return front_request_queue_error(r,
		    MHD_HTTP_INTERNAL_SERVER_ERROR, &e);
	response =
	    MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_COPY);
	free(data);
	if (response == NULL)
		return MHD_NO;
	snprintf(status, sizeof(status), "%u", r->status);
	MHD_add_response_header(response, "Content-Type",
	    "application/octet-stream");
	MHD_add_response_header(response, "Cella-Call-Status", status);
	result = front_request_queue(r, MHD_HTTP_OK, response);
	return result;
}

static void
ask_called(struct front_request *r)
{
	buf_auto struct buf b = { 0 };

	buf_put_str(&b, r->route.path);
	front_ask(r->front, &r->question, FRONT_CALLED, &b, NULL, 0, called, r);
	front_request_wait(r);
}

/* ---- a new one ---- */

struct headers {
	struct front_invoke *call;
	bool over;
};

/* Of the connection, or for us. */
static bool
is_ours(const char *name)
{
	return exchange_is_hop_by_hop(name) ||
	    strcasecmp(name, "content-length") == 0 ||
	    strcasecmp(name, "x-call-id") == 0 ||
	    strcasecmp(name, "x-callback-url") == 0 ||
	    strcasecmp(name, "idempotency-key") == 0 ||
	    strcasecmp(name, FRONT_KEY_HEADER) == 0 ||
	    strcasecmp(name, "expect") == 0;
}

static enum MHD_Result
add_header(void *arg, enum MHD_ValueKind kind, const char *name,
    const char *text)
{
	struct headers *h = arg;
	size_t at = h->call->nheaders;

	(void)kind;
	if (is_ours(name))
		return MHD_YES;
	if (at >= FRONT_HEADERS_MAX - 1) {
		h->over = true;
		return MHD_NO;
	}
	h->call->name[at] = name;
	h->call->text[at] = text == NULL ? "" : text;
	h->call->nheaders++;
	return MHD_YES;
}

/* What the caller names it, or nobody can guess. */
static bool
name_call(struct front_request *r, char id[FRONT_CALL_ID])
{
	const char *given = front_request_header(r, "X-Call-Id");
	unsigned char random[16];

	if (given != NULL)
		return route_is_call_id(given) &&
		    str_copy(id, FRONT_CALL_ID, given);
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	str_hex(id, random, sizeof(random));
	return true;
}

static enum MHD_Result
ask_async(struct front_request *r, const char *id)
{
	struct front_invoke call = { .event = "",
		.hash = r->route.hash,
		.method = r->method,
		.path = r->route.path,
		.query = r->route.query };
	struct headers h = { &call, false };
	const char *url = front_request_header(r, "X-Callback-Url");
	char key[SHA256_HEX];
	buf_auto struct buf b = { 0 };
	fd_auto int fd = -1;
	struct err e;

	MHD_get_connection_values(r->connection, MHD_HEADER_KIND, add_header,
	    &h);
	call.name[call.nheaders] = "idempotency-key";
	call.text[call.nheaders++] = id;
	if (url != NULL && strlen(url) >= FETCH_URL_MAX)
		return front_request_fail(r, MHD_HTTP_BAD_REQUEST, ERR_INVALID,
		    "X-Callback-Url: longer than 1024 bytes");
	buf_put_str(&b, id);
	front_key_digest(r, key);
	buf_put_str(&b, key);
	buf_put_str(&b, url == NULL ? "" : url);
	front_msgs_put_invoke(&b, &call);
	if (h.over || b.len > FRONT_CALL_MAX)
		return front_request_fail(r, 431, ERR_INVALID,
		    "more headers than an asynchronous call keeps");
	fd = fd_sealed("body", r->body.data, r->body.len, &e);
	if (fd == -1)
		return front_request_queue_error(r,
		    front_request_status_of(e.code), &e);
	front_ask(r->front, &r->question, FRONT_ASYNC, &b, &fd, 1,
	    front_control_answered, r);
	buf_reset(&r->body);
	front_request_wait(r);
	return MHD_YES;
}

static enum MHD_Result
ask(struct front_request *r)
{
	char id[FRONT_CALL_ID];

	if (r->route.to == ROUTE_CALL) {
		ask_called(r);
		return MHD_YES;
	}
	if (!name_call(r, id))
		return front_request_fail(r, MHD_HTTP_BAD_REQUEST, ERR_INVALID,
		    "X-Call-Id: 1 to 128 letters, digits, '-', '_' and '.'");
	return ask_async(r, id);
}

/* ---- the request ---- */

enum MHD_Result
front_async_start(struct front_request *r, const char *method)
{
	r->async = true;
	r->method = str_dup(method);
	if (r->route.to == ROUTE_CALL && strcmp(method, "GET") != 0)
		return front_request_fail(r, MHD_HTTP_METHOD_NOT_ALLOWED,
		    ERR_INVALID, "not with this method");
	return MHD_YES;
}

static void
take_body(struct front_request *r, const char *data, size_t len)
{
	if (r->body.len + len > FRONT_BODY_MAX) {
		r->over = true;
	} else if (r->front->kept + len > FRONT_KEPT_MAX) {
		r->busy = true; /* others leave as much at the moment */
	} else {
		buf_add(&r->body, data, len);
		r->kept += len;
		r->front->kept += len;
	}
}

enum MHD_Result
front_async_go_on(struct front_request *r, const char *data, size_t *len)
{
	if (*len > 0) {
		take_body(r, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (r->over)
		return front_request_fail(r, MHD_HTTP_CONTENT_TOO_LARGE,
		    ERR_INVALID, "an asynchronous call is at most 10 MiB");
	if (r->busy)
		return front_request_fail(r, MHD_HTTP_SERVICE_UNAVAILABLE,
		    ERR_BUSY, "too many calls are left at the moment");
	if (!r->has_answer)
		return r->question.serial != 0 ? MHD_YES : ask(r);
	if (r->refused)
		return front_request_queue_error(r,
		    front_request_status_of(r->why.code), &r->why);
	if (r->result != -1)
		return queue_result(r);
	return front_request_queue_text(r, MHD_HTTP_ACCEPTED,
	    "application/json", buf_text(&r->body));
}
