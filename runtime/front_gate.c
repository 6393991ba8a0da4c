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
#include "runtime/front.h"
#include "runtime/front_gate.h"
#include "runtime/front_h2.h"
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
	struct front_caller from;
	int caller, inner;     /* -1: closed, or not open yet */
	struct front_tls *tls; /* NULL: the caller has none */
	struct loop_watch caller_watch, inner_watch;
	struct loop_timer timer, more;
	int library;         /* the other end of inner; -1: it is closed */
	bool decided;        /* which protocol he speaks */
	struct buf first;    /* his first bytes, until then */
	struct front_h2 *h2; /* NULL: HTTP/1.1 */
	struct gate gate;
	struct buf up, down; /* to the library, to the caller */
	uint64_t idle_since; /* HTTP/2: when it had a stream last */
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
	if (g->library != -1)
		front_http_forget(f->http, g->library);
	front_h2_close(g->h2);
	front_tls_close(g->tls);
	fd_close(&g->caller);
	fd_close(&g->inner);
	gate_fini(&g->gate);
	buf_fini(&g->first);
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
	char *text = front_error_text(ERR_INVALID, g->gate.why);

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
static void h2_woken(void *arg);

static void
too_late(void *arg)
{
	struct front_gate *g = arg;

	/* A caller of HTTP/2 is told. */
	if (g->h2 != NULL && !g->lingering && waiting(&g->down) == 0) {
		front_h2_drain(g->h2);
		h2_woken(g);
		return;
	}
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
	bool streams = g->h2 != NULL && front_h2_streams(g->h2) > 0;
	/* The function's time, or the library's: both have limits. */
	bool theirs = waiting(&g->down) == 0 &&
	    (streams || g->gate.state == GATE_ASKED ||
		g->gate.state == GATE_TUNNEL || g->gate.state == GATE_REFUSED ||
		waiting(&g->up) >= BACKLOG ||
		(g->gate.state == GATE_BETWEEN && g->gate.nheads > 0));

	if (streams || g->idle_since == 0)
		g->idle_since = now;
	if (g->lingering)
		loop_timer_set(g->front->loop, &g->timer, now + LINGER_NS,
		    too_late, g);
	else if (g->head_since != 0)
		loop_timer_set(g->front->loop, &g->timer,
		    g->head_since + HEAD_NS, too_late, g);
	else if (g->h2 != NULL && waiting(&g->down) == 0 && !theirs)
		loop_timer_set(g->front->loop, &g->timer,
		    g->idle_since + STILL_NS, too_late, g);
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

/* Nothing more will be said by us. */
static bool
is_over(const struct front_gate *g)
{
	if (waiting(&g->down) > 0 || g->lingering || !g->decided)
		return false;
	return g->h2 != NULL ? front_h2_is_over(g->h2) : g->inner == -1;
}

static void
plan(struct front_gate *g)
{
	struct loop *l = g->front->loop;
	bool refused = g->gate.state == GATE_REFUSED;
	/* Who does not read what he asked for is not heard. */
	bool hear = waiting(g->h2 != NULL ? &g->down : &g->up) < BACKLOG &&
	    !refused && g->gate.state != GATE_ASKED;

	if (refused && g->inner == -1 && g->gate.why != NULL) {
		write_refusal(g);
		g->gate.why = NULL;
		(void)write_caller(g);
	}
	if (is_over(g)) {
		if (!refused && g->h2 == NULL) {
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

/* ---- the protocols ---- */

/* False: nobody reads what it has to say. */
static bool
send_h2(struct front_gate *g)
{
	do {
		front_h2_send(g->h2, &g->down, BACKLOG);
		if (waiting(&g->down) == 0)
			return true;
		if (!write_caller(g))
			return false;
	} while (waiting(&g->down) == 0);
	return true;
}

static bool
send_caller(struct front_gate *g)
{
	return write_caller(g) && (g->h2 == NULL || send_h2(g));
}

static void
h2_woken(void *arg)
{
	struct front_gate *g = arg;

	if (send_h2(g))
		plan(g);
	else
		end(g);
}

static void
take_http11(struct front_gate *g, const char *data, size_t len)
{
	uint64_t heads = g->gate.nheads;

	if (gate_feed(&g->gate, data, len, &g->up) == 0 &&
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
}

/* 0: it is over. */
static int
take(struct front_gate *g, const char *data, size_t len)
{
	if (g->h2 == NULL) {
		take_http11(g, data, len);
		return 1;
	}
	(void)front_h2_receive(g->h2, data, len);
	return send_h2(g);
}

static int open_inner(struct front_gate *g);

/* What the first bytes say he speaks. */
static int
take_first(struct front_gate *g, const char *data, size_t len)
{
	static const char preface[] = FRONT_H2_PREFACE;
	struct buf *b = &g->first;
	size_t n = sizeof(preface) - 1;
	int r;

	buf_add(b, data, len);
	if (b->len < n && memcmp(b->data, preface, b->len) == 0)
		return 1;
	g->decided = true;
	if (memcmp(b->data, preface, n) == 0) {
		g->head_since = 0;
		g->h2 = front_h2_open(g->front, &g->from, h2_woken, g);
	} else if (open_inner(g) == -1) {
		return 0;
	}
	r = take(g, b->data, b->len);
	buf_fini(b);
	return r;
}

/* 0: it is over. */
static int
hear_caller(struct front_gate *g)
{
	static char data[PIECE];
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
	return g->decided ? take(g, data, (size_t)n)
			  : take_first(g, data, (size_t)n);
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
	if ((events & EPOLLOUT) != 0 && !send_caller(g)) {
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

/* A connection to the HTTP library, for who speaks HTTP/1.1. */
static int
open_inner(struct front_gate *g)
{
	struct err ignored;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		pair) == -1)
		return -1;
	g->inner = pair[0];
	if (front_http_add(g->front->http, pair[1], &g->from, g))
		g->library = pair[1];
	return loop_add(g->front->loop, &g->inner_watch, g->inner, EPOLLIN,
	    inner_ready, g, &ignored);
}

void
front_gate_open(struct front *f, int fd, enum front_kind kind)
{
	struct front_gate *g = calloc(1, sizeof(*g));
	struct err ignored;

	invariant(g != NULL);
	*g = (struct front_gate){ .front = f,
		.next = f->gates,
		.place = &f->gates,
		.from.kind = kind,
		.caller = fd,
		.inner = -1,
		.library = -1,
		.caller_watch = LOOP_WATCH_NONE,
		.inner_watch = LOOP_WATCH_NONE };
	front_rate_address(fd, &g->from.address);
	if (g->next != NULL)
		g->next->place = &g->next;
	f->gates = g;
	f->ngates++;
	if (kind == FRONT_HTTPS &&
	    (g->tls = front_tls_open(f->keys, fd)) == NULL) {
		end(g);
		return;
	}
	if (loop_add(f->loop, &g->caller_watch, fd, EPOLLIN | EPOLLRDHUP,
		caller_ready, g, &ignored) == -1) {
		end(g);
		return;
	}
	/* The first head is due from the start. */
	g->head_since = clock_mono_ns();
	set_timer(g);
}

bool
front_gate_answer(struct front_gate *g, bool tunnel)
{
	if (g->gate.state != GATE_ASKED)
		return false;
	if (gate_answer(&g->gate, tunnel, &g->up) == -1)
		shut_inner(g);
	write_inner(g);
	plan(g);
	return true;
}

void
front_gate_released(struct front_gate *g)
{
	g->library = -1;
}

void
front_gate_drain(struct front *f)
{
	struct front_gate *g, *next;

	/* Whoever goes asks whether it is time to end, and comes here again. */
	if (f->leaving)
		return;
	f->leaving = true;
	for (g = f->gates; g != NULL; g = next) {
		next = g->next;
		if (g->h2 != NULL) {
			front_h2_drain(g->h2);
			h2_woken(g);
		} else if (!g->decided) {
			end(g);
		} else if (g->gate.state == GATE_BETWEEN) {
			shut_inner(g);
		}
	}
	f->leaving = false;
}

void
front_gate_close_all(struct front *f)
{
	while (f->gates != NULL)
		end(f->gates);
}
