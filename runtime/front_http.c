#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/front_call.h"
#include "runtime/front_gate.h"
#include "runtime/front_http.h"
#include "runtime/front_request.h"
#include "runtime/gate.h"

/* docs/openapi.json, with a NUL. */
static const char front_openapi[] = {
#include "runtime/openapi.inc"
};

#define IDLE_SECONDS 60U
/* A caller has two: his own, and the end of the pair that the library sees; a
 * run has up to two more. */
#define FDS_MAX ((size_t)(8 * FRONT_GATE_MAX))
/* The library's: one for each caller, or for each of his streams. */
#define CONNECTIONS_MAX ((size_t)(2 * FRONT_GATE_MAX))
/* A head of the greatest size, and what the library keeps beside it. */
#define CONNECTION_BYTES ((size_t)(3 * GATE_HEAD_MAX))

struct front_http {
	struct front *front;
	struct MHD_Daemon *daemon;
	struct loop_watch watch;
	struct loop_timer timer;
	size_t nconnections, nrequests;
	struct {
		struct front_caller from;
		struct front_gate *gate;
	} end[FDS_MAX]; /* by descriptor */
};

/* ---- the loop ---- */

static void
run(void *arg)
{
	struct front_http *h = arg;
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(h->daemon);
	if (h->timer.place == 0 && MHD_get_timeout(h->daemon, &ms) == MHD_YES)
		loop_timer_set(h->front->loop, &h->timer,
		    clock_mono_ns() + ms * (CLOCK_SECOND / 1000), run, h);
}

static void
is_ready(void *arg, uint32_t events)
{
	struct front_http *h = arg;

	(void)events;
	loop_timer_stop(h->front->loop, &h->timer);
	run(h);
}

void
front_http_run_soon(struct front_http *h)
{
	loop_timer_set(h->front->loop, &h->timer, 0, run, h);
}

/* ---- requests ---- */

/* The operator's own are not counted. */
static bool
is_call(const struct front_request *r)
{
	return !r->control &&
	    (r->route.to == ROUTE_FUNCTION || r->route.to == ROUTE_ASYNC);
}

static bool
may_call(struct front_request *r, struct err *why)
{
	struct front_rate *rate = &r->front->rate;

	r->wait_ns = front_rate_take(rate, &r->from.address, clock_mono_ns());
	if (r->wait_ns == 0)
		return true;
	err_set(why, ERR_QUOTA, "an address may call %u times a minute",
	    rate->per_minute);
	return false;
}

static enum MHD_Result
start(struct front_request *r, const char *method)
{
	struct err why;

	if (is_call(r) && !may_call(r, &why))
		return front_request_queue_error(r, MHD_HTTP_TOO_MANY_REQUESTS,
		    &why);
	switch (r->route.to) {
	case ROUTE_FUNCTION:
		front_function_start(r, method);
		return MHD_YES;
	case ROUTE_OPENAPI:
		return front_request_queue_text(r, MHD_HTTP_OK,
		    "application/json", front_openapi);
	case ROUTE_CONFIG:
	case ROUTE_VERSION:
		return front_status_answer(r);
	case ROUTE_HEALTH:
	case ROUTE_READY:
		return front_request_queue_text(r, MHD_HTTP_OK, "text/plain",
		    "ok\n");
	case ROUTE_BAD_HASH:
		return front_request_fail(r, MHD_HTTP_BAD_REQUEST, ERR_INVALID,
		    "not an item hash");
	case ROUTE_MESSAGES:
	case ROUTE_FUNCTIONS:
	case ROUTE_RUNS:
	case ROUTE_STOP:
	case ROUTE_INSPECT:
	case ROUTE_AUDIT:
	case ROUTE_METRICS:
	case ROUTE_CRON:
	case ROUTE_JOBS:
	case ROUTE_EXECUTIONS:
	case ROUTE_USAGE:
	case ROUTE_KEYS:
	case ROUTE_KEY_ADD:
	case ROUTE_KEY_OPEN:
	case ROUTE_KEY_REVOKE:
	case ROUTE_EVENTS:
	case ROUTE_EXEC:
		return front_control_start(r, method);
	case ROUTE_ASYNC:
	case ROUTE_CALL:
		return front_async_start(r, method);
	case ROUTE_NOWHERE:
		break;
	}
	return front_request_fail(r, MHD_HTTP_NOT_FOUND, ERR_NOT_FOUND,
	    "no such path");
}

static struct front_request *
begin(struct front_http *h, struct MHD_Connection *connection)
{
	struct front_request *r = calloc(1, sizeof(*r));
	char **target = MHD_get_connection_info(connection,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			    ->socket_context;

	invariant(r != NULL);
	r->http = h;
	r->front = h->front;
	r->connection = connection;
	r->result = -1;
	r->from = h->end[front_request_fd(r)].from;
	r->upgrade = gate_is_upgrade(front_request_header(r, "Connection"),
	    front_request_header(r, "Upgrade"));
	r->control = r->from.kind == FRONT_CONTROL;
	r->watch = (struct loop_watch)LOOP_WATCH_NONE;
	route_parse(&r->route, *target, front_request_header(r, "Host"),
	    h->front->rules.domain);
	route_limit(&r->route, r->from.kind == FRONT_METRICS);
	h->nrequests++;
	return r;
}

static enum MHD_Result
go_on(struct front_request *r, const char *method, const char *data,
    size_t *len)
{
	enum MHD_Result result;

	if (!r->started) {
		r->started = true;
		result = start(r, method);
		if (result == MHD_NO || r->answered || r->exec != NULL ||
		    front_request_length(r) != 0 || r->call != NULL)
			return result;
	}
	if (r->answered)
		return MHD_YES;
	if (r->call != NULL)
		return front_function_go_on(r, data, len);
	if (r->exec != NULL)
		return front_exec_go_on(r);
	if (r->async)
		return front_async_go_on(r, data, len);
	return front_control_go_on(r, data, len);
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **state)
{
	struct front_request *r = *state;

	(void)url;
	(void)version;
	if (r == NULL) {
		*state = r = begin(arg, connection);
		/* An answer before the request's end closes the connection. */
		if (r->route.to != ROUTE_FUNCTION &&
		    front_request_length(r) == 0)
			return MHD_YES;
	}
	return r->gone ? MHD_NO : go_on(r, method, data, len);
}

/*
 * Called with the target as it came, before anything is decoded.  It is kept
 * with the connection: a head that the library does not like after all never
 * becomes a request that somebody would have to end.
 */
static void *
take_target(void *arg, const char *target, struct MHD_Connection *connection)
{
	char **kept = MHD_get_connection_info(connection,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			  ->socket_context;

	(void)arg;
	free(*kept);
	*kept = str_dup(target);
	return NULL;
}

static void
release_gate(struct front_http *h, struct MHD_Connection *c)
{
	int fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)
		     ->connect_fd;

	if (h->end[fd].gate != NULL)
		front_gate_released(h->end[fd].gate);
	h->end[fd].gate = NULL;
}

static void
connection_changed(void *arg, struct MHD_Connection *c, void **context,
    enum MHD_ConnectionNotificationCode code)
{
	struct front_http *h = arg;
	char **kept = *context;

	(void)c;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		h->nconnections++;
		*context = calloc(1, sizeof(*kept));
		invariant(*context != NULL);
	} else if (kept != NULL) {
		h->nconnections--;
		release_gate(h, c);
		free(*kept);
		free(kept);
	}
}

static void
completed(void *arg, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode code)
{
	struct front_request *r = *state;

	(void)arg;
	(void)connection;
	(void)code;
	if (r == NULL)
		return;
	loop_remove(r->front->loop, &r->watch);
	if (r->call != NULL)
		front_call_leave(r->call);
	if (r->exec != NULL)
		front_exec_leave(r->exec);
	front_forget(r->front, &r->question);
	buf_fini(&r->body);
	free(r->problems);
	free(r->method);
	r->front->kept -= r->kept;
	fd_close(&r->result);
	r->http->nrequests--;
	front_is_idle(r->front);
	free(r);
	*state = NULL;
}

/* A path is bytes: functions decode theirs as they like. */
static size_t
keep_as_it_is(void *arg, struct MHD_Connection *c, char *text)
{
	(void)arg;
	(void)c;
	return strlen(text);
}

struct front_http *
front_http_open(struct front *f, struct err *e)
{
	struct front_http *h = calloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	invariant(h != NULL);
	h->front = f;
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
		MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE,
	    0, NULL, NULL, handle, h, MHD_OPTION_URI_LOG_CALLBACK, take_target,
	    h, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, h,
	    MHD_OPTION_NOTIFY_COMPLETED, completed, h,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_as_it_is, NULL,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (h->daemon == NULL) {
		free(h);
		err_set(e, ERR_SYSTEM, "HTTP: the library does not start");
		return NULL;
	}
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (loop_add(f->loop, &h->watch, info->epoll_fd, EPOLLIN, is_ready, h,
		e) == 0)
		return h;
	MHD_stop_daemon(h->daemon);
	free(h);
	return NULL;
}

void
front_http_close(struct front_http *h)
{
	loop_timer_stop(h->front->loop, &h->timer);
	loop_remove(h->front->loop, &h->watch);
	/* Suspended ones cannot be stopped, and the process ends anyway. */
	if (h->nrequests == 0) {
		MHD_stop_daemon(h->daemon);
		free(h);
	}
}

bool
front_http_has_room(const struct front_http *h)
{
	/* One for every caller who may come. */
	return h->nconnections < CONNECTIONS_MAX - FRONT_GATE_MAX;
}

bool
front_http_add(struct front_http *h, int fd, const struct front_caller *from,
    struct front_gate *g)
{
	if ((size_t)fd >= FDS_MAX) {
		fd_close(&fd);
		return false;
	}
	h->end[fd].from = *from;
	h->end[fd].gate = g;
	front_http_run_soon(h);
	/* It closes what it cannot take. */
	if (MHD_add_connection(h->daemon, fd, NULL, 0) == MHD_YES)
		return true;
	h->end[fd].gate = NULL;
	return false;
}

void
front_http_forget(struct front_http *h, int fd)
{
	h->end[fd].gate = NULL;
}

struct front_gate *
front_http_gate(const struct front_http *h, int fd)
{
	return h->end[fd].gate;
}

bool
front_http_is_idle(const struct front_http *h)
{
	return h->nrequests == 0;
}
