/* Both ends of gRPC, with nothing between them but bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "runtime/grpc_call.h"
#include "runtime/grpc_client.h"
#include "runtime/grpc_conn.h"
#include "runtime/grpc_health.h"
#include "tests/unit/unit.h"

#define UNSENT_MAX ((size_t)64 << 10)

/* ---- a service ---- */

static struct grpc_call *held; /* of Wait, until it is over */
static unsigned overs;
static size_t most_unsent;

static void
echo(struct grpc_call *c, const void *data, size_t len)
{
	grpc_call_send(c, data, len);
	if (grpc_call_unsent(c) > most_unsent)
		most_unsent = grpc_call_unsent(c);
	if (grpc_call_unsent(c) > UNSENT_MAX)
		grpc_call_hold(c, true);
}

static void
go_on(struct grpc_call *c)
{
	grpc_call_hold(c, false);
}

static void
end(struct grpc_call *c)
{
	grpc_call_end(c, GRPC_OK, "");
}

static void
one(struct grpc_call *c, const void *data, size_t len)
{
	grpc_call_send(c, data, len);
	end(c);
}

static void
refuse(struct grpc_call *c, const void *data, size_t len)
{
	char *text = strndup(data, len);

	grpc_call_end(c, GRPC_ABORTED, text);
	free(text);
}

static void
wait_for(struct grpc_call *c, const void *data, size_t len)
{
	(void)data;
	(void)len;
	held = c;
}

static void
over(struct grpc_call *c)
{
	overs++;
	if (c == held)
		held = NULL;
}

static const struct grpc_method methods[] = {
	{ "Echo", true, false, 1U << 20, echo, end, go_on, over },
	{ "One", false, false, 4U << 20, one, NULL, NULL, over },
	{ "Refuse", false, true, 1024, refuse, NULL, NULL, over },
	{ "Wait", false, false, 1024, wait_for, NULL, NULL, over },
};
static const struct grpc_service service = { "t.T", methods, 4 };
static const struct grpc_service *const services[] = { &service };

/* ---- both ends ---- */

struct ends {
	struct loop *loop;
	struct loop_timer timer;
	struct grpc_server server;
	struct grpc_health health;
	size_t kept;
	struct grpc_conn *conn;
	struct grpc_client *client;
	bool is_deaf; /* the client: what the server says is kept for later */
	struct buf down;
};

static void
take_turn(void *arg)
{
	struct ends *x = arg;
	struct buf *b = &x->down;
	bool moves = true;

	while (moves) {
		buf_auto struct buf up = { 0 };

		grpc_client_send(x->client, &up, 64 << 10);
		(void)grpc_conn_receive(x->conn, up.data, up.len);
		grpc_conn_send(x->conn, b, 64 << 10);
		moves = up.len > 0;
		if (!x->is_deaf && b->len > 0) {
			(void)grpc_client_receive(x->client, b->data, b->len);
			buf_reset(b);
			moves = true;
		}
	}
}

static void
woken(void *arg)
{
	struct ends *x = arg;

	loop_timer_set(x->loop, &x->timer, 0, take_turn, x);
}

static void
open_ends(struct ends *x, const char *token, size_t kept_max)
{
	const struct grpc_peer peer = { .token = token,
		.woken = woken,
		.arg = x };
	struct err e;

	memset(x, 0, sizeof(*x));
	x->loop = loop_open(&e);
	assert_non_null(x->loop);
	x->server = (struct grpc_server){ .loop = x->loop,
		.service = services,
		.nservices = 1,
		.health = &x->health,
		.kept = &x->kept,
		.kept_max = kept_max };
	x->conn = grpc_conn_open(&x->server, &peer);
	x->client = grpc_client_open(x->loop, woken, x);
	overs = 0;
	most_unsent = 0;
	held = NULL;
}

static void
close_ends(struct ends *x)
{
	grpc_client_close(x->client);
	grpc_conn_close(x->conn);
	assert_int_equal(x->kept, 0);
	loop_close(x->loop);
	buf_fini(&x->down);
}

/* ---- a call ---- */

struct told {
	struct ends *ends;
	unsigned times, messages;
	size_t bytes;
	char last[64];
	enum grpc_status status;
	char text[256];
};

static void
take_message(void *arg, const void *data, size_t len)
{
	struct told *t = arg;

	t->messages++;
	t->bytes += len;
	snprintf(t->last, sizeof(t->last), "%.*s", (int)(len < 60 ? len : 60),
	    (const char *)data);
}

static void
ended(void *arg, enum grpc_status status, const char *text)
{
	struct told *t = arg;

	t->times++;
	t->status = status;
	snprintf(t->text, sizeof(t->text), "%s", text);
	loop_stop(t->ends->loop);
}

static struct grpc_ask *
ask(struct ends *x, struct told *t, const char *path, uint64_t timeout_ns,
    const char *token)
{
	const struct grpc_question q = { .path = path,
		.authority = "here",
		.token = token,
		.timeout_ns = timeout_ns,
		.max = 8U << 20,
		.message = take_message,
		.ended = ended,
		.arg = t };

	*t = (struct told){ .ends = x };
	return grpc_client_ask(x->client, &q);
}

static void
ask_one(struct ends *x, struct told *t, const char *path, const void *data,
    size_t len)
{
	struct grpc_ask *a = ask(x, t, path, UINT64_MAX, NULL);

	grpc_client_say(a, data, len);
	grpc_client_say_end(a);
	take_turn(x);
}

static void
expect(const struct told *t, enum grpc_status status, const char *text)
{
	assert_int_equal(t->times, 1);
	assert_string_equal(t->text, text);
	assert_int_equal(t->status, status);
}

/* ---- what it does ---- */

static void
calls_are_answered(void **state)
{
	struct ends x;
	struct told t;

	(void)state;
	open_ends(&x, NULL, 1 << 20);
	ask_one(&x, &t, "/t.T/One", "hello", 5);
	expect(&t, GRPC_OK, "");
	assert_string_equal(t.last, "hello");
	assert_int_equal(t.messages, 1);
	ask_one(&x, &t, "/t.T/One", "", 0);
	expect(&t, GRPC_OK, "");
	assert_int_equal(t.messages, 1);
	ask_one(&x, &t, "/t.T/Refuse", "100 % \xc3\xa4\r\n", 10);
	expect(&t, GRPC_ABORTED, "100 % \xc3\xa4\r\n");
	ask_one(&x, &t, "/t.T/Nothing", "", 0);
	expect(&t, GRPC_UNIMPLEMENTED, "unknown method");
	assert_int_equal(overs, 3);
	assert_int_equal(grpc_conn_calls(x.conn), 0);
	close_ends(&x);
}

/* In at most eight digits, and no shorter than that. */
static void
timeouts_of_any_length_are_understood(void **state)
{
	static const uint64_t timeouts[] = { 99999999 * CLOCK_SECOND,
		100000000 * CLOCK_SECOND, UINT64_MAX / 2, UINT64_MAX - 1 };
	struct grpc_ask *a;
	struct ends x;
	struct told t;

	(void)state;
	open_ends(&x, NULL, 1 << 20);
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		a = ask(&x, &t, "/t.T/One", timeouts[i], NULL);
		grpc_client_say(a, "", 0);
		grpc_client_say_end(a);
		take_turn(&x);
		expect(&t, GRPC_OK, "");
	}
	close_ends(&x);
}

static void
only_who_may_calls(void **state)
{
	struct ends x;
	struct told t;

	(void)state;
	open_ends(&x, "secret", 1 << 20);
	for (int i = 0; i < 3; i++) {
		static const char *const tokens[] = { NULL, "secreT",
			"secret" };
		struct grpc_ask *a =
		    ask(&x, &t, "/t.T/One", UINT64_MAX, tokens[i]);

		grpc_client_say(a, "", 0);
		grpc_client_say_end(a);
		take_turn(&x);
		expect(&t, i == 2 ? GRPC_OK : GRPC_UNAUTHENTICATED,
		    i == 2 ? "" : "this needs the node's token");
	}
	/* What is open is for everybody. */
	ask_one(&x, &t, "/t.T/Refuse", "x", 1);
	expect(&t, GRPC_ABORTED, "x");
	close_ends(&x);
}

static void
streams_go_both_ways(void **state)
{
	struct grpc_ask *a;
	struct ends x;
	struct told t;
	char text[32];

	(void)state;
	open_ends(&x, NULL, 1 << 20);
	a = ask(&x, &t, "/t.T/Echo", UINT64_MAX, NULL);
	for (int i = 0; i < 1000; i++) {
		grpc_client_say(a, text,
		    (size_t)snprintf(text, sizeof(text), "%d", i));
		if (i % 7 == 0) {
			take_turn(&x);
			assert_string_equal(t.last, text);
		}
	}
	grpc_client_say_end(a);
	take_turn(&x);
	expect(&t, GRPC_OK, "");
	assert_int_equal(t.messages, 1000);
	close_ends(&x);
}

/* The server keeps no more than a little; all of it comes when it is asked for.
 */
static void
who_does_not_read_is_not_heard(void **state)
{
	static char data[10000];
	struct grpc_ask *a;
	struct ends x;
	struct told t;

	(void)state;
	open_ends(&x, NULL, 1 << 20);
	a = ask(&x, &t, "/t.T/Echo", UINT64_MAX, NULL);
	x.is_deaf = true;
	for (int i = 0; i < 1000; i++)
		grpc_client_say(a, data, sizeof(data));
	grpc_client_say_end(a);
	take_turn(&x);
	assert_int_equal(t.messages, 0);
	assert_true(x.down.len < (128 << 10));
	x.is_deaf = false;
	take_turn(&x);
	expect(&t, GRPC_OK, "");
	assert_int_equal(t.bytes, 1000 * sizeof(data));
	assert_true(most_unsent <= UNSENT_MAX + sizeof(data) + 5);
	close_ends(&x);
}

static void
long_messages_share_their_room(void **state)
{
	static char data[5 << 20];
	struct grpc_ask *a, *b;
	struct told t, u, v;
	struct ends x;

	(void)state;
	open_ends(&x, NULL, 4 << 20);
	ask_one(&x, &t, "/t.T/One", data, 4 << 20);
	expect(&t, GRPC_OK, "");
	assert_int_equal(t.bytes, 4 << 20);
	ask_one(&x, &t, "/t.T/One", data, sizeof(data));
	expect(&t, GRPC_RESOURCE_EXHAUSTED,
	    "a message of 5242880 bytes, and no more than 4194304 are taken");
	/* Two that are not whole: what has come counts. */
	a = ask(&x, &t, "/t.T/One", UINT64_MAX, NULL);
	grpc_client_say(a, data, 3 << 20);
	take_turn(&x);
	assert_int_equal(x.kept, 3 << 20);
	b = ask(&x, &u, "/t.T/One", UINT64_MAX, NULL);
	grpc_client_say(b, data, 2 << 20);
	take_turn(&x);
	expect(&u, GRPC_RESOURCE_EXHAUSTED,
	    "no room for a message of 2097152 bytes now");
	assert_int_equal(x.kept, 3 << 20);
	/* A short one needs none. */
	ask_one(&x, &v, "/t.T/One", "hi", 2);
	expect(&v, GRPC_OK, "");
	grpc_client_say_end(a);
	take_turn(&x);
	expect(&t, GRPC_OK, "");
	assert_int_equal(x.kept, 0);
	close_ends(&x);
}

/* ---- how it ends ---- */

static void
calls_end_by_their_deadline(void **state)
{
	struct grpc_ask *a;
	struct ends x;
	struct told t;
	struct err e;

	(void)state;
	open_ends(&x, NULL, 1 << 20);
	a = ask(&x, &t, "/t.T/Wait", 20 * CLOCK_SECOND / 1000, NULL);
	grpc_client_say(a, "", 0);
	grpc_client_say_end(a);
	take_turn(&x);
	assert_non_null(held);
	assert_int_equal(loop_run(x.loop, &e), 0);
	expect(&t, GRPC_DEADLINE_EXCEEDED, "deadline exceeded");
	take_turn(&x);
	assert_null(held);
	assert_int_equal(overs, 1);
	close_ends(&x);
}

static void
calls_can_be_cancelled(void **state)
{
	struct grpc_ask *a;
	struct ends x;
	struct told t;

	(void)state;
	open_ends(&x, NULL, 1 << 20);
	a = ask(&x, &t, "/t.T/Wait", UINT64_MAX, NULL);
	grpc_client_say(a, "", 0);
	grpc_client_say_end(a);
	take_turn(&x);
	assert_non_null(held);
	grpc_client_cancel(a);
	take_turn(&x);
	expect(&t, GRPC_CANCELLED, "cancelled");
	assert_null(held);
	close_ends(&x);
}

static void
a_lost_connection_ends_its_calls(void **state)
{
	struct ends x;
	struct told t, u;
	struct err e;

	(void)state;
	open_ends(&x, NULL, 1 << 20);
	ask_one(&x, &t, "/t.T/Wait", "", 0);
	assert_int_equal(grpc_client_receive(x.client, NULL, 0), -1);
	expect(&t, GRPC_UNAVAILABLE, "the connection is lost");
	assert_true(grpc_client_is_over(x.client));
	/* Nor can another be made. */
	(void)ask(&x, &u, "/t.T/One", UINT64_MAX, NULL);
	assert_int_equal(u.times, 0);
	assert_int_equal(loop_run(x.loop, &e), 0);
	expect(&u, GRPC_UNAVAILABLE, "the connection is lost");
	close_ends(&x);
}

static void
who_is_served_is_served_to_the_end(void **state)
{
	struct ends x;
	struct told t, u, v;
	struct err e;

	(void)state;
	open_ends(&x, NULL, 1 << 20);
	ask_one(&x, &t, "/t.T/Wait", "", 0);
	grpc_conn_drain(x.conn);
	/* One that is on its way is told that it never was. */
	ask_one(&x, &u, "/t.T/One", "", 0);
	assert_int_equal(u.times, 1);
	assert_int_equal(u.status, GRPC_UNAVAILABLE);
	(void)ask(&x, &v, "/t.T/One", UINT64_MAX, NULL);
	assert_int_equal(loop_run(x.loop, &e), 0);
	assert_int_equal(v.status, GRPC_UNAVAILABLE);
	assert_false(grpc_conn_is_over(x.conn));
	assert_int_equal(t.times, 0);
	grpc_call_send(held, "done", 4);
	grpc_call_end(held, GRPC_OK, "");
	take_turn(&x);
	expect(&t, GRPC_OK, "");
	assert_string_equal(t.last, "done");
	assert_true(grpc_conn_is_over(x.conn));
	assert_true(grpc_client_is_over(x.client));
	close_ends(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_answered),
		cmocka_unit_test(timeouts_of_any_length_are_understood),
		cmocka_unit_test(only_who_may_calls),
		cmocka_unit_test(streams_go_both_ways),
		cmocka_unit_test(who_does_not_read_is_not_heard),
		cmocka_unit_test(long_messages_share_their_room),
		cmocka_unit_test(calls_end_by_their_deadline),
		cmocka_unit_test(calls_can_be_cancelled),
		cmocka_unit_test(a_lost_connection_ends_its_calls),
		cmocka_unit_test(who_is_served_is_served_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
