#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
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
#include "runtime/front_grpc.h"
#include "runtime/front_http.h"
#include "runtime/front_invoke.h"
#include "runtime/front_tls.h"

/* Connections in one turn. */
#define ACCEPT_MAX 64

static void
stop(struct front *f, const struct err *why)
{
	if (f->status == 0 && why != NULL) {
		*f->why = *why;
		f->status = -1;
	}
	loop_stop(f->loop);
}

/* ---- core ---- */

static struct front_question **
find(struct front *f, uint32_t serial)
{
	struct front_question **q = &f->question[serial % FRONT_BUCKETS];

	while (*q != NULL && (*q)->serial != serial)
		q = &(*q)->next;
	return q;
}

void
front_ask(struct front *f, struct front_question *q, enum front_type type,
    const struct buf *body, const int *fds, size_t nfds,
    void (*answered)(void *, struct frame *), void *arg)
{
	struct front_question **at;

	do
		f->serial++;
	while (f->serial == 0 || *find(f, f->serial) != NULL);
	*q = (struct front_question){ NULL, f->serial, answered, arg };
	at = find(f, f->serial);
	*at = q;
	frame_link_send(&f->core, type, q->serial, body, fds, nfds);
}

void
front_tell(struct front *f, const struct front_question *q,
    enum front_type type, const struct buf *body)
{
	frame_link_send(&f->core, type, q->serial, body, NULL, 0);
}

void
front_forget(struct front *f, struct front_question *q)
{
	struct front_question **at;

	if (q->serial == 0)
		return;
	at = find(f, q->serial);
	if (*at == q)
		*at = q->next;
	q->serial = 0;
}

/*
 * A new certificate, for callers that come from now on.  One that is no good is
 * told, and the old one stays: a typing error ends no service.
 */
static int
hear_tls(struct front *f, struct frame *frame, struct err *e)
{
	struct front_tls_keys *keys;
	struct err why;

	if (frame->nfds != 2)
		return err_set(e, ERR_SYSTEM, "core: malformed frame");
	keys = front_tls_read(frame->fds[0], frame->fds[1], &why);
	if (keys == NULL) {
		fprintf(stderr, "cella-front: %s: the old one stays\n",
		    why.text);
		return 0;
	}
	front_tls_release(f->keys);
	f->keys = keys;
	return 0;
}

static bool
is_grpc(size_t kind)
{
	return kind == FRONT_GRPC || kind == FRONT_GRPCS;
}

/* To all that have room for one more. */
static void
listen_on(struct front *f)
{
	bool open = f->ruled && !f->draining && !f->full;

	for (size_t i = 0; i < FRONT_KINDS; i++)
		loop_set(f->loop, &f->listener[i].watch,
		    open && (!is_grpc(i) || front_grpc_has_room(f)) ? EPOLLIN
								    : 0U);
}

/* Only from now on callers are let in. */
static int
hear_rules(struct front *f, struct frame *frame, struct err *e)
{
	f->rate.per_minute = buf_get_u32(&frame->body);
	if (!buf_ok(&frame->body))
		return err_set(e, ERR_SYSTEM, "core: malformed frame");
	f->ruled = true;
	listen_on(f);
	return 0;
}

static int
hear_core(void *arg, struct frame *f, struct err *e)
{
	struct front *front = arg;
	struct front_question *q;

	if (f->type == FRONT_RULES)
		return hear_rules(front, f, e);
	if (f->type == FRONT_TLS)
		return hear_tls(front, f, e);
	if (f->type == FRONT_INVOKE)
		return front_invoke_hear(front, f, e);
	q = *find(front, f->serial);
	if (q != NULL)
		q->answered(q->arg, f);
	return 0; /* else nobody asks any more */
}

static void
core_gone(void *arg, const struct err *why)
{
	stop(arg, why);
}

/* ---- callers ---- */

char *
front_error_text(enum err_code code, const char *message)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	struct value *x = value_set_map(v, "error");

	value_set_text(x, "code", err_code_name(code));
	value_set_text(x, "message", message);
	return json_emit(v, JSON_AS_LINE);
}

static bool
may_control(const struct front *f, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	    (peer.uid == f->owner || peer.uid == 0);
}

void
front_has_room(struct front *f)
{
	if (f->ngates < FRONT_GATE_MAX)
		f->full = false;
	listen_on(f);
}

static void
listen_again(void *arg)
{
	front_has_room(arg);
}

/* Until somebody leaves, or a little later: who is not let in waits. */
static void
stop_listening(struct front *f)
{
	f->full = true;
	listen_on(f);
	loop_timer_set(f->loop, &f->again, clock_mono_ns() + CLOCK_SECOND / 10,
	    listen_again, f);
}

static void
accept_some(void *arg, uint32_t events)
{
	static const int on = 1;
	struct front_listener *l = arg;
	int fd;

	(void)events;
	for (int i = 0; i < ACCEPT_MAX; i++) {
		if (is_grpc(l->kind) && !front_grpc_has_room(l->front)) {
			listen_on(l->front);
			return;
		}
		fd = accept4(l->watch.fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1) {
			if (errno != EAGAIN && errno != ECONNABORTED &&
			    errno != EINTR)
				stop_listening(l->front);
			return;
		}
		if (l->kind == FRONT_CONTROL && !may_control(l->front, fd)) {
			fd_close(&fd);
			continue;
		}
		/* A head and its body are two writes: neither waits. */
		if (l->kind != FRONT_CONTROL)
			(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
			    sizeof(on));
		if (is_grpc(l->kind)) {
			front_grpc_open(l->front, fd, l->kind);
			continue;
		}
		front_gate_open(l->front, fd, l->kind);
		if (l->front->ngates >= FRONT_GATE_MAX) {
			stop_listening(l->front);
			return;
		}
	}
}

void
front_is_idle(struct front *f)
{
	if (!f->draining || f->ninvocations > 0 || !front_http_is_idle(f->http))
		return;
	front_gate_drain(f);
	if (f->ngates == 0 && f->grpc.nconns == 0)
		loop_stop(f->loop);
}

/* SIGTERM: nobody new; whoever is here is served to the end. */
static void
hear_signal(void *arg, uint32_t events)
{
	struct front *f = arg;

	(void)events;
	/* Told once; a signal that nobody takes is told at every turn. */
	loop_remove(f->loop, &f->signals);
	f->draining = true;
	for (size_t i = 0; i < FRONT_KINDS; i++)
		loop_remove(f->loop, &f->listener[i].watch);
	front_grpc_drain(f);
	front_is_idle(f);
}

static int
add_listener(struct front *f, enum front_kind kind, int fd, struct err *e)
{
	struct front_listener *l = &f->listener[kind];

	*l = (struct front_listener){ f, LOOP_WATCH_NONE, kind };
	if (fd == -1)
		return 0;
	return loop_add(f->loop, &l->watch, fd, 0, accept_some, l, e);
}

static int
open_all(struct front *f, const struct front_args *a, struct err *e)
{
	f->loop = loop_open(e);
	if (f->loop == NULL ||
	    frame_link_open(&f->core, f->loop, a->core, hear_core, core_gone, f,
		e) == -1)
		return -1;
	front_grpc_init(f);
	f->http = front_http_open(f, e);
	if (f->http == NULL)
		return -1;
	for (int i = 0; i < FRONT_KINDS; i++)
		if (add_listener(f, (enum front_kind)i, a->listener[i], e) ==
		    -1)
			return -1;
	return loop_add(f->loop, &f->signals, a->signals, EPOLLIN, hear_signal,
	    f, e);
}

int
front_serve(const struct front_args *a, struct err *e)
{
	struct front *f = calloc(1, sizeof(*f));
	int r;

	invariant(f != NULL);
	f->why = e;
	f->core.sock = -1;
	f->owner = a->owner;
	if (getrandom(&f->rate.salt, sizeof(f->rate.salt), 0) !=
	    (ssize_t)sizeof(f->rate.salt))
		return err_sys(e, "random bytes");
	f->rules = a->rules;
	f->keys = a->keys;
	r = open_all(f, a, e);
	if (r == 0 && loop_run(f->loop, e) == -1)
		r = -1;
	f->draining = false;
	if (f->loop != NULL) {
		front_gate_close_all(f);
		front_grpc_close_all(f);
	}
	if (f->http != NULL)
		front_http_close(f->http);
	frame_link_close(&f->core);
	front_tls_release(f->keys);
	if (f->status == -1)
		r = -1;
	loop_close(f->loop);
	free(f);
	return r;
}
