/*
 * One thread that waits for descriptors and for times, and calls whoever
 * asked: epoll(7), and a heap of timers in front of it.  Signals and children
 * come as descriptors too, by signalfd(2) and pidfd_open(2).
 *
 * Watches and timers live in their owners.  A function that is called may
 * remove any watch and stop any timer, its own too, and free what holds it.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;

struct loop_watch {
	int fd; /* borrowed; -1: not watched */
	uint32_t events;
	void (*fn)(void *arg, uint32_t events); /* EPOLLIN... as they came */
	void *arg;
};
#define LOOP_WATCH_NONE           \
	{                         \
		-1, 0, NULL, NULL \
	}

struct loop_timer {
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	void (*fn)(void *arg);
	void *arg;
	size_t place; /* in the heap, from 1; 0: not set */
};

/* NULL if the kernel has no room. */
struct loop *loop_open(struct err *);
void loop_close(struct loop *);

int loop_add(struct loop *, struct loop_watch *, int fd, uint32_t events,
    void (*fn)(void *, uint32_t), void *arg, struct err *);

/* 0: only errors and hang-ups are told. */
void loop_set(struct loop *, struct loop_watch *, uint32_t events);
void loop_remove(struct loop *, struct loop_watch *);

/* Once, at that time or as soon after it as can be; again: moves it. */
void loop_timer_set(struct loop *, struct loop_timer *, uint64_t at_ns,
    void (*fn)(void *), void *arg);
void loop_timer_stop(struct loop *, struct loop_timer *);

/* Until somebody calls loop_stop(). */
int loop_run(struct loop *, struct err *);
void loop_stop(struct loop *);

#endif
