#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/frame_link.h"

/* Frames in one turn, so that no conversation starves the others. */
#define TURN_MAX 64

struct frame_link_waiting {
	struct frame_link_waiting *next;
	uint32_t type, serial;
	struct buf body;
	size_t nfds;
	int fds[];
};

static void
free_waiting(struct frame_link_waiting *w)
{
	for (size_t i = 0; i < w->nfds; i++)
		fd_close(&w->fds[i]);
	buf_fini(&w->body);
	free(w);
}

static struct frame_link_waiting *
take_first(struct frame_link *l)
{
	struct frame_link_waiting *w = l->first;

	l->first = w->next;
	if (l->first == NULL)
		l->last = &l->first;
	l->bytes -= w->body.len;
	l->fds -= w->nfds;
	return w;
}

void
frame_link_close(struct frame_link *l)
{
	if (l->sock == -1)
		return;
	loop_remove(l->loop, &l->watch);
	fd_close(&l->sock);
	while (l->first != NULL)
		free_waiting(take_first(l));
}

static void
end(struct frame_link *l, const struct err *why)
{
	frame_link_close(l);
	l->gone(l->arg, why);
}

/* 1: all is sent. */
static int
send_waiting(struct frame_link *l, struct err *e)
{
	struct frame_link_waiting *w;
	int r;

	while ((w = l->first) != NULL) {
		r = frame_try_send(l->sock, w->type, w->serial, &w->body,
		    w->fds, w->nfds, e);
		if (r != 1)
			return r;
		free_waiting(take_first(l));
	}
	loop_set(l->loop, &l->watch, EPOLLIN);
	return 1;
}

/* 1: there may be more; 0: not yet.  l may be closed. */
static int
hear_one(struct frame_link *l, struct err *e)
{
	struct frame f;
	int r = frame_try_recv(l->sock, &f, e);

	if (r == FRAME_NOT_YET)
		return 0;
	if (r == 0)
		return err_set(e, ERR_SYSTEM, "the other side is gone");
	if (r == -1)
		return -1;
	r = l->received(l->arg, &f, e);
	frame_fini(&f);
	return r == -1 ? -1 : 1;
}

static void
ready(void *arg, uint32_t events)
{
	struct frame_link *l = arg;
	struct err e;
	int r = 1;

	if (l->cut) {
		err_set(&e, ERR_SYSTEM, "the other side does not listen");
		end(l, &e);
		return;
	}
	if ((events & EPOLLOUT) != 0 && send_waiting(l, &e) == -1) {
		end(l, &e);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	/* received() may close it. */
	for (int i = 0; i < TURN_MAX && r == 1 && l->sock != -1; i++)
		r = hear_one(l, &e);
	if (r == -1 && l->sock != -1)
		end(l, &e);
}

int
frame_link_open(struct frame_link *l, struct loop *loop, int sock,
    int (*received)(void *, struct frame *, struct err *),
    void (*gone)(void *, const struct err *), void *arg, struct err *e)
{
	*l = (struct frame_link){ .loop = loop,
		.sock = sock,
		.received = received,
		.gone = gone,
		.arg = arg };
	l->last = &l->first;
	if (loop_add(loop, &l->watch, sock, EPOLLIN, ready, l, e) == 0)
		return 0;
	fd_close(&l->sock);
	return -1;
}

/* The owner hears of it on the next turn, and not in the middle of a call. */
static void
cut_off(struct frame_link *l)
{
	l->cut = true;
	shutdown(l->sock, SHUT_RDWR);
}

static void
keep(struct frame_link *l, uint32_t type, uint32_t serial,
    const struct buf *body, const int *fds, size_t nfds)
{
	struct frame_link_waiting *w =
	    calloc(1, sizeof(*w) + nfds * sizeof(w->fds[0]));

	invariant(w != NULL);
	w->type = type;
	w->serial = serial;
	if (body != NULL)
		buf_add(&w->body, body->data, body->len);
	for (; w->nfds < nfds; w->nfds++) {
		w->fds[w->nfds] = fcntl(fds[w->nfds], F_DUPFD_CLOEXEC, 0);
		if (w->fds[w->nfds] == -1) {
			free_waiting(w);
			cut_off(l);
			return;
		}
	}
	l->bytes += w->body.len;
	l->fds += nfds;
	*l->last = w;
	l->last = &w->next;
	loop_set(l->loop, &l->watch, EPOLLIN | EPOLLOUT);
	if (l->bytes > FRAME_LINK_MAX || l->fds > FRAME_LINK_FDS_MAX)
		cut_off(l);
}

void
frame_link_send(struct frame_link *l, uint32_t type, uint32_t serial,
    const struct buf *body, const int *fds, size_t nfds)
{
	struct err ignored;
	int r = 0;

	if (l->sock == -1 || l->cut)
		return;
	if (l->first == NULL)
		r = frame_try_send(l->sock, type, serial, body, fds, nfds,
		    &ignored);
	if (r == 0)
		keep(l, type, serial, body, fds, nfds);
	else if (r == -1)
		cut_off(l);
}
