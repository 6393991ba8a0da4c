#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"

#define BATCH 64

struct loop {
	int epoll;
	bool stopped;
	struct epoll_event batch[BATCH];
	int at, len;      /* of the batch: what is not called yet */
	uint64_t turn_ns; /* while timers are called: when that began */
	size_t ntimers, room;
	struct loop_timer **heap; /* heap[1] is the first to come */
};

struct loop *
loop_open(struct err *e)
{
	struct loop *l = calloc(1, sizeof(*l));

	invariant(l != NULL);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll != -1)
		return l;
	err_sys(e, "epoll");
	free(l);
	return NULL;
}

void
loop_close(struct loop *l)
{
	if (l == NULL)
		return;
	fd_close(&l->epoll);
	free(l->heap);
	free(l);
}

int
loop_add(struct loop *l, struct loop_watch *w, int fd, uint32_t events,
    void (*fn)(void *, uint32_t), void *arg, struct err *e)
{
	struct epoll_event v = { events, { .ptr = w } };

	*w = (struct loop_watch){ fd, events, fn, arg };
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &v) == 0)
		return 0;
	w->fd = -1;
	return err_sys(e, "epoll");
}

void
loop_set(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct epoll_event v = { events, { .ptr = w } };

	if (w->fd == -1 || w->events == events)
		return;
	w->events = events;
	invariant(epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, &v) == 0);
}

void
loop_remove(struct loop *l, struct loop_watch *w)
{
	if (w->fd == -1)
		return;
	invariant(epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL) == 0);
	w->fd = -1;
	/* What the kernel told already is nobody's now. */
	for (int i = l->at; i < l->len; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
}

/* ---- timers: a binary heap, each timer knows its place ---- */

static void
put(struct loop *l, size_t i, struct loop_timer *t)
{
	l->heap[i] = t;
	t->place = i;
}

static void
sift_up(struct loop *l, struct loop_timer *t)
{
	size_t i = t->place;

	for (; i > 1 && l->heap[i / 2]->at_ns > t->at_ns; i /= 2)
		put(l, i, l->heap[i / 2]);
	put(l, i, t);
}

static void
sift_down(struct loop *l, struct loop_timer *t)
{
	size_t i = t->place, child;

	for (; (child = 2 * i) <= l->ntimers; i = child) {
		if (child < l->ntimers &&
		    l->heap[child + 1]->at_ns < l->heap[child]->at_ns)
			child++;
		if (l->heap[child]->at_ns >= t->at_ns)
			break;
		put(l, i, l->heap[child]);
	}
	put(l, i, t);
}

void
loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	struct loop_timer *last;

	if (t->place == 0)
		return;
	last = l->heap[l->ntimers--];
	if (last != t) {
		put(l, t->place, last);
		sift_up(l, last);
		sift_down(l, last);
	}
	t->place = 0;
}

void
loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_ns,
    void (*fn)(void *), void *arg)
{
	loop_timer_stop(l, t);
	/* Set again by one that is called: after all that are due now. */
	if (at_ns <= l->turn_ns)
		at_ns = l->turn_ns + 1;
	*t = (struct loop_timer){ at_ns, fn, arg, 0 };
	if (l->ntimers + 1 >= l->room) {
		l->room = l->room == 0 ? 64 : 2 * l->room;
		l->heap = realloc(l->heap, l->room * sizeof(l->heap[0]));
		invariant(l->heap != NULL);
	}
	put(l, ++l->ntimers, t);
	sift_up(l, t);
}

static void
call_timers(struct loop *l)
{
	struct loop_timer *t;

	if (l->ntimers == 0)
		return;
	l->turn_ns = clock_mono_ns();
	while (l->ntimers > 0 && l->heap[1]->at_ns <= l->turn_ns) {
		t = l->heap[1];
		loop_timer_stop(l, t);
		t->fn(t->arg);
	}
	l->turn_ns = 0;
}

static int
wait_for_some(struct loop *l)
{
	struct timespec left = { 0, 0 };
	uint64_t now, at;

	if (l->ntimers == 0)
		return epoll_wait(l->epoll, l->batch, BATCH, -1);
	now = clock_mono_ns();
	at = l->heap[1]->at_ns;
	if (at > now) {
		left.tv_sec = (time_t)((at - now) / CLOCK_SECOND);
		left.tv_nsec = (long)((at - now) % CLOCK_SECOND);
	}
	return epoll_pwait2(l->epoll, l->batch, BATCH, &left, NULL);
}

int
loop_run(struct loop *l, struct err *e)
{
	struct loop_watch *w;

	for (l->stopped = false; !l->stopped;) {
		l->len = wait_for_some(l);
		if (l->len == -1 && errno != EINTR)
			return err_sys(e, "epoll");
		for (l->at = 0; l->at < l->len;) {
			w = l->batch[l->at].data.ptr;
			if (w == NULL) {
				l->at++;
				continue;
			}
			/* After it w may be gone. */
			w->fn(w->arg, l->batch[l->at++].events);
		}
		l->at = l->len = 0;
		call_timers(l);
	}
	return 0;
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
}
