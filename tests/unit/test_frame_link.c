/* Frames to one who does not listen: kept in order, bounded, then cut off. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/frame_link.h"
#include "messages/front_msgs.h"
#include "messages/launch_msgs.h"
#include "messages/prepare_msgs.h"

#define BODY 1000

struct ends {
	struct loop *loop;
	struct frame_link a, b;
	uint32_t next; /* serial that is due */
	uint32_t last;
	int gone;
};

static int
received(void *arg, struct frame *f, struct err *e)
{
	struct ends *x = arg;
	struct stat s;

	(void)e;
	assert_int_equal(f->serial, x->next++);
	assert_int_equal(f->type, 7);
	assert_int_equal(f->body.len - f->body.at, BODY);
	assert_int_equal(f->nfds, f->serial % 3 == 0 ? 1 : 0);
	if (f->nfds == 1)
		assert_int_equal(fstat(f->fds[0], &s), 0);
	if (f->serial == x->last)
		loop_stop(x->loop);
	return 0;
}

static int
refuses(void *arg, struct frame *f, struct err *e)
{
	(void)arg;
	return err_set(e, ERR_INVALID, "frame %u", f->type);
}

static void
gone(void *arg, const struct err *why)
{
	struct ends *x = arg;

	assert_true(strlen(why->text) > 0);
	x->gone++;
	loop_stop(x->loop);
}

static void
open_ends(struct ends *x, int (*hears)(void *, struct frame *, struct err *))
{
	struct err e;
	int pair[2];

	*x = (struct ends){ .loop = loop_open(&e), .next = 1 };
	assert_non_null(x->loop);
	assert_int_equal(frame_pair(pair, &e), 0);
	assert_int_equal(
	    frame_link_open(&x->a, x->loop, pair[0], refuses, gone, x, &e), 0);
	x->b.sock = -1;
	if (hears != NULL)
		assert_int_equal(frame_link_open(&x->b, x->loop, pair[1], hears,
				     gone, x, &e),
		    0);
	else
		x->b.sock = pair[1];
}

static void
close_ends(struct ends *x, bool linked)
{
	frame_link_close(&x->a);
	if (linked)
		frame_link_close(&x->b);
	else
		fd_close(&x->b.sock);
	loop_close(x->loop);
}

static void
send(struct ends *x, uint32_t serial)
{
	static const char zeros[BODY];
	struct buf body = buf_over(zeros, BODY);
	int fd = STDERR_FILENO;

	frame_link_send(&x->a, 7, serial, &body, &fd, serial % 3 == 0 ? 1 : 0);
}

/* Far more than the socket holds, before anybody listens. */
static void
what_does_not_fit_comes_later_in_order(void **state)
{
	struct ends x;
	struct err e;

	(void)state;
	open_ends(&x, received);
	x.last = 3000;
	for (uint32_t i = 1; i <= x.last; i++)
		send(&x, i);
	assert_true(x.a.bytes > 1000000 && x.a.fds > 100);
	assert_int_equal(loop_run(x.loop, &e), 0);
	assert_int_equal(x.next, x.last + 1);
	assert_int_equal(x.gone, 0);
	assert_int_equal(x.a.bytes, 0);
	assert_int_equal(x.a.fds, 0);
	close_ends(&x, true);
}

/* Told on the next turn, and not inside of a call. */
static void
who_never_listens_is_cut_off(void **state)
{
	struct ends x;
	struct err e;

	(void)state;
	open_ends(&x, NULL);
	for (uint32_t i = 1; i < 40000 && !x.a.cut; i++)
		send(&x, i);
	assert_true(x.a.cut);
	assert_int_equal(x.gone, 0);
	send(&x, 1); /* nothing any more */
	assert_int_equal(loop_run(x.loop, &e), 0);
	assert_int_equal(x.gone, 1);
	assert_int_equal(x.a.sock, -1);
	send(&x, 1);
	close_ends(&x, false);
}

static void
an_end_that_is_gone_is_told(void **state)
{
	struct ends x;
	struct err e;

	(void)state;
	open_ends(&x, NULL);
	fd_close(&x.b.sock);
	assert_int_equal(loop_run(x.loop, &e), 0);
	assert_int_equal(x.gone, 1);
	close_ends(&x, false);
}

static void
a_refused_frame_ends_the_conversation(void **state)
{
	struct ends x;
	struct err e;

	(void)state;
	open_ends(&x, NULL);
	assert_int_equal(frame_send(x.b.sock, 9, 1, NULL, NULL, 0, &e), 0);
	assert_int_equal(loop_run(x.loop, &e), 0);
	assert_int_equal(x.gone, 1);
	close_ends(&x, false);
}

/* What is put on the wire is what comes off it. */
static void
messages_come_back_as_they_were(void **state)
{
	const struct prepare_program p = { .hash = "h",
		.digest = "d",
		.sender = "0x00",
		.unverified = true,
		.on_http = true };
	const struct prepare_assembled a = { 2, true, false, true, true, true };
	const struct front_admitted ad = { 1, 8 << 20, 2 };
	const struct front_ended en = { LAUNCH_CAUSE_WALL, LAUNCH_END_SIGNAL, 9,
		true };
	static char problems[FRONT_PROBLEMS_MAX];
	struct prepare_program p2;
	struct prepare_assembled a2;
	struct front_admitted ad2;
	struct front_ended en2;
	struct err why, why2;
	buf_auto struct buf b = { 0 };

	(void)state;
	err_set(&why, ERR_BUSY, "full");
	prepare_msgs_put_program(&b, &p);
	prepare_msgs_put_assembled(&b, &a);
	front_msgs_put_admitted(&b, &ad);
	front_msgs_put_ended(&b, &en);
	front_msgs_put_refused(&b, &why, "[]");
	prepare_msgs_get_program(&b, &p2);
	prepare_msgs_get_assembled(&b, &a2);
	front_msgs_get_admitted(&b, &ad2);
	front_msgs_get_ended(&b, &en2);
	front_msgs_get_refused(&b, &why2, problems);
	assert_true(buf_ok(&b));
	assert_string_equal(p2.hash, "h");
	assert_string_equal(p2.digest, "d");
	assert_string_equal(p2.sender, "0x00");
	assert_true(p2.unverified && p2.on_http);
	assert_true(
	    a2.interface == 2 && a2.on_http && !a2.reusable && a2.has_export);
	assert_true(
	    ad2.interface == 1 && ad2.body_limit == 8 << 20 && ad2.life == 2);
	assert_true(en2.cause == en.cause && en2.end == en.end &&
	    en2.code == 9 && en2.oom);
	assert_string_equal(problems, "[]");
	assert_int_equal(why2.code, ERR_BUSY);
	assert_string_equal(why2.text, "full");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_fit_comes_later_in_order),
		cmocka_unit_test(who_never_listens_is_cut_off),
		cmocka_unit_test(an_end_that_is_gone_is_told),
		cmocka_unit_test(a_refused_frame_ends_the_conversation),
		cmocka_unit_test(messages_come_back_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
