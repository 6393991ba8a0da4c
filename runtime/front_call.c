#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "messages/launch_msgs.h"
#include "runtime/front_call.h"

/* Bytes kept for one that is slower than the other; one that is as fast never
 * sees it. */
#define BACKLOG (256 << 10)

static void
close_ends(struct front_call *c)
{
	loop_remove(c->front->loop, &c->to_watch);
	if (c->from != c->to)
		loop_remove(c->front->loop, &c->from_watch);
	if (c->from == c->to)
		c->from = -1;
	fd_close(&c->to);
	fd_close(&c->from);
}

/* Of exec the end of its output says little: how it ended does. */
static bool
is_whole(const struct front_call *c)
{
	return c->exchange.complete &&
	    (c->exchange.interface != ALEPH_EXEC ||
		(c->ended && c->how.end == LAUNCH_END_EXIT &&
		    c->how.code == 0));
}

/* The connection, if others may follow over it: core has it then. */
static int
take_connection(struct front_call *c)
{
	int fd = -1;

	if (c->connected && c->to != -1 && !c->failed &&
	    exchange_may_follow(&c->exchange)) {
		loop_remove(c->front->loop, &c->to_watch);
		fd = fd_take(&c->to);
		c->from = -1;
	}
	return fd;
}

/* Core need not wait for a machine that nobody talks to. */
static void
let_go(struct front_call *c)
{
	const struct front_left facts = { is_whole(c),
		(uint32_t)c->exchange.status, c->sent, c->exchange.total };
	buf_auto struct buf b = { 0 };
	fd_auto int fd = take_connection(c);

	close_ends(c);
	if (!c->let_go && c->question.serial != 0) {
		front_msgs_put_left(&b, &facts);
		frame_link_send(&c->front->core, FRONT_LEFT, c->question.serial,
		    &b, &fd, fd != -1);
	}
	c->let_go = true;
	if (c->ended)
		front_forget(c->front, &c->question);
}

static void
free_call(struct front_call *c)
{
	let_go(c);
	front_forget(c->front, &c->question);
	c->front->kept -= c->kept;
	exchange_headers_fini(&c->headers);
	exchange_fini(&c->exchange);
	buf_fini(&c->early);
	free(c->method);
	free(c->path);
	free(c->query);
	free(c->event);
	front_is_idle(c->front);
	free(c);
}

static void
changed(struct front_call *c)
{
	if (!c->left)
		c->changed(c->arg);
}

static void
fail(struct front_call *c, const struct err *why)
{
	if (!c->failed) {
		c->failed = true;
		c->why = *why;
	}
	let_go(c);
	changed(c);
}

/* ---- bytes ---- */

static size_t
waiting(const struct buf *b)
{
	return b->len - b->at;
}

/* What is kept for one whose request is not over counts for all of front. */
static void
recount(struct front_call *c)
{
	size_t n = waiting(&c->exchange.body);

	c->front->kept -= c->kept;
	c->kept = n > BACKLOG ? n : 0;
	c->front->kept += c->kept;
}

/*
 * The caller hears nothing before he has said all: a function that answers as
 * it reads would wait for ever for room that nobody makes.
 */
static size_t
room_for_reply(const struct front_call *c)
{
	bool said = (c->request_over && waiting(&c->exchange.out) == 0) ||
	    c->exchange.phase == EXCHANGE_TUNNEL;

	/* The function's limit on bodies holds, too. */
	return said || c->front->kept > FRONT_KEPT_MAX ? BACKLOG : SIZE_MAX;
}

static void
plan(struct front_call *c)
{
	const struct exchange *x = &c->exchange;
	bool out = waiting(&x->out) > 0 && !x->held;
	bool in;

	recount(c);
	in = waiting(&x->body) < room_for_reply(c) || c->left;
	if (c->to == c->from) { /* a socket */
		loop_set(c->front->loop, &c->to_watch,
		    (out ? EPOLLOUT : 0U) | (in ? EPOLLIN : 0U));
		return;
	}
	loop_set(c->front->loop, &c->to_watch, out ? EPOLLOUT : 0U);
	loop_set(c->front->loop, &c->from_watch, in ? EPOLLIN : 0U);
	if (c->to != -1 && x->out_ends && !x->held && waiting(&x->out) == 0) {
		loop_remove(c->front->loop, &c->to_watch);
		fd_close(&c->to);
	}
}

static void
write_some(struct front_call *c)
{
	struct buf *b = &c->exchange.out;
	bool had_room = front_call_has_room(c);
	ssize_t n;

	if (c->to == -1 || c->exchange.held || waiting(b) == 0)
		return;
	n = write(c->to, b->data + b->at, waiting(b));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		/* It reads no more: what it has to say may come yet. */
		buf_reset(b);
		if (c->to != c->from) {
			loop_remove(c->front->loop, &c->to_watch);
			fd_close(&c->to);
		}
		return;
	}
	b->at += (size_t)n;
	if (b->at == b->len)
		buf_reset(b);
	if (!had_room && front_call_has_room(c))
		changed(c);
}

/* What follows the end of a reply: nothing, of a server; the rest ends alone.
 */
static void
end_if_over(struct front_call *c)
{
	if (c->exchange.phase == EXCHANGE_OVER && c->connected)
		let_go(c);
}

static void ask(struct front_call *c);

/*
 * The server closed it just when it was used again, and has seen nothing, or
 * nothing that may not be said twice (RFC 9110, 9.2.2).
 */
static bool
goes_again(struct front_call *c)
{
	if (c->exchange.life != EXCHANGE_NEXT || c->heard || c->left ||
	    c->ended)
		return false;
	close_ends(c);
	front_tell(c->front, &c->question, FRONT_LEFT, NULL);
	front_forget(c->front, &c->question);
	exchange_fini(&c->exchange);
	c->exchange = (struct exchange){ 0 };
	c->admitted = false;
	c->anew = true;
	ask(c);
	return true;
}

static void
read_some(struct front_call *c)
{
	static char data[64 << 10];
	ssize_t n = read(c->from, data, sizeof(data));
	struct err e;
	int r;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 && goes_again(c))
		return;
	c->heard = true;
	if (n > 0) {
		r = exchange_receive(&c->exchange, data, (size_t)n, &e);
	} else {
		r = exchange_receive_end(&c->exchange, &e);
		close_ends(c);
		/* Its end says why: see judge_end().  A server may live on. */
		if (r == -1 && c->connected)
			let_go(c);
		if (r == -1)
			return;
	}
	if (r == -1) {
		fail(c, &e);
		return;
	}
	if (c->left)
		buf_reset(&c->exchange.body);
	end_if_over(c);
	changed(c);
}

static void
to_is_ready(void *arg, uint32_t events)
{
	struct front_call *c = arg;

	if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
		write_some(c);
	if (c->to != -1 && c->to == c->from &&
	    (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
		read_some(c);
	/* A pipe that nobody reads is told as an error, for ever. */
	else if (c->to != -1 && (events & EPOLLERR) != 0) {
		loop_remove(c->front->loop, &c->to_watch);
		fd_close(&c->to);
	}
	if (c->to != -1 || c->from != -1)
		plan(c);
}

static void
from_is_ready(void *arg, uint32_t events)
{
	struct front_call *c = arg;

	(void)events;
	read_some(c);
	if (c->to != -1 || c->from != -1) {
		write_some(c); /* READY lets go what was held */
		plan(c);
	}
}

/* ---- what core says ---- */

static int
take_ends(struct front_call *c, struct frame *f, struct err *e)
{
	struct loop *l = c->front->loop;

	c->to = fd_take(&f->fds[0]);
	c->connected = f->nfds == 1;
	if (c->connected) {
		c->from = c->to;
		return loop_add(l, &c->to_watch, c->to, EPOLLIN, to_is_ready, c,
		    e);
	}
	c->from = fd_take(&f->fds[1]);
	if (loop_add(l, &c->to_watch, c->to, 0, to_is_ready, c, e) == -1)
		return -1;
	return loop_add(l, &c->from_watch, c->from, EPOLLIN, from_is_ready, c,
	    e);
}

static void
hear_admitted(struct front_call *c, struct frame *f)
{
	struct front_admitted a;
	struct err e;

	front_msgs_get_admitted(&f->body, &a);
	c->admitted = true;
	if (!buf_ok(&f->body) || a.interface >= ALEPH_FUNCTIONS ||
	    (f->nfds != 1 && f->nfds != 2) ||
	    (a.interface == ALEPH_BINARY && f->nfds != 1) ||
	    (a.interface == ALEPH_EXEC && f->nfds != 2) ||
	    a.life > (f->nfds == 1 ? EXCHANGE_NEXT : EXCHANGE_ONCE)) {
		err_set(&e, ERR_SYSTEM, "core: malformed frame");
		fail(c, &e);
		return;
	}
	if (c->let_go)
		return; /* its end is all that is wanted yet */
	if (take_ends(c, f, &e) == -1) {
		fail(c, &e);
		return;
	}
	exchange_start(&c->exchange, (enum aleph_interface)a.interface,
	    (enum exchange_life)a.life, a.body_limit, &c->request);
	if (c->early.len > 0)
		front_call_send(c, c->early.data, c->early.len);
	buf_fini(&c->early);
	if (c->request_over)
		exchange_send_end(&c->exchange);
	if (c->to != -1) {
		write_some(c);
		plan(c);
	}
	changed(c);
}

static void
hear_refused(struct front_call *c, struct frame *f)
{
	char *problems = malloc(FRONT_PROBLEMS_MAX);
	struct err e;

	invariant(problems != NULL);
	front_msgs_get_refused(&f->body, &e, problems);
	free(problems);
	front_forget(c->front, &c->question);
	c->ended = true;
	if (c->left)
		free_call(c);
	else
		fail(c, &e);
}

/* It ended without a whole reply, or, of exec, not well: whose fault. */
static void
judge_end(struct front_call *c)
{
	const struct front_ended *x = &c->how;
	struct err e;

	if (c->failed || is_whole(c))
		return;
	if (x->cause == LAUNCH_CAUSE_WALL || x->cause == LAUNCH_CAUSE_CPU)
		err_set(&e, ERR_TIMEOUT,
		    "the function took longer than it may");
	else if (x->oom)
		err_set(&e, ERR_GUEST, "the function ran out of memory");
	else if (x->end == LAUNCH_END_NO_EXEC || x->end == LAUNCH_END_NO_START)
		err_set(&e, ERR_GUEST, "the function could not be started");
	else
		err_set(&e, ERR_GUEST, "the function ended without a reply");
	fail(c, &e);
}

/* The machine is gone; what it wrote before may be in the pipes yet. */
static void
hear_ended(struct front_call *c, struct frame *f)
{
	front_msgs_get_ended(&f->body, &c->how);
	c->ended = true;
	if (c->left) {
		free_call(c);
		return;
	}
	front_call_taken(c);
	changed(c);
}

static void
answered(void *arg, struct frame *f)
{
	struct front_call *c = arg;

	if (f->type == FRONT_ADMITTED && !c->admitted)
		hear_admitted(c, f);
	else if (f->type == FRONT_REFUSED && !c->admitted)
		hear_refused(c, f);
	else if (f->type == FRONT_ENDED && c->admitted)
		hear_ended(c, f);
}

/* ---- for the caller ---- */

/* One that may be said twice, so that it may fail once. */
static bool
may_be_next(const struct front_call *c)
{
	const struct exchange_request *r = &c->request;

	return !c->anew && r->length == 0 && !r->upgrade &&
	    (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0);
}

static void
ask(struct front_call *c)
{
	buf_auto struct buf b = { 0 };

	buf_put_str(&b, c->hash);
	buf_put_str(&b, c->key);
	buf_put_u64(&b, c->job);
	buf_put_u8(&b, may_be_next(c));
	front_ask(c->front, &c->question, FRONT_TRIGGER, &b, NULL, 0, answered,
	    c);
}

struct front_call *
front_call_start(struct front *front, const char *hash, const char *key,
    uint64_t job, const struct exchange_request *r, void (*changed_fn)(void *),
    void *arg)
{
	struct front_call *c = calloc(1, sizeof(*c));

	invariant(c != NULL);
	*c = (struct front_call){ .front = front,
		.job = job,
		.method = str_dup(r->method),
		.path = str_dup(r->path),
		.query = str_dup(r->query),
		.event = r->event == NULL ? NULL : str_dup(r->event),
		.to = -1,
		.from = -1,
		.to_watch = LOOP_WATCH_NONE,
		.from_watch = LOOP_WATCH_NONE,
		.changed = changed_fn,
		.arg = arg };
	for (size_t i = 0; i < r->headers->len; i++)
		(void)exchange_headers_add(&c->headers,
		    r->headers->item[i].name, strlen(r->headers->item[i].name),
		    r->headers->item[i].text, strlen(r->headers->item[i].text));
	c->request = (struct exchange_request){ c->method, c->path, c->query,
		&c->headers, r->length, r->upgrade, c->event };
	invariant(str_copy(c->hash, sizeof(c->hash), hash) &&
	    str_copy(c->key, sizeof(c->key), key));
	ask(c);
	return c;
}

bool
front_call_has_room(const struct front_call *c)
{
	return c->failed || c->ended ||
	    waiting(c->admitted ? &c->exchange.out : &c->early) < BACKLOG;
}

void
front_call_send(struct front_call *c, const void *data, size_t len)
{
	struct err e;

	if (c->failed || c->ended || len == 0)
		return;
	if (!c->admitted) {
		buf_add(&c->early, data, len);
		return;
	}
	c->sent += len;
	if (c->exchange.phase != EXCHANGE_TUNNEL &&
	    c->sent > c->exchange.body_limit) {
		c->too_long = true;
		err_set(&e, ERR_INVALID,
		    "the request is longer than %llu bytes",
		    (unsigned long long)c->exchange.body_limit);
		fail(c, &e);
		return;
	}
	exchange_send(&c->exchange, data, len);
	if (c->to != -1) {
		write_some(c);
		plan(c);
	}
}

void
front_call_send_end(struct front_call *c)
{
	if (c->request_over)
		return;
	c->request_over = true;
	if (!c->admitted || c->failed || c->ended)
		return;
	exchange_send_end(&c->exchange);
	if (c->to != -1) {
		write_some(c);
		plan(c);
	}
}

void
front_call_taken(struct front_call *c)
{
	struct exchange *x = &c->exchange;

	if (x->body.at == x->body.len)
		buf_reset(&x->body);
	while (c->ended && c->from != -1 && waiting(&x->body) < BACKLOG)
		read_some(c);
	if (c->ended && c->from == -1) {
		judge_end(c);
		let_go(c);
	} else if (c->to != -1 || c->from != -1) {
		plan(c);
	}
}

bool
front_call_has_answer(const struct front_call *c)
{
	const struct exchange *x = &c->exchange;

	if (c->failed)
		return true;
	if (!c->admitted)
		return false;
	switch (x->interface) {
	case ALEPH_EXEC:
		/* How it ends is the status, unless it has too much to say. */
		return (c->ended && x->phase == EXCHANGE_OVER) ||
		    waiting(&x->body) >= BACKLOG;
	case ALEPH_ASGI:
		/* An older application's output comes with its end. */
		return x->phase == EXCHANGE_BODY || x->phase >= EXCHANGE_END;
	default:
		return x->phase >= EXCHANGE_BODY;
	}
}

void
front_call_hand_over(struct front_call *c, void (*changed_fn)(void *),
    void *arg)
{
	c->changed = changed_fn;
	c->arg = arg;
}

void
front_call_leave(struct front_call *c)
{
	c->left = true;
	if (c->ended) { /* or refused */
		free_call(c);
		return;
	}
	/* A reply that is complete: the function may end as it is used to. */
	if (!c->admitted || !c->exchange.complete || c->connected) {
		let_go(c);
	} else if (c->to != -1 || c->from != -1) {
		buf_reset(&c->exchange.body);
		exchange_send_end(&c->exchange);
		write_some(c);
		plan(c);
	}
}
