#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fd.h"
#include "messages/aleph.h"
#include "runtime/front_request.h"

/* ---- control ---- */

static void
take_refused(struct front_request *r, struct frame *f)
{
	r->problems = calloc(1, FRONT_PROBLEMS_MAX);
	invariant(r->problems != NULL);
	front_msgs_get_refused(&f->body, &r->why, r->problems);
	r->refused = true;
}

void
front_control_answered(void *arg, struct frame *f)
{
	struct front_request *r = arg;

	if (f->type == FRONT_REFUSED)
		take_refused(r, f);
	else if (f->type == FRONT_PART || f->type == FRONT_DONE)
		buf_add(&r->body, f->body.data + f->body.at,
		    f->body.len - f->body.at);
	if (f->type == FRONT_PART)
		return;
	front_forget(r->front, &r->question);
	r->has_answer = true;
	front_request_wake(r);
}

static enum front_query
query_of(enum route_to to)
{
	switch (to) {
	case ROUTE_RUNS:
		return FRONT_QUERY_RUNS;
	case ROUTE_AUDIT:
		return FRONT_QUERY_AUDIT;
	case ROUTE_CRON:
		return FRONT_QUERY_CRON;
	case ROUTE_JOBS:
		return FRONT_QUERY_JOBS;
	case ROUTE_EXECUTIONS:
		return FRONT_QUERY_EXECUTIONS;
	case ROUTE_USAGE:
		return FRONT_QUERY_USAGE;
	case ROUTE_KEYS:
		return FRONT_QUERY_KEYS;
	case ROUTE_METRICS:
		return FRONT_QUERY_METRICS;
	default:
		return FRONT_QUERY_FUNCTIONS;
	}
}

static bool
is_key(enum route_to to)
{
	return to == ROUTE_KEY_ADD || to == ROUTE_KEY_OPEN ||
	    to == ROUTE_KEY_REVOKE;
}

static enum MHD_Result
ask_core(struct front_request *r)
{
	buf_auto struct buf b = { 0 };
	fd_auto int fd = -1;
	struct err e;

	if (is_key(r->route.to))
		return front_key_ask(r);
	if (r->route.to == ROUTE_MESSAGES || r->route.to == ROUTE_EVENTS) {
		fd = fd_sealed("message", r->body.data, r->body.len, &e);
		if (fd == -1)
			return front_request_queue_error(r,
			    front_request_status_of(e.code), &e);
		front_ask(r->front, &r->question,
		    r->route.to == ROUTE_EVENTS ? FRONT_EVENT : FRONT_PUBLISH,
		    NULL, &fd, 1, front_control_answered, r);
	} else if (r->route.to == ROUTE_STOP || r->route.to == ROUTE_INSPECT) {
		buf_put_str(&b, r->route.path);
		front_ask(r->front, &r->question,
		    r->route.to == ROUTE_STOP ? FRONT_STOP : FRONT_INSPECT, &b,
		    NULL, 0, front_control_answered, r);
	} else {
		buf_put_u8(&b, (uint8_t)query_of(r->route.to));
		front_ask(r->front, &r->question, FRONT_QUERY, &b, NULL, 0,
		    front_control_answered, r);
	}
	buf_reset(&r->body); /* the answer comes in its place */
	front_request_wait(r);
	return MHD_YES;
}

static enum MHD_Result
queue_key(struct front_request *r)
{
	char *text = front_key_answer(r);
	enum MHD_Result result =
	    front_request_queue_text(r, MHD_HTTP_OK, "application/json", text);

	free(text);
	return result;
}

enum MHD_Result
front_control_go_on(struct front_request *r, const char *data, size_t *len)
{
	if (*len > 0) {
		/* Read to its end, so that the answer can be read too. */
		if (r->body.len + *len > ALEPH_SIZE_MAX)
			r->over = true;
		else
			buf_add(&r->body, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (r->over)
		return front_request_fail(r, MHD_HTTP_CONTENT_TOO_LARGE,
		    ERR_INVALID, "a message is at most 1 MiB");
	if (!r->has_answer)
		return r->question.serial != 0 ? MHD_YES : ask_core(r);
	if (r->refused)
		return front_request_queue_error(r,
		    front_request_status_of(r->why.code), &r->why);
	if (r->route.to == ROUTE_KEY_ADD)
		return queue_key(r);
	return front_request_queue_text(r, MHD_HTTP_OK,
	    r->route.to == ROUTE_METRICS
		? "text/plain; version=0.0.4; charset=utf-8"
		: "application/json",
	    buf_text(&r->body));
}

static bool
same(const char *a, const char *b, size_t n)
{
	unsigned char differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

static bool
may_control(const struct front_request *r)
{
	const char *token = r->front->rules.token, *given;

	if (r->control)
		return true;
	given = front_request_header(r, "Authorization");
	return given != NULL && strncasecmp(given, "Bearer ", 7) == 0 &&
	    strlen(given + 7) == strlen(token) &&
	    same(given + 7, token, strlen(token));
}

/* What changes something, and is not only read. */
static bool
is_posted(enum route_to to)
{
	return to == ROUTE_MESSAGES || to == ROUTE_EVENTS || to == ROUTE_STOP ||
	    is_key(to);
}

enum MHD_Result
front_control_start(struct front_request *r, const char *method)
{
	bool post = strcmp(method, "POST") == 0;

	/* Who may read metrics is decided by where they are. */
	if (r->route.to != ROUTE_METRICS && route_is_control(r->route.to) &&
	    !may_control(r))
		return front_request_fail(r, MHD_HTTP_UNAUTHORIZED, ERR_DENIED,
		    "the token of this node, or its socket, is needed");
	if (post ? !is_posted(r->route.to)
		 : strcmp(method, "GET") != 0 ||
		    (is_posted(r->route.to) && r->route.to != ROUTE_MESSAGES))
		return front_request_fail(r, MHD_HTTP_METHOD_NOT_ALLOWED,
		    ERR_INVALID, "not with this method");
	/* The list of functions is what GET of the messages is. */
	if (!post && r->route.to == ROUTE_MESSAGES)
		r->route.to = ROUTE_FUNCTIONS;
	return r->route.to == ROUTE_EXEC ? front_exec_start(r) : MHD_YES;
}
