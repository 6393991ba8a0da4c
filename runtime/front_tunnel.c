/*
 * A WebSocket between a caller and a function (RFC 6455): from the function's
 * 101 on, bytes go both ways as they come, for as long as the machine may run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "runtime/front_call.h"
#include "runtime/front_request.h"

#define PIECE ((size_t)32 << 10)

struct tunnel {
	struct front *front;
	struct front_call *call;
	struct MHD_UpgradeResponseHandle *handle;
	int sock; /* the library's */
	struct loop_watch watch;
	struct loop_timer soon;
};

static void
end(struct tunnel *t)
{
	struct err ignored;

	loop_timer_stop(t->front->loop, &t->soon);
	loop_remove(t->front->loop, &t->watch);
	/* Whoever ended it: that is how it ends. */
	if (!t->call->failed)
		(void)exchange_receive_end(&t->call->exchange, &ignored);
	front_call_leave(t->call);
	MHD_upgrade_action(t->handle, MHD_UPGRADE_ACTION_CLOSE);
	front_http_run_soon(t->front->http);
	free(t);
}

static struct buf *
body_of(struct tunnel *t)
{
	return &t->call->exchange.body;
}

/* False: the caller is gone. */
static bool
write_caller(struct tunnel *t)
{
	struct buf *b = body_of(t);
	ssize_t n;

	if (b->len == b->at)
		return true;
	n = send(t->sock, b->data + b->at, b->len - b->at, MSG_NOSIGNAL);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	b->at += (size_t)n;
	front_call_taken(t->call);
	return true;
}

static bool
read_caller(struct tunnel *t)
{
	static char data[PIECE];
	ssize_t n = recv(t->sock, data, sizeof(data), 0);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	front_call_send(t->call, data, (size_t)n);
	return n > 0;
}

/* Everything that the function said is passed on before its end is. */
static bool
is_over(struct tunnel *t)
{
	const struct front_call *c = t->call;

	return c->failed ||
	    (c->exchange.complete && body_of(t)->len == body_of(t)->at);
}

static void
look(void *arg)
{
	struct tunnel *t = arg;
	struct buf *b = body_of(t);

	if (!write_caller(t) || is_over(t)) {
		end(t);
		return;
	}
	loop_set(t->front->loop, &t->watch,
	    (front_call_has_room(t->call) ? EPOLLIN : 0U) |
		(b->len > b->at ? EPOLLOUT : 0U));
}

/* The call may be in the middle of something: this is its own turn. */
static void
changed(void *arg)
{
	struct tunnel *t = arg;

	loop_timer_set(t->front->loop, &t->soon, 0, look, t);
}

static void
caller_ready(void *arg, uint32_t events)
{
	struct tunnel *t = arg;

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 &&
	    !read_caller(t)) {
		end(t);
		return;
	}
	look(t);
}

static void
start(void *arg, struct MHD_Connection *connection, void *request,
    const char *early, size_t nearly, MHD_socket sock,
    struct MHD_UpgradeResponseHandle *handle)
{
	struct front_request *r = arg;
	struct tunnel *t = calloc(1, sizeof(*t));
	struct err ignored;

	(void)connection;
	(void)request;
	invariant(t != NULL);
	*t = (struct tunnel){ .front = r->front,
		.call = r->call,
		.handle = handle,
		.sock = sock,
		.watch = LOOP_WATCH_NONE };
	r->call = NULL;
	front_call_hand_over(t->call, changed, t);
	front_call_send(t->call, early, nearly);
	if (loop_add(t->front->loop, &t->watch, sock, EPOLLIN, caller_ready, t,
		&ignored) == -1)
		end(t);
	else
		changed(t);
}

enum MHD_Result
front_tunnel_queue(struct front_request *r)
{
	struct MHD_Response *response =
	    MHD_create_response_for_upgrade(start, r);
	const struct exchange_headers *h = &r->call->exchange.headers;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, "Upgrade", "websocket");
	for (size_t i = 0; i < h->len; i++)
		if (!exchange_is_hop_by_hop(h->item[i].name) &&
		    strcasecmp(h->item[i].name, "date") != 0)
			MHD_add_response_header(response, h->item[i].name,
			    h->item[i].text);
	MHD_add_response_header(response, "Aleph-Program-ItemHash",
	    r->route.hash);
	return front_request_queue(r, MHD_HTTP_SWITCHING_PROTOCOLS, response);
}
