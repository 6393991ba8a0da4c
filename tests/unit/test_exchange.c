/* Replies of functions, whole and in pieces. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/exchange.h"

static const struct exchange_headers no_headers;

static void
begin(struct exchange *x, enum aleph_interface interface, const char *method)
{
	const struct exchange_request r = { method, "/a%20b", "q=1",
		&no_headers, 0, false, NULL };

	exchange_start(x, interface, EXCHANGE_ONCE, 1 << 16, &r);
	exchange_send_end(x);
}

static int
feed(struct exchange *x, const char *data, size_t len, size_t piece)
{
	struct err e;
	size_t n;
	int r = 0;

	for (size_t at = 0; at < len && r == 0; at += n) {
		n = len - at < piece ? len - at : piece;
		r = exchange_receive(x, data + at, n, &e);
	}
	if (r == 0)
		r = exchange_receive_end(x, &e);
	assert_true(r == 0 || e.code == ERR_GUEST);
	return r;
}

/* The same reply however it is cut. */
static void
expect_reply(const char *text, int status, const char *body)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		struct exchange x;

		begin(&x, ALEPH_BINARY, "GET");
		assert_int_equal(feed(&x, text, strlen(text), piece), 0);
		assert_true(x.complete);
		assert_int_equal(x.status, status);
		assert_int_equal(x.total, strlen(body));
		assert_string_equal(buf_text(&x.body), body);
		exchange_fini(&x);
	}
}

static void
replies_are_the_same_however_they_are_cut(void **state)
{
	(void)state;
	expect_reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200,
	    "hello");
	expect_reply("HTTP/1.0 404 No\r\n\r\nuntil the end", 404,
	    "until the end");
	expect_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n",
	    200, "hello!");
	expect_reply("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
		     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	    200, "ok");
	expect_reply("HTTP/1.1 204 None\r\n\r\n", 204, "");
	expect_reply("HTTP/1.1 200 OK\r\ncontent-length:\t2 \r\n\r\nokBEYOND",
	    200, "ok");
}

static void
a_server_that_breaks_the_rules_is_refused(void **state)
{
	static const char *const bad[] = { "HTTP/2 200 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n",
		"nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nX\r\n\r\n", "",
		"HTTP/1.1 200 OK\r\n", "HTTP/1.1 101 Switch\r\n\r\n",
		"HTTP/1.1 200 OK\r\n X: folded\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
		"HTTP/1.1 200 OK\nX: y\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: "
		"1\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: "
		"chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhelloX\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"fffffffff\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"20000\r\nx" };

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++)
		for (size_t piece = 1; piece < 1000; piece += 998) {
			struct exchange x;

			begin(&x, ALEPH_BINARY, "GET");
			if (feed(&x, bad[i], strlen(bad[i]), piece) == 0)
				fail_msg("accepted %s", bad[i]);
			assert_false(x.complete);
			exchange_fini(&x);
		}
}

static void
a_reply_to_head_has_a_length_and_no_body(void **state)
{
	static const char text[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
	struct exchange x;

	(void)state;
	begin(&x, ALEPH_BINARY, "HEAD");
	assert_int_equal(feed(&x, text, strlen(text), 7), 0);
	assert_true(x.complete);
	assert_int_equal(x.length, 500);
	assert_int_equal(x.total, 0);
	exchange_fini(&x);
}

static void
requests_are_written_as_they_came(void **state)
{
	struct exchange_headers h = { 0 };
	struct exchange_request r = { "POST", "/a%2f..", "b=%00", &h, -1, false,
		NULL };
	struct exchange x;

	(void)state;
	assert_true(exchange_headers_add(&h, "X-Y", 3, "z", 1));
	exchange_start(&x, ALEPH_BINARY, EXCHANGE_ONCE, 100, &r);
	exchange_send(&x, "hello", 5);
	exchange_send_end(&x);
	assert_string_equal(buf_text(&x.out),
	    "POST /a%2f..?b=%00 HTTP/1.1\r\nX-Y: z\r\nHost: localhost\r\n"
	    "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
	    "5\r\nhello\r\n0\r\n\r\n");
	exchange_fini(&x);
	exchange_headers_fini(&h);
}

/* ---- asgi ---- */

static void
put_json(struct buf *b, uint32_t kind, const char *rest)
{
	char *text = str_printf(
	    "{\"DialogueNonce\":2,\"Kind\":%u,\"ErrorMessage\":\"\"%s}", kind,
	    rest);

	channel_put(b, kind, text, strlen(text));
	free(text);
}

static void
an_application_answers_in_order(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 40; piece++) {
		buf_auto struct buf b = { 0 };
		struct exchange x;

		begin(&x, ALEPH_ASGI, "GET");
		assert_true(x.held && !x.out_ends);
		channel_put(&b, CHANNEL_READY, NULL, 0);
		put_json(&b, CHANNEL_RESPONSE,
		    ",\"Status\":201,\"Headers\":[[\"eA==\",\"eQ==\"]]");
		channel_put(&b, CHANNEL_BODY, "hello", 5);
		channel_put(&b, CHANNEL_BODY_END, NULL, 0);
		channel_put(&b, CHANNEL_BYE, NULL, 0);
		assert_int_equal(feed(&x, b.data, b.len, piece), 0);
		assert_true(x.complete && !x.held && x.out_ends);
		assert_int_equal(x.phase, EXCHANGE_OVER);
		assert_int_equal(x.status, 201);
		assert_string_equal(buf_text(&x.body), "hello");
		assert_string_equal(x.headers.item[0].name, "x");
		assert_string_equal(x.headers.item[0].text, "y");
		exchange_fini(&x);
	}
}

/* READY comes once for a connection, and nobody is told to shut down. */
static void
an_application_is_asked_again(void **state)
{
	static const struct {
		enum exchange_life life;
		uint32_t answer;
		bool ready, more, keeps;
	} rows[] = {
		{ EXCHANGE_FIRST, CHANNEL_RESPONSE, true, false, true },
		{ EXCHANGE_NEXT, CHANNEL_RESPONSE, false, false, true },
		{ EXCHANGE_NEXT, CHANNEL_OUTPUT, false, false, true },
		{ EXCHANGE_NEXT, CHANNEL_FAILED, false, false, false },
		{ EXCHANGE_NEXT, CHANNEL_RESPONSE, false, true, false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct exchange_request r = { "GET", "/", "", &no_headers,
			0, false, NULL };
		buf_auto struct buf b = { 0 };
		struct exchange x;
		struct err e;

		exchange_start(&x, ALEPH_ASGI, rows[i].life, 4096, &r);
		assert_int_equal(x.held, rows[i].ready);
		exchange_send_end(&x);
		if (rows[i].ready)
			channel_put(&b, CHANNEL_READY, NULL, 0);
		put_json(&b, rows[i].answer,
		    rows[i].answer == CHANNEL_OUTPUT ? ",\"Output\":1"
						     : ",\"Status\":200");
		if (rows[i].answer == CHANNEL_RESPONSE)
			channel_put(&b, CHANNEL_BODY_END, NULL, 0);
		if (rows[i].more)
			buf_add(&b, "x", 1);
		assert_int_equal(exchange_receive(&x, b.data, b.len, &e), 0);
		assert_false(x.out_ends);
		buf_reset(&x.out);
		if (exchange_may_follow(&x) != rows[i].keeps)
			fail_msg("%zu", i);
		exchange_fini(&x);
	}
}

/* base64 of "a\r\nb", "a: b" and "". */
static void
an_application_cannot_split_its_head(void **state)
{
	static const char *const bad[] = {
		",\"Status\":200,\"Headers\":[[\"eA==\",\"YQ0KYg==\"]]",
		",\"Status\":200,\"Headers\":[[\"YQ0KYg==\",\"eQ==\"]]",
		",\"Status\":200,\"Headers\":[[\"YTogYg==\",\"eQ==\"]]",
		",\"Status\":200,\"Headers\":[[\"\",\"eQ==\"]]",
		",\"Status\":200,\"Headers\":[[\"eA==\"]]",
		",\"Status\":200,\"Headers\":[\"eA==\"]", ",\"Status\":100",
		",\"Status\":\"ok\"", ",\"Status\":1000"
	};

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		buf_auto struct buf b = { 0 };
		struct exchange x;

		begin(&x, ALEPH_ASGI, "GET");
		channel_put(&b, CHANNEL_READY, NULL, 0);
		put_json(&b, CHANNEL_RESPONSE, bad[i]);
		if (feed(&x, b.data, b.len, 1000) == 0)
			fail_msg("accepted %s", bad[i]);
		exchange_fini(&x);
	}
}

/* Keys match without case: found by fuzzing, where it ended the reader. */
static void
an_output_is_found_whatever_its_case(void **state)
{
	static const struct {
		const char *rest, *body;
	} rows[] = { { ",\"Output\":\"hola!\"", "hola!" },
		{ ",\"output\":{\"a\":[0,2]}", "{\"a\":[0,2]}" },
		{ ",\"OuTput\":[true,null]", "[true,null]" },
		{ ",\"Output\":12345678901234567890",
		    "12345678901234567890" } };

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		buf_auto struct buf b = { 0 };
		struct exchange x;

		begin(&x, ALEPH_ASGI, "GET");
		channel_put(&b, CHANNEL_READY, NULL, 0);
		put_json(&b, CHANNEL_OUTPUT, rows[i].rest);
		assert_int_equal(feed(&x, b.data, b.len, 1000), 0);
		assert_string_equal(buf_text(&x.body), rows[i].body);
		exchange_fini(&x);
	}
}

static void
a_head_beyond_its_limit_is_refused(void **state)
{
	(void)state;
	for (size_t n = 100; n <= 400; n += 300) {
		buf_auto struct buf b = { 0 };
		struct exchange x;

		begin(&x, ALEPH_BINARY, "GET");
		buf_add_str(&b, "HTTP/1.1 200 OK\r\n");
		for (size_t i = 0; i < 100; i++)
			buf_printf(&b, "X: %0*d\r\n", (int)n, 0);
		buf_add_str(&b, "Content-Length: 0\r\n\r\n");
		assert_int_equal(feed(&x, b.data, b.len, 1000),
		    n == 100 ? 0 : -1);
		exchange_fini(&x);
	}
}

static void
a_reply_beyond_its_limit_is_refused(void **state)
{
	static char big[(1 << 16) + 1];
	struct exchange x;
	struct err e;

	(void)state;
	begin(&x, ALEPH_EXEC, "GET");
	assert_int_equal(exchange_receive(&x, big, 1 << 16, &e), 0);
	assert_int_equal(exchange_receive(&x, big, 1, &e), -1);
	assert_int_equal(e.code, ERR_GUEST);
	exchange_fini(&x);
}

#define OK "HTTP/1.1 200 OK\r\n"

/* Whether another request may go over the connection after a reply. */
static void
a_connection_is_kept_if_nothing_is_left_of_it(void **state)
{
	static const struct {
		const char *method, *reply;
		enum exchange_life life;
		bool keeps;
	} rows[] = {
		{ "GET", OK "Content-Length: 2\r\n\r\nok", EXCHANGE_FIRST,
		    true },
		{ "GET", OK "Content-Length: 2\r\n\r\nok", EXCHANGE_NEXT,
		    true },
		{ "GET", OK "Content-Length: 2\r\n\r\nok", EXCHANGE_ONCE,
		    false },
		{ "GET", OK "Content-Length: 0\r\n\r\n", EXCHANGE_FIRST, true },
		{ "GET", OK "Content-Length: 2\r\n\r\nok!", EXCHANGE_FIRST,
		    false },
		{ "GET",
		    OK "Connection: keep-alive\r\nContent-Length: 0\r\n\r\n",
		    EXCHANGE_FIRST, true },
		{ "GET", OK "Connection: close\r\nContent-Length: 0\r\n\r\n",
		    EXCHANGE_FIRST, false },
		{ "GET", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		    EXCHANGE_FIRST, false },
		{ "GET", OK "\r\nuntil it closes", EXCHANGE_FIRST, false },
		{ "GET",
		    OK "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
		       "\r\n",
		    EXCHANGE_FIRST, true },
		{ "GET",
		    OK "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",
		    EXCHANGE_FIRST, false },
		{ "GET", OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP",
		    EXCHANGE_FIRST, false },
		{ "HEAD", OK "Content-Length: 2\r\n\r\n", EXCHANGE_FIRST,
		    false },
		{ "GET", "HTTP/1.1 204 No\r\n\r\n", EXCHANGE_FIRST, false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		const struct exchange_request r = { rows[i].method, "/", "",
			&no_headers, 0, false, NULL };
		struct exchange x;
		struct err e;

		exchange_start(&x, ALEPH_BINARY, rows[i].life, 4096, &r);
		assert_true((strstr(buf_text(&x.out), "Connection: close") ==
				NULL) == (rows[i].life != EXCHANGE_ONCE));
		assert_int_equal(exchange_receive(&x, rows[i].reply,
				     strlen(rows[i].reply), &e),
		    0);
		assert_false(exchange_may_follow(&x)); /* it says more */
		exchange_send_end(&x);
		assert_false(exchange_may_follow(&x)); /* nobody sent it */
		buf_reset(&x.out);
		if (exchange_may_follow(&x) != rows[i].keeps)
			fail_msg("%zu: %s", i, rows[i].reply);
		exchange_fini(&x);
	}
}

#define CHANGES "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"

/* After 101 everything is bytes; without having asked for it, it is a fault. */
static void
a_server_may_change_to_a_websocket(void **state)
{
	static const char reply[] = CHANGES "X: y\r\n\r\n\1\2GET / HTTP/1.1";

	(void)state;
	for (size_t piece = 1; piece < sizeof(reply); piece++) {
		const struct exchange_request r = { "GET", "/", "", &no_headers,
			0, true, NULL };
		struct exchange x;
		struct err e;

		exchange_start(&x, ALEPH_BINARY, EXCHANGE_ONCE, 4, &r);
		assert_non_null(strstr(buf_text(&x.out),
		    "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
		buf_reset(&x.out);
		for (size_t at = 0; at < sizeof(reply) - 1; at += piece)
			assert_int_equal(exchange_receive(&x, reply + at,
					     sizeof(reply) - 1 - at < piece
						 ? sizeof(reply) - 1 - at
						 : piece,
					     &e),
			    0);
		assert_int_equal(x.phase, EXCHANGE_TUNNEL);
		assert_int_equal(x.status, 101);
		assert_string_equal(buf_text(&x.body), "\1\2GET / HTTP/1.1");
		exchange_send(&x, "bytes", 5);
		exchange_send_end(&x);
		assert_string_equal(buf_text(&x.out), "bytes");
		assert_int_equal(exchange_receive_end(&x, &e), 0);
		assert_true(x.complete);
		exchange_fini(&x);
	}
}

static void
nobody_else_changes_the_protocol(void **state)
{
	static const struct {
		bool upgrade;
		const char *reply;
	} cases[] = { { false, CHANGES "\r\n" },
		{ true, "HTTP/1.1 101 X\r\n\r\n" },
		{ true, "HTTP/1.1 101 X\r\nUpgrade: h2c\r\n\r\n" } };

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		const struct exchange_request r = { "GET", "/", "", &no_headers,
			0, cases[i].upgrade, NULL };
		struct exchange x;

		exchange_start(&x, ALEPH_BINARY, EXCHANGE_ONCE, 4, &r);
		assert_int_equal(
		    feed(&x, cases[i].reply, strlen(cases[i].reply), 7), -1);
		exchange_fini(&x);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_are_the_same_however_they_are_cut),
		cmocka_unit_test(a_server_that_breaks_the_rules_is_refused),
		cmocka_unit_test(a_reply_to_head_has_a_length_and_no_body),
		cmocka_unit_test(requests_are_written_as_they_came),
		cmocka_unit_test(an_application_answers_in_order),
		cmocka_unit_test(an_application_is_asked_again),
		cmocka_unit_test(an_application_cannot_split_its_head),
		cmocka_unit_test(a_head_beyond_its_limit_is_refused),
		cmocka_unit_test(an_output_is_found_whatever_its_case),
		cmocka_unit_test(a_reply_beyond_its_limit_is_refused),
		cmocka_unit_test(a_server_may_change_to_a_websocket),
		cmocka_unit_test(nobody_else_changes_the_protocol),
		cmocka_unit_test(a_connection_is_kept_if_nothing_is_left_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
