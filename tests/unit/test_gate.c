/* What reaches the HTTP library, and what does not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "runtime/gate.h"

struct outcome {
	struct buf out;
	int status;
	uint64_t nheads;
	enum gate_state state;
};

static struct outcome
pass(const char *text, size_t len, size_t piece)
{
	struct gate g = { .state = GATE_BETWEEN };
	struct outcome o = { .status = 0 };
	size_t n;
	int r = 0;

	for (size_t at = 0; at < len && r == 0; at += n) {
		n = len - at < piece ? len - at : piece;
		r = gate_feed(&g, text + at, n, &o.out);
	}
	o.status = r == 0 ? 0 : g.status;
	o.nheads = g.nheads;
	o.state = g.state;
	assert_true(r == 0 || (g.status >= 400 && g.why != NULL));
	gate_fini(&g);
	return o;
}

#define HEAD "POST /a HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

/* However it is cut: the same comes out. */
static void
expect_passes(const char *text, const char *want, uint64_t nheads)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		struct outcome o = pass(text, strlen(text), piece);

		if (o.status != 0)
			fail_msg("refused with %d: %s", o.status, text);
		assert_string_equal(buf_text(&o.out), want);
		assert_int_equal(o.nheads, nheads);
		assert_int_equal(o.state, GATE_BETWEEN);
		buf_fini(&o.out);
	}
}

static void
whole_requests_pass(void **state)
{
	static const char *const same[] = { "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
		HEAD "Content-Length: 5\r\n\r\nhello",
		HEAD "content-LENGTH:0005\t \r\n\r\nhello",
		HEAD "X: \xc3\xa9\t y\r\nX:\r\n\r\n",
		CHUNKED "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
		"GET /vm/%00..%2f?a=%zz&b=\"<>\\^`{|} HTTP/1.1\r\nHost: "
		"[::1]:80\r\n\r\n" };

	(void)state;
	for (size_t i = 0; i < nitems(same); i++)
		expect_passes(same[i], same[i], 1);
	/* Pipelined: each by itself. */
	expect_passes(HEAD "Content-Length: 1\r\n\r\nx"
			   "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	    HEAD "Content-Length: 1\r\n\r\nx"
		 "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	    2);
}

static void
what_means_the_same_is_written_in_one_way(void **state)
{
	(void)state;
	expect_passes(CHUNKED "00A;x=\"y\"\r\n0123456789\r\n000;z\r\n"
			      "Content-Length: 7\r\n\r\n",
	    CHUNKED "a\r\n0123456789\r\n0\r\n\r\n", 1);
	expect_passes("\r\nGET http://X:80/a?b HTTP/1.1\r\nHost: x:80\r\n\r\n",
	    "GET /a?b HTTP/1.1\r\nHost: x:80\r\n\r\n", 1);
}

static const struct {
	int status;
	const char *text;
} refused[] = {
	/* Two lengths, or a length in two ways. */
	{ 400, HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx" },
	{ 400, HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx" },
	{ 400, HEAD "Content-Length: 1, 1\r\n\r\nx" },
	{ 400, HEAD "Content-Length: +1\r\n\r\nx" },
	{ 400, HEAD "Content-Length: -1\r\n\r\nx" },
	{ 400, HEAD "Content-Length: 0x1\r\n\r\nx" },
	{ 400, HEAD "Content-Length: 1 1\r\n\r\nx" },
	{ 400, HEAD "Content-Length:\r\n\r\nx" },
	{ 400, HEAD "Content-Length: 9999999999999999999\r\n\r\nx" },
	{ 400, HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ 400, HEAD "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n" },
	{ 400,
	    HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n" },
	{ 501, HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n" },
	{ 501, HEAD "Transfer-Encoding: xchunked\r\n\r\n" },
	{ 501, HEAD "Transfer-Encoding:\r\n\r\n" },
	{ 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" },
	/* Headers that hide from one reader. */
	{ 400, HEAD "Content-Length : 1\r\n\r\nx" },
	{ 400, HEAD " Content-Length: 1\r\n\r\nx" },
	{ 400, HEAD "X: y\r\n Content-Length: 1\r\n\r\nx" },
	{ 400, HEAD "X: y\r\n\tz\r\n\r\n" },
	{ 400, HEAD "X\r\n\r\n" },
	{ 400, HEAD ": y\r\n\r\n" },
	{ 400, HEAD "X(: y\r\n\r\n" },
	{ 400, HEAD "X\xc3\xa9: y\r\n\r\n" },
	{ 400, HEAD "X: a\rb\r\n\r\n" },
	{ 400, HEAD "X: a\x01\r\n\r\n" },
	{ 400, HEAD "X: a\x7f\r\n\r\n" },
	{ 400, HEAD "X: y\n\r\n" },
	{ 400, HEAD "X: y\r\n\n" },
	{ 400, "GET / HTTP/1.1\nHost: x\n\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n" },
	{ 400, "\n" },
	{ 400, "\x16\x03\x01" },
	{ 400, "\r\n\r\n" },
	/* Hosts. */
	{ 400, "GET / HTTP/1.1\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: x y\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: a@x\r\n\r\n" },
	{ 400, "GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 400, "GET http://x HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 400, "GET https://x/ HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 400, "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 400, "GET * HTTP/1.1\r\nHost: x\r\n\r\n" },
	/* Request lines. */
	{ 400, "GET /\r\n\r\n" },
	{ 400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 400, "GET / HTTP/1.1 \r\nHost: x\r\n\r\n" },
	{ 400, " GET / HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 400, "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 400, "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 400, "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 400, "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 400, "GET a HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 400, "GET / HTTP/11\r\nHost: x\r\n\r\n" },
	{ 400, "GET / http/1.1\r\nHost: x\r\n\r\n" },
	{ 505, "GET / HTTP/1.9\r\nHost: x\r\n\r\n" },
	{ 505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n" },
	{ 505, "GET / HTTP/0.9\r\nHost: x\r\n\r\n" },
	{ 501, "AVERYLONGMETHODX / HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ 417, HEAD "Expect: the-impossible\r\n\r\n" },
	/* Chunks. */
	{ 400, CHUNKED "\r\n" },
	{ 400, CHUNKED "x\r\n" },
	{ 400, CHUNKED "-1\r\n" },
	{ 400, CHUNKED "0x1\r\n" },
	{ 400, CHUNKED " 1\r\n" },
	{ 400, CHUNKED "1 \r\n" },
	{ 400, CHUNKED "1\n" },
	{ 400, CHUNKED "1;\x01\r\n" },
	{ 400, CHUNKED "fffffffffffff\r\n" },
	{ 400, CHUNKED "1\r\nxy\r\n" },
	{ 400, CHUNKED "1\r\nx\n" },
	{ 400, CHUNKED "0\r\nX\r\n\r\n" },
	{ 400, CHUNKED "0\r\n X: y\r\n\r\n" },
	{ 400, CHUNKED "0\r\n\n" },
};

static void
what_can_be_read_in_two_ways_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < nitems(refused); i++)
		for (size_t piece = 1; piece < 4096; piece = 7 * piece + 1) {
			const char *text = refused[i].text;
			struct outcome o = pass(text, strlen(text), piece);

			if (o.status != refused[i].status)
				fail_msg("%d, not %d: %s", o.status,
				    refused[i].status, text);
			buf_fini(&o.out);
		}
}

static void
a_nul_is_refused_wherever_it_stands(void **state)
{
	static const char request[] = HEAD "X: y\r\n\r\n";

	(void)state;
	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		char text[sizeof(request)];
		struct outcome o;

		memcpy(text, request, sizeof(request));
		text[i] = '\0';
		o = pass(text, sizeof(request) - 1, 4096);
		/* In the place of the last CR or LF the head goes on. */
		assert_true(o.status == 400 || o.nheads == 0);
		buf_fini(&o.out);
	}
}

static void
expect_status(int status, const char *head, const char *line, size_t times,
    const char *tail)
{
	buf_auto struct buf b = { 0 };
	struct outcome o;

	buf_add_str(&b, head);
	for (size_t i = 0; i < times; i++)
		buf_add_str(&b, line);
	buf_add_str(&b, tail);
	o = pass(b.data, b.len, 65536);
	assert_int_equal(o.status, status);
	buf_fini(&o.out);
}

static void
sizes_are_bounded(void **state)
{
	(void)state;
	expect_status(0, HEAD, "X: y\r\n", 99, "\r\n");
	expect_status(431, HEAD, "X: y\r\n", 100, "\r\n");
	expect_status(431, HEAD "X: ", "0123456789", 4000, "\r\n");
	expect_status(414, "GET /", "0123456789", 801,
	    " HTTP/1.1\r\nHost: x\r\n\r\n");
	expect_status(431, "GET /", "0123456789", 100000, "\r\n");
	expect_status(400, CHUNKED "1;", "0123456789", 60, "\r\n");
	expect_status(400, CHUNKED "0\r\n", "X: y\r\n", 200, "\r\n");
}

#define ASKS                                                  \
	"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\n" \
	"Connection: keep-alive , upgrade\r\n\r\n"

/* What comes before the answer waits, and is what the answer makes of it. */
static void
a_tunnel_waits_for_its_answer(void **state)
{
	static const char next[] = "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";

	(void)state;
	for (int tunnel = 0; tunnel < 2; tunnel++) {
		buf_auto struct buf out = { 0 };
		struct gate g = { .state = GATE_BETWEEN };

		assert_int_equal(
		    gate_feed(&g, ASKS "\1\2", sizeof(ASKS) + 1, &out), 0);
		assert_int_equal(g.state, GATE_ASKED);
		assert_string_equal(buf_text(&out), ASKS);
		buf_reset(&out);
		/* Not a request, but nobody looks at it in a tunnel. */
		assert_int_equal(gate_answer(&g, tunnel != 0, &out),
		    tunnel ? 0 : -1);
		assert_string_equal(buf_text(&out), tunnel ? "\1\2" : "");
		assert_int_equal(g.state, tunnel ? GATE_TUNNEL : GATE_REFUSED);
		gate_fini(&g);

		g = (struct gate){ .state = GATE_BETWEEN };
		buf_reset(&out);
		assert_int_equal(gate_feed(&g, ASKS, sizeof(ASKS) - 1, &out),
		    0);
		assert_int_equal(gate_answer(&g, tunnel != 0, &out), 0);
		assert_int_equal(gate_answer(&g, true, &out), 0);
		buf_reset(&out);
		assert_int_equal(gate_feed(&g, next, sizeof(next) - 1, &out),
		    0);
		assert_string_equal(buf_text(&out), next);
		assert_int_equal(g.nheads, tunnel ? 1 : 2);
		gate_fini(&g);
	}
}

static void
only_a_whole_question_asks_for_a_tunnel(void **state)
{
	static const char *const others[] = {
		"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: "
		"upgrade\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: x\r\nUpgrade: websocket\r\n"
		"Connection: upgrade\r\n\r\n",
		"HEAD / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
		"Connection: upgrade\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
		"Connection: upgrades,x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
		"Connection: upgrade\r\nContent-Length: 1\r\n\r\nx",
	};

	(void)state;
	for (size_t i = 0; i < nitems(others); i++)
		expect_passes(others[i], others[i], 1);
	assert_true(gate_is_upgrade("a,\tUPGRADE", "Websocket"));
	assert_false(gate_is_upgrade("", "websocket"));
	assert_false(gate_is_upgrade(NULL, "websocket"));
	assert_false(gate_is_upgrade("upgrade", NULL));
	assert_false(gate_is_upgrade("upgrade", "websocket, h2c"));
	expect_status(400, ASKS, "0123456789", 3300, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_requests_pass),
		cmocka_unit_test(what_means_the_same_is_written_in_one_way),
		cmocka_unit_test(what_can_be_read_in_two_ways_is_refused),
		cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(a_tunnel_waits_for_its_answer),
		cmocka_unit_test(only_a_whole_question_asks_for_a_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
