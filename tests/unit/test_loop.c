/* The loop: who removes what while others are told, and times in order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"

struct pair {
	struct loop *loop;
	struct loop_watch a, b;
	int calls;
};

/* Whoever is called first removes the other, whose event has come as well. */
static void
remove_other(void *arg, uint32_t events)
{
	struct pair *p = arg;

	assert_int_equal(events, EPOLLIN);
	p->calls++;
	loop_remove(p->loop, &p->a);
	loop_remove(p->loop, &p->b);
	loop_stop(p->loop);
}

static void
what_is_removed_is_not_called(void **state)
{
	struct err e;
	struct pair p = { .loop = loop_open(&e) };
	int a = eventfd(1, 0), b = eventfd(1, 0);

	(void)state;
	assert_int_equal(0,
	    loop_add(p.loop, &p.a, a, EPOLLIN, remove_other, &p, &e));
	assert_int_equal(0,
	    loop_add(p.loop, &p.b, b, EPOLLIN, remove_other, &p, &e));
	assert_int_equal(0, loop_run(p.loop, &e));
	assert_int_equal(p.calls, 1);
	loop_close(p.loop);
	close(a);
	close(b);
}

#define TIMERS 200

struct times {
	struct loop *loop;
	struct loop_timer timer[TIMERS];
	uint64_t last;
	size_t calls, want;
};

static struct times times;

static void
in_order(void *arg)
{
	struct loop_timer *t = arg;

	assert_true(t->at_ns >= times.last);
	assert_int_equal(t->place, 0);
	times.last = t->at_ns;
	if (++times.calls == times.want)
		loop_stop(times.loop);
}

/* Set, moved and stopped at random; those that are left come in order. */
static void
timers_come_in_order(void **state)
{
	uint64_t base = clock_mono_ns();
	struct err e;

	(void)state;
	srandom(7);
	times.loop = loop_open(&e);
	for (int round = 0; round < 10; round++)
		for (size_t i = 0; i < TIMERS; i++) {
			struct loop_timer *t = &times.timer[i];

			if (random() % 4 == 0)
				loop_timer_stop(times.loop, t);
			else
				loop_timer_set(times.loop, t,
				    base + (uint64_t)(random() % 1000),
				    in_order, t);
		}
	for (size_t i = 0; i < TIMERS; i++)
		times.want += times.timer[i].place != 0;
	assert_true(times.want > TIMERS / 2);
	assert_int_equal(0, loop_run(times.loop, &e));
	assert_int_equal(times.calls, times.want);
	loop_close(times.loop);
}

struct again {
	struct loop *loop;
	struct loop_timer timer;
	int event, turns;
	struct loop_watch watch;
};

static void
set_for_now(void *arg)
{
	struct again *a = arg;

	a->turns++;
	loop_timer_set(a->loop, &a->timer, 0, set_for_now, a);
}

static void
stop(void *arg, uint32_t events)
{
	struct again *a = arg;

	(void)events;
	loop_stop(a->loop);
}

/* A timer that is always due does not keep the others from their turn. */
static void
a_due_timer_starves_nobody(void **state)
{
	struct err e;
	struct again a = { .loop = loop_open(&e), .event = eventfd(1, 0) };

	(void)state;
	loop_timer_set(a.loop, &a.timer, 0, set_for_now, &a);
	assert_int_equal(0,
	    loop_add(a.loop, &a.watch, a.event, EPOLLIN, stop, &a, &e));
	assert_int_equal(0, loop_run(a.loop, &e));
	assert_int_equal(a.turns, 1);
	loop_close(a.loop);
	close(a.event);
}

static void
count(void *arg)
{
	struct again *a = arg;

	loop_stop(a->loop);
}

/* Nor the timers behind it. */
static void
a_due_timer_lets_the_others_be_called(void **state)
{
	struct err e;
	struct again a = { .loop = loop_open(&e) };
	struct loop_timer other = { .place = 0 };

	(void)state;
	loop_timer_set(a.loop, &a.timer, 0, set_for_now, &a);
	loop_timer_set(a.loop, &other, 1, count, &a);
	assert_int_equal(0, loop_run(a.loop, &e));
	assert_int_equal(a.turns, 1);
	loop_close(a.loop);
}

static void
there_is_a_last_time(void **state)
{
	(void)state;
	assert_true(clock_add(1, 2) == 3);
	assert_true(clock_add(1, UINT64_MAX - 1) == UINT64_MAX);
	assert_true(clock_add(2, UINT64_MAX - 1) == UINT64_MAX);
	assert_true(clock_add(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_a_last_time),
		cmocka_unit_test(what_is_removed_is_not_called),
		cmocka_unit_test(timers_come_in_order),
		cmocka_unit_test(a_due_timer_starves_nobody),
		cmocka_unit_test(a_due_timer_lets_the_others_be_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
