#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/front_gate.h"
#include "runtime/front_request.h"

void
front_request_wake(struct front_request *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	loop_remove(r->front->loop, &r->watch);
	MHD_resume_connection(r->connection);
	front_http_run_soon(r->http);
}

int
front_request_fd(const struct front_request *r)
{
	return MHD_get_connection_info(r->connection,
	    MHD_CONNECTION_INFO_CONNECTION_FD)
	    ->connect_fd;
}

/* Nobody is there to answer: handle() and read_body() end it. */
static void
caller_left(void *arg, uint32_t events)
{
	struct front_request *r = arg;

	(void)events;
	r->gone = true;
	front_request_wake(r);
}

/* The library looks at nobody whom it was told to suspend. */
void
front_request_wait(struct front_request *r)
{
	struct err ignored;

	r->suspended = true;
	MHD_suspend_connection(r->connection);
	(void)loop_add(r->front->loop, &r->watch, front_request_fd(r),
	    EPOLLRDHUP, caller_left, r, &ignored);
}

const char *
front_request_header(const struct front_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND,
	    name);
}

/* -1: chunked. */
long long
front_request_length(const struct front_request *r)
{
	const char *text = front_request_header(r, "Content-Length");

	if (front_request_header(r, "Transfer-Encoding") != NULL)
		return -1;
	return text == NULL ? 0 : strtoll(text, NULL, 10);
}

/* ---- replies ---- */

enum MHD_Result
front_request_queue(struct front_request *r, unsigned status,
    struct MHD_Response *response)
{
	enum MHD_Result result;
	struct front_gate *g;

	r->answered = true;
	if (r->upgrade) {
		g = front_http_gate(r->http, front_request_fd(r));
		if (g != NULL)
			front_gate_answer(g,
			    status == MHD_HTTP_SWITCHING_PROTOCOLS);
	}
	if (r->front->draining)
		MHD_add_response_header(response, "Connection", "close");
	result = MHD_queue_response(r->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static void
add_retry_after(struct MHD_Response *response, uint64_t ns)
{
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%" PRIu64, ns / CLOCK_SECOND + 1);
	MHD_add_response_header(response, "Retry-After", seconds);
}

enum MHD_Result
front_request_queue_text(struct front_request *r, unsigned status,
    const char *type, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE ||
	    status == MHD_HTTP_TOO_MANY_REQUESTS)
		add_retry_after(response, r->wait_ns);
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, "WWW-Authenticate",
		    route_is_control(r->route.to) ? "Bearer" : "Cella-Key");
	return front_request_queue(r, status, response);
}

unsigned
front_request_status_of(enum err_code code)
{
	switch (code) {
	case ERR_INVALID:
		return MHD_HTTP_BAD_REQUEST;
	case ERR_AUTH:
		return MHD_HTTP_UNAUTHORIZED;
	case ERR_DENIED:
		return MHD_HTTP_FORBIDDEN;
	case ERR_NOT_FOUND:
		return MHD_HTTP_NOT_FOUND;
	case ERR_CONFLICT:
		return MHD_HTTP_CONFLICT;
	case ERR_BUSY:
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	case ERR_QUOTA:
		return MHD_HTTP_TOO_MANY_REQUESTS;
	case ERR_TIMEOUT:
		return MHD_HTTP_GATEWAY_TIMEOUT;
	case ERR_GUEST:
		return MHD_HTTP_BAD_GATEWAY;
	case ERR_SYSTEM:
		break;
	}
	return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

enum MHD_Result
front_request_queue_error(struct front_request *r, unsigned status,
    const struct err *why)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	struct value *x = value_set_map(v, "error"), *list;
	enum MHD_Result result;
	struct err ignored;
	char *text;

	value_set_text(x, "code", err_code_name(why->code));
	value_set_text(x, "message", why->text);
	list = r->problems == NULL || r->problems[0] == '\0'
	    ? NULL
	    : json_parse(r->problems, strlen(r->problems), &ignored);
	if (list != NULL)
		value_set(v, "problems", list);
	text = json_emit(v, JSON_AS_LINE);
	result = front_request_queue_text(r, status, "application/json", text);
	free(text);
	return result;
}

enum MHD_Result
front_request_fail(struct front_request *r, unsigned status, enum err_code code,
    const char *text)
{
	struct err why;

	err_set(&why, code, "%s", text);
	return front_request_queue_error(r, status, &why);
}
