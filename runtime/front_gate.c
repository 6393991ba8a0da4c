#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/front.h"
#include "runtime/front_gate.h"
#include "runtime/front_http.h"
#include "runtime/front_tls.h"
#include "runtime/gate.h"

#define PIECE ((size_t)32 << 10)
#define BACKLOG ((size_t)128 << 10)  /* kept for who is slower */
#define HEAD_NS (10 * CLOCK_SECOND)  /* for a whole head */
#define STILL_NS (60 * CLOCK_SECOND) /* without a byte, when one is due */
#define LINGER_NS (2 * CLOCK_SECOND) /* for a refusal to arrive */
#define LINGER_BYTES ((size_t)512 << 10)

struct front_gate {
	struct front *front;
	struct front_gate *next, **place;
	int caller, inner;     /* -1: closed */
	struct front_tls *tls; /* NULL: the caller has none */
	struct loop_watch caller_watch, inner_watch;
	struct loop_timer timer, more;
	struct gate gate;
	struct buf up, down; /* to the library, to the caller */
	uint64_t head_since; /* of the head that is not whole; 0: none */
	bool inner_shut;     /* nothing more goes up */
	bool answering;      /* bytes came down since the last head went up */
	bool lingering;
	size_t lingered;
};

static size_t
waiting(const struct buf *b)
{
	return b->len - b->at;
}

static void
end(struct front_gate *g)
{
	struct front *f = g->front;

	*g->place = g->next;
	if (g->next != NULL)
		g->next->place = g->place;
	loop_timer_stop(f->loop, &g->timer);
	loop_timer_stop(f->loop, &g->more);
	loop_remove(f->loop, &g->caller_watch);
	loop_remove(f->loop, &g->inner_watch);
	front_tls_close(g->tls);
	fd_close(&g->caller);
	fd_close(&g->inner);
	gate_fini(&g->gate);
	buf_fini(&g->up);
	buf_fini(&g->down);
	free(g);
	f->ngates--;
	front_has_room(f);
	front_is_idle(f);
}

/* ---- refusals ---- */

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = { { 400, "Bad Request" }, { 408, "Request Timeout" },
		{ 414, "URI Too Long" }, { 417, "Expectation Failed" },
		{ 431, "Request Header Fields Too Large" },
		{ 501, "Not Implemented" },
		{ 505, "HTTP Version Not Supported" } };

	for (size_t i = 0; i < nitems(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Refused";
}

static void
write_refusal(struct front_gate *g)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	struct value *x = value_set_map(v, "error");
	char *text;

	value_set_text(x, "code", err_code_name(ERR_INVALID));
	value_set_text(x, "message", g->gate.why);
	text = json_emit(v, JSON_AS_LINE);
	buf_printf(&g->down,
	    "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
	    g->gate.status, reason(g->gate.status), strlen(text), text);
	free(text);
}

static void
close_inner(struct front_gate *g)
{
	loop_remove(g->front->loop, &g->inner_watch);
	fd_close(&g->inner);
	buf_reset(&g->up);
}

/*
 * What was let through is answered first; then the refusal follows.  A request
 * that breaks off is nobody's, and if its answer has begun nothing fits there.
 */
static void
shut_inner(struct front_gate *g)
{
	if (g->gate.broken && g->inner != -1) {
		close_inner(g);
		if (g->answering)
			g->gate.why = NULL;
		return;
	}
	if (g->inner == -1 || g->inner_shut || waiting(&g->up) > 0)
		return;
	g->inner_shut = true;
	shutdown(g->inner, SHUT_WR);
}

/* ---- time ---- */

static void plan(struct front_gate *g);

static void
too_late(void *arg)
{
	struct front_gate *g = arg;

	if (g->head_since == 0 || g->gate.state != GATE_HEAD) {
		end(g); /* it stands still, or has only kept a place */
		return;
	}
	g->head_since = 0;
	g->gate.state = GATE_REFUSED;
	g->gate.status = 408;
	g->gate.why = "the head took too long";
	shut_inner(g);
	plan(g);
}

/* A byte is due: the rest of a head, of a body, or room for a reply. */
static void
set_timer(struct front_gate *g)
{
	uint64_t now = clock_mono_ns();
	/* The function's time, or the library's: both have limits. */
	bool theirs = waiting(&g->down) == 0 &&
	    (g->gate.state == GATE_REFUSED || waiting(&g->up) >= BACKLOG ||
		(g->gate.state == GATE_BETWEEN && g->gate.nheads > 0));

	if (g->lingering)
		loop_timer_set(g->front->loop, &g->timer, now + LINGER_NS,
		    too_late, g);
	else if (g->head_since != 0)
		loop_timer_set(g->front->loop, &g->timer,
		    g->head_since + HEAD_NS, too_late, g);
	else if (theirs)
		loop_timer_stop(g->front->loop, &g->timer);
	else
		loop_timer_set(g->front->loop, &g->timer, now + STILL_NS,
		    too_late, g);
}

/* ---- bytes ---- */

/* After a write(2) of its bytes.  False: nobody takes them any more. */
static bool
took(struct buf *b, ssize_t n)
{
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	b->at += (size_t)n;
	if (b->at == b->len)
		buf_reset(b);
	return true;
}

static void
write_inner(struct front_gate *g)
{
	struct buf *b = &g->up;

	if (g->inner != -1 && waiting(b) > 0)
		(void)took(b,
		    send(g->inner, b->data + b->at, waiting(b), MSG_NOSIGNAL));
}

static bool
write_caller(struct front_gate *g)
{
	struct buf *b = &g->down;

	if (waiting(b) == 0)
		return true;
	return took(b,
	    g->tls != NULL
		? front_tls_send(g->tls, b->data + b->at, waiting(b))
		: send(g->caller, b->data + b->at, waiting(b), MSG_NOSIGNAL));
}

/* Everything is said: the caller may still be talking, and must hear it. */
static void
linger(struct front_gate *g)
{
	g->lingering = true;
	if (g->tls != NULL)
		front_tls_bye(g->tls);
	shutdown(g->caller, SHUT_WR);
	set_timer(g);
}

static bool
wants_room(const struct front_gate *g)
{
	if (g->tls != NULL && !front_tls_is_ready(g->tls))
		return front_tls_wants_room(g->tls);
	return waiting(&g->down) > 0;
}

static void hear_more(void *arg);

static void
plan(struct front_gate *g)
{
	struct loop *l = g->front->loop;
	bool refused = g->gate.state == GATE_REFUSED;
	bool hear = waiting(&g->up) < BACKLOG && !refused;

	if (refused && g->inner == -1 && g->gate.why != NULL) {
		write_refusal(g);
		g->gate.why = NULL;
		(void)write_caller(g);
	}
	if (g->inner == -1 && waiting(&g->down) == 0 && !g->lingering) {
		if (!refused) {
			end(g);
			return;
		}
		linger(g);
	}
	/* Who hangs up is heard, whatever else is waited for. */
	loop_set(l, &g->caller_watch,
	    (hear || g->lingering ? EPOLLIN : 0U) | EPOLLRDHUP |
		(wants_room(g) ? EPOLLOUT : 0U));
	/* What TLS has unpacked already is told by no event. */
	if (hear && g->tls != NULL && front_tls_has_more(g->tls))
		loop_timer_set(l, &g->more, 0, hear_more, g);
	loop_set(l, &g->inner_watch,
	    (waiting(&g->down) < BACKLOG ? EPOLLIN : 0U) |
		(waiting(&g->up) > 0 ? EPOLLOUT : 0U));
	set_timer(g);
}

/* 0: it is over. */
static int
hear_caller(struct front_gate *g)
{
	static char data[PIECE];
	uint64_t heads = g->gate.nheads;
	ssize_t n = g->tls != NULL ? front_tls_recv(g->tls, data, sizeof(data))
				   : recv(g->caller, data, sizeof(data), 0);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return 0;
	if (g->lingering) {
		g->lingered += (size_t)n;
		return g->lingered < LINGER_BYTES;
	}
	if (gate_feed(&g->gate, data, (size_t)n, &g->up) == 0 &&
	    g->gate.state == GATE_HEAD) {
		if (g->head_since == 0)
			g->head_since = clock_mono_ns();
	} else {
		g->head_since = 0;
	}
	if (g->gate.nheads != heads)
		g->answering = false;
	write_inner(g);
	if (g->gate.state == GATE_REFUSED)
		shut_inner(g);
	return 1;
}

static void
hear_more(void *arg)
{
	struct front_gate *g = arg;

	if (hear_caller(g) == 0)
		end(g);
	else
		plan(g);
}

static void
caller_ready(void *arg, uint32_t events)
{
	struct front_gate *g = arg;

	/* A handshake reads and writes as it likes. */
	if (g->tls != NULL && !front_tls_is_ready(g->tls) &&
	    (events & EPOLLOUT) != 0)
		events |= EPOLLIN;
	if ((events & EPOLLOUT) != 0 && !write_caller(g)) {
		end(g);
		return;
	}
	if ((events & EPOLLIN) != 0) {
		if (hear_caller(g) == 0) {
			end(g);
			return;
		}
	} else if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
		end(g);
		return;
	}
	plan(g);
}

static void
hear_inner(struct front_gate *g)
{
	static char data[PIECE];
	ssize_t n = recv(g->inner, data, sizeof(data), 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		buf_add(&g->down, data, (size_t)n);
		g->answering = true;
		return;
	}
	close_inner(g);
}

static void
inner_ready(void *arg, uint32_t events)
{
	struct front_gate *g = arg;

	if ((events & EPOLLOUT) != 0) {
		write_inner(g);
		if (g->gate.state == GATE_REFUSED)
			shut_inner(g);
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		hear_inner(g);
	if (!write_caller(g)) {
		end(g);
		return;
	}
	plan(g);
}

/* ---- connections ---- */

static int
watch_both(struct front_gate *g, struct err *e)
{
	struct loop *l = g->front->loop;

	if (loop_add(l, &g->caller_watch, g->caller, EPOLLIN | EPOLLRDHUP,
		caller_ready, g, e) == -1)
		return -1;
	return loop_add(l, &g->inner_watch, g->inner, EPOLLIN, inner_ready, g,
	    e);
}

void
front_gate_open(struct front *f, int fd, enum front_kind kind)
{
	struct front_gate *g = calloc(1, sizeof(*g));
	struct err ignored;
	int pair[2] = { -1, -1 };

	invariant(g != NULL);
	*g = (struct front_gate){ .front = f,
		.next = f->gates,
		.place = &f->gates,
		.caller = fd,
		.inner = -1,
		.caller_watch = LOOP_WATCH_NONE,
		.inner_watch = LOOP_WATCH_NONE };
	if (g->next != NULL)
		g->next->place = &g->next;
	f->gates = g;
	f->ngates++;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		pair) == -1) {
		end(g);
		return;
	}
	g->inner = pair[0];
	front_http_add(f->http, pair[1], kind);
	if (kind == FRONT_HTTPS &&
	    (g->tls = front_tls_open(f->keys, fd)) == NULL) {
		end(g);
		return;
	}
	if (watch_both(g, &ignored) == -1) {
		end(g);
		return;
	}
	/* The first head is due from the start. */
	g->head_since = clock_mono_ns();
	set_timer(g);
}

void
front_gate_drain(struct front *f)
{
	for (struct front_gate *g = f->gates; g != NULL; g = g->next)
		if (g->gate.state == GATE_BETWEEN)
			shut_inner(g);
}

void
front_gate_close_all(struct front *f)
{
	while (f->gates != NULL)
		end(f->gates);
}
