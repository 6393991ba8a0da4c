#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "messages/json.h"
#include "messages/launch_msgs.h"
#include "messages/value.h"
#include "messages/websocket.h"
#include "runtime/front_exec.h"
#include "runtime/front_request.h"
#include "runtime/record_parts.h"

#define BACKLOG ((size_t)128 << 10)  /* kept for who is slower */
#define LINGER_NS (2 * CLOCK_SECOND) /* for the other side's close */

/* What the program writes: read here, sent on a channel. */
struct stream {
	struct front_exec *exec;
	enum front_exec_channel channel;
	int fd; /* -1: it is over */
	struct loop_watch watch;
};

struct front_exec {
	struct front *front;
	struct front_request *request; /* until there is a tunnel */
	struct front_question question;
	bool joined, refused, ended, said;
	struct err why;
	struct front_ended how;
	int in; /* -1: closed */
	bool in_over;
	struct buf pending; /* for it */
	struct loop_watch in_watch;
	struct stream out, err;
	struct websocket ws;
	struct MHD_UpgradeResponseHandle *handle;
	int sock; /* the library's; -1: no tunnel yet */
	struct loop_watch watch;
	struct loop_timer soon, linger;
	bool broken; /* the caller's frames are none: nothing more is read */
};

static size_t
waiting(const struct buf *b)
{
	return b->len - b->at;
}

static void
close_stream(struct stream *s)
{
	loop_remove(s->exec->front->loop, &s->watch);
	fd_close(&s->fd);
}

static void
close_in(struct front_exec *x)
{
	loop_remove(x->front->loop, &x->in_watch);
	fd_close(&x->in);
	buf_reset(&x->pending);
}

void
front_exec_leave(struct front_exec *x)
{
	if (x->question.serial != 0 && !x->refused && !x->ended)
		front_tell(x->front, &x->question, FRONT_LEFT, NULL);
	front_forget(x->front, &x->question);
	loop_timer_stop(x->front->loop, &x->soon);
	loop_timer_stop(x->front->loop, &x->linger);
	loop_remove(x->front->loop, &x->watch);
	close_in(x);
	close_stream(&x->out);
	close_stream(&x->err);
	buf_fini(&x->pending);
	websocket_fini(&x->ws);
	if (x->sock != -1) {
		MHD_upgrade_action(x->handle, MHD_UPGRADE_ACTION_CLOSE);
		front_http_run_soon(x->front->http);
	}
	free(x);
}

/* ---- to the caller ---- */

static void
send_piece(struct front_exec *x, enum front_exec_channel channel,
    const void *data, size_t n)
{
	char piece[1 + FRONT_EXEC_PIECE];

	piece[0] = (char)channel;
	memcpy(piece + 1, data, n);
	websocket_send(&x->ws, WEBSOCKET_BINARY, piece, n + 1);
}

/* Once the program has ended, what is there now is all that it wrote: others
 * in the machine may have its streams. */
static void
read_stream(struct front_exec *x, struct stream *s)
{
	static char data[FRONT_EXEC_PIECE];
	ssize_t n;

	while (s->fd != -1 && waiting(&x->ws.out) < BACKLOG) {
		n = read(s->fd, data, sizeof(data));
		if (n == -1 && errno == EINTR)
			continue;
		if (n > 0)
			send_piece(x, s->channel, data, (size_t)n);
		else if (n == 0 || errno != EAGAIN || x->ended)
			close_stream(s);
		else
			return;
	}
}

static void
say_end(struct front_exec *x)
{
	const struct launch_exited end = { .end = x->how.end,
		.code = x->how.code };
	value_auto struct value *v = value_new(VALUE_MAP);
	char *text;

	if (!x->ended || x->said || x->out.fd != -1 || x->err.fd != -1)
		return;
	x->said = true;
	record_parts_end(v, &end);
	text = json_emit(v, JSON_AS_LINE);
	send_piece(x, FRONT_EXEC_END, text, strlen(text));
	free(text);
	websocket_close(&x->ws, WEBSOCKET_NORMAL);
}

/* False: the caller is gone. */
static bool
write_caller(struct front_exec *x)
{
	struct buf *b = &x->ws.out;
	ssize_t n;

	if (waiting(b) == 0)
		return true;
	n = send(x->sock, b->data + b->at, waiting(b), MSG_NOSIGNAL);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	b->at += (size_t)n;
	if (b->at == b->len)
		buf_reset(b);
	return true;
}

/* ---- from the caller ---- */

static void
take_message(struct front_exec *x, enum websocket_kind kind)
{
	const struct buf *b = &x->ws.message;
	uint8_t channel = b->len == 0 ? 1 : (uint8_t)b->data[0];

	if (kind == WEBSOCKET_BINARY && channel == FRONT_EXEC_STDIN) {
		if (x->in != -1 && !x->in_over)
			buf_add(&x->pending, b->data + 1, b->len - 1);
	} else if (kind == WEBSOCKET_BINARY && channel == FRONT_EXEC_CLOSE &&
	    b->len == 2 && b->data[1] == FRONT_EXEC_STDIN) {
		x->in_over = true;
	} else {
		websocket_close(&x->ws, WEBSOCKET_PROTOCOL);
	}
}

static void
write_in(struct front_exec *x)
{
	struct buf *b = &x->pending;
	ssize_t n;

	if (x->in != -1 && waiting(b) > 0) {
		n = write(x->in, b->data + b->at, waiting(b));
		if (n > 0)
			b->at += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			close_in(x); /* it reads no more */
	}
	if (b->at == b->len)
		buf_reset(b);
	if (x->in_over && waiting(b) == 0)
		close_in(x);
}

/* After a close only the other side's is waited for. */
static void
take_messages(struct front_exec *x)
{
	enum websocket_kind kind;
	struct err ignored; /* the caller is told by a frame */
	int r = 1;

	while (r == 1 && !x->broken &&
	    (waiting(&x->pending) < BACKLOG || x->ws.closing)) {
		r = websocket_next(&x->ws, &kind, &ignored);
		if (r == 1 && !x->ws.closing)
			take_message(x, kind);
		x->broken |= r == -1;
	}
}

/* False: the caller is gone. */
static bool
read_caller(struct front_exec *x)
{
	static char data[FRONT_EXEC_PIECE];
	ssize_t n = recv(x->sock, data, sizeof(data), 0);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	if (!x->broken)
		websocket_take(&x->ws, data, (size_t)n);
	return n > 0;
}

/* ---- both ---- */

static void
plan(struct front_exec *x)
{
	struct loop *l = x->front->loop;
	bool out = waiting(&x->ws.out) < BACKLOG;
	bool in = waiting(&x->pending) < BACKLOG || x->ws.closing;

	loop_set(l, &x->watch,
	    (in ? EPOLLIN : 0U) | (waiting(&x->ws.out) > 0 ? EPOLLOUT : 0U));
	loop_set(l, &x->in_watch, waiting(&x->pending) > 0 ? EPOLLOUT : 0U);
	loop_set(l, &x->out.watch, out ? EPOLLIN : 0U);
	loop_set(l, &x->err.watch, out ? EPOLLIN : 0U);
}

static void
too_late(void *arg)
{
	front_exec_leave(arg);
}

/* Everything is said.  Closed with bytes unread, a connection may lose what it
 * said last (RFC 6455, 7.1.1). */
static bool
is_over(struct front_exec *x)
{
	if (!x->ws.closing || waiting(&x->ws.out) > 0)
		return false;
	if (x->linger.place == 0)
		loop_timer_set(x->front->loop, &x->linger,
		    clock_mono_ns() + LINGER_NS, too_late, x);
	return x->ws.closed && !x->broken;
}

static void
look(void *arg)
{
	struct front_exec *x = arg;

	if (x->sock == -1)
		return;
	take_messages(x);
	write_in(x);
	read_stream(x, &x->out);
	read_stream(x, &x->err);
	say_end(x);
	if (!write_caller(x) || is_over(x))
		front_exec_leave(x);
	else
		plan(x);
}

/* Whoever calls this may be in the middle of something: its own turn. */
static void
look_soon(struct front_exec *x)
{
	loop_timer_set(x->front->loop, &x->soon, 0, look, x);
}

/* A hang-up is told whatever is asked: what is left is read when there is room.
 */
static void
stream_ready(void *arg, uint32_t events)
{
	struct stream *s = arg;

	if ((events & EPOLLIN) == 0)
		loop_remove(s->exec->front->loop, &s->watch);
	look_soon(s->exec);
}

static void
in_ready(void *arg, uint32_t events)
{
	struct front_exec *x = arg;

	if ((events & (EPOLLERR | EPOLLHUP)) != 0)
		close_in(x);
	look_soon(x);
}

static void
caller_ready(void *arg, uint32_t events)
{
	struct front_exec *x = arg;

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 &&
	    !read_caller(x)) {
		front_exec_leave(x);
		return;
	}
	look(x);
}

/* ---- the start ---- */

static void
take_streams(struct front_exec *x, struct frame *f)
{
	invariant(f->nfds == 3);
	x->in = fd_take(&f->fds[0]);
	x->out.fd = fd_take(&f->fds[1]);
	x->err.fd = fd_take(&f->fds[2]);
	x->joined = true;
}

static void
answered(void *arg, struct frame *f)
{
	struct front_exec *x = arg;

	if (f->type == FRONT_REFUSED) {
		x->refused = true;
		front_msgs_get_refused(&f->body, &x->why,
		    (char[FRONT_PROBLEMS_MAX]){ 0 });
	} else if (f->type == FRONT_JOINED) {
		take_streams(x, f);
	} else {
		x->ended = true;
		front_msgs_get_ended(&f->body, &x->how);
	}
	if (x->request != NULL)
		front_request_wake(x->request);
	else
		look_soon(x);
}

static bool
watch(struct front_exec *x)
{
	struct loop *l = x->front->loop;
	struct err ignored;

	return loop_add(l, &x->watch, x->sock, EPOLLIN, caller_ready, x,
		   &ignored) == 0 &&
	    loop_add(l, &x->in_watch, x->in, 0, in_ready, x, &ignored) == 0 &&
	    loop_add(l, &x->out.watch, x->out.fd, EPOLLIN, stream_ready,
		&x->out, &ignored) == 0 &&
	    loop_add(l, &x->err.watch, x->err.fd, EPOLLIN, stream_ready,
		&x->err, &ignored) == 0;
}

static void
start(void *arg, struct MHD_Connection *connection, void *request,
    const char *early, size_t nearly, MHD_socket sock,
    struct MHD_UpgradeResponseHandle *handle)
{
	struct front_request *r = arg;
	struct front_exec *x = r->exec;

	(void)connection;
	(void)request;
	r->exec = NULL;
	x->request = NULL;
	x->sock = sock;
	x->handle = handle;
	websocket_init(&x->ws, false, 1 + FRONT_EXEC_PIECE, 1);
	websocket_take(&x->ws, early, nearly);
	if (watch(x))
		look_soon(x);
	else
		front_exec_leave(x);
}

static enum MHD_Result
queue_tunnel(struct front_request *r)
{
	struct MHD_Response *response =
	    MHD_create_response_for_upgrade(start, r);
	char accept[WEBSOCKET_ACCEPT];

	if (response == NULL)
		return MHD_NO;
	websocket_accept(front_request_header(r, "Sec-WebSocket-Key"), accept);
	MHD_add_response_header(response, "Upgrade", "websocket");
	MHD_add_response_header(response, "Sec-WebSocket-Accept", accept);
	return front_request_queue(r, MHD_HTTP_SWITCHING_PROTOCOLS, response);
}

enum MHD_Result
front_exec_go_on(struct front_request *r)
{
	struct front_exec *x = r->exec;

	if (x->refused)
		return front_request_queue_error(r,
		    front_request_status_of(x->why.code), &x->why);
	return x->joined ? queue_tunnel(r) : MHD_YES;
}

static void
ask(struct front_request *r, const char **arg, int n)
{
	struct front_exec *x = calloc(1, sizeof(*x));
	buf_auto struct buf b = { 0 };

	invariant(x != NULL);
	*x = (struct front_exec){ .front = r->front,
		.request = r,
		.in = -1,
		.in_watch = LOOP_WATCH_NONE,
		.out = { x, FRONT_EXEC_STDOUT, -1, LOOP_WATCH_NONE },
		.err = { x, FRONT_EXEC_STDERR, -1, LOOP_WATCH_NONE },
		.sock = -1,
		.watch = LOOP_WATCH_NONE };
	r->exec = x;
	buf_put_str(&b, r->route.path);
	buf_put_u8(&b, !r->control);
	buf_put_u32(&b, (uint32_t)n);
	for (int i = 0; i < n; i++)
		buf_put_str(&b, arg[i]);
	front_ask(r->front, &x->question, FRONT_EXEC, &b, NULL, 0, answered, x);
	front_request_wait(r);
}

/* Section 4.2.1 of RFC 6455: what a server must see. */
static bool
is_handshake(const struct front_request *r)
{
	const char *key = front_request_header(r, "Sec-WebSocket-Key");
	const char *version = front_request_header(r, "Sec-WebSocket-Version");

	return r->upgrade && key != NULL && strlen(key) == WEBSOCKET_KEY - 1 &&
	    version != NULL && strcmp(version, "13") == 0;
}

enum MHD_Result
front_exec_start(struct front_request *r)
{
	char room[ROUTE_TARGET_MAX];
	const char *arg[FRONT_ARGS_MAX];
	int n =
	    route_query(r->route.query, "command", room, arg, FRONT_ARGS_MAX);

	if (!is_handshake(r))
		return front_request_fail(r, MHD_HTTP_UPGRADE_REQUIRED,
		    ERR_INVALID, "only over a WebSocket (RFC 6455)");
	if (n <= 0 || arg[0][0] == '\0')
		return front_request_fail(r, MHD_HTTP_BAD_REQUEST, ERR_INVALID,
		    "its query must be command=, for the program and each "
		    "argument");
	ask(r, arg, n);
	return MHD_YES;
}
