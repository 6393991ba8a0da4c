/* WebSocket frames, either side; vectors of RFC 6455. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/websocket.h"
#include "tests/unit/unit.h"

#define MAX 1000

/* What came of some bytes, put in step at a time. */
struct came {
	char text[4096]; /* "T:..." or "B:..." for each message */
	int last;        /* of websocket_next() */
	struct err e;
};

static void
hear(struct websocket *w, struct came *c, const void *data, size_t n,
    size_t step)
{
	enum websocket_kind kind;

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < n; i += step) {
		websocket_take(w, (const char *)data + i,
		    n - i < step ? n - i : step);
		while ((c->last = websocket_next(w, &kind, &c->e)) == 1) {
			strcat(c->text, kind == WEBSOCKET_TEXT ? "T:" : "B:");
			strncat(c->text, buf_text(&w->message), 1100);
		}
		if (c->last == -1)
			return;
	}
}

/* In one piece, and byte by byte: the same. */
static void
expect_bytes(bool client, const void *data, size_t n, const char *text,
    const char *error, const void *out, size_t nout)
{
	for (size_t step = n; step >= 1; step = step == 1 ? 0 : 1) {
		struct websocket w;
		struct came c;

		websocket_init(&w, client, MAX, 1);
		hear(&w, &c, data, n, step);
		assert_string_equal(c.text, text);
		if (error == NULL)
			assert_int_equal(c.last, 0);
		else
			assert_string_equal(c.e.text, error);
		if (out != NULL) {
			assert_int_equal(w.out.len, nout);
			assert_memory_equal(w.out.data, out, nout);
		}
		websocket_fini(&w);
	}
}

#define GOOD(client, bytes, text) \
	expect_bytes(client, bytes, sizeof(bytes) - 1, text, NULL, NULL, 0)
#define BAD(client, bytes, error)                          \
	expect_bytes(client, bytes, sizeof(bytes) - 1, "", \
	    "WebSocket: " error, NULL, 0)

/* RFC 6455, 1.3. */
static void
test_accept(void **state)
{
	char accept[WEBSOCKET_ACCEPT];

	(void)state;
	websocket_accept("dGhlIHNhbXBsZSBub25jZQ==", accept);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

/* RFC 6455, 5.7. */
static void
test_examples(void **state)
{
	(void)state;
	GOOD(true, "\x81\x05Hello", "T:Hello");
	GOOD(false, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "T:Hello");
	GOOD(true, "\x01\x03Hel\x80\x02lo", "T:Hello");
	GOOD(true, "\x82\x02\x01\x02\x81\x00", "B:\x01\x02T:");
	/* A ping amid the pieces of a message is answered. */
	expect_bytes(false,
	    "\x01\x81\0\0\0\0a\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
	    "\x80\x81\0\0\0\0b",
	    25, "T:ab", NULL, "\x8a\x05Hello", 7);
}

static void
test_lengths(void **state)
{
	static char data[MAX + 8] = "\x82\x7e\x03\xe8";
	struct websocket w;
	struct came c;

	(void)state;
	memset(data + 4, 'x', MAX);
	websocket_init(&w, true, MAX, 1);
	hear(&w, &c, data, MAX + 4, 7);
	assert_int_equal(strlen(c.text), MAX + 2);
	websocket_fini(&w);
	data[3]++;
	expect_bytes(true, data, 4, "", "WebSocket: a message above the bound",
	    NULL, 0);
}

static void
test_what_is_refused(void **state)
{
	(void)state;
	BAD(true, "\x83\x00", "a frame of no kind that there is");
	BAD(true, "\x8b\x00", "a frame of no kind that there is");
	BAD(true, "\xc1\x00", "a frame of no kind that there is");
	BAD(true, "\x81\x80\0\0\0\0", "a server's frame is masked");
	BAD(false, "\x81\x00", "a client's frame is not masked");
	BAD(true, "\x09\x00", "a control frame in pieces, or above 125 bytes");
	BAD(true, "\x89\x7e\0\x7e",
	    "a control frame in pieces, or above 125 bytes");
	BAD(true, "\x80\x00", "pieces of messages out of order");
	BAD(true, "\x01\x01x\x01\x01x", "pieces of messages out of order");
	BAD(true, "\x81\x02\xc3\x28", "a text not in UTF-8");
	BAD(true, "\x81\x03\xed\xa0\x80", "a text not in UTF-8");
	BAD(true, "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
	    "a message above the bound");
	BAD(true, "\x88\x01x", "a close of one byte");
	BAD(true, "\x88\x02\x03\xed", "no code to close with");
	BAD(true, "\x88\x03\x03\xe8\xff", "a reason not in UTF-8");
	/* The sum of a message's pieces counts. */
	BAD(true, "\x02\x01x\x80\x7e\x03\xe8", "a message above the bound");
	/* A character may lie across pieces. */
	GOOD(true, "\x01\x01\xc3\x80\x01\xa4", "T:\xc3\xa4");
}

static void
test_close(void **state)
{
	struct websocket w;
	struct came c;

	(void)state;
	websocket_init(&w, true, MAX, 1);
	hear(&w, &c,
	    "\x88\x05\x03\xe9"
	    "bye\x81\x01x",
	    10, 10);
	assert_string_equal(c.text, "");
	assert_true(w.closed && w.closing);
	assert_int_equal(w.code, WEBSOCKET_GOING_AWAY);
	assert_int_equal(w.out.len, 8);
	/* Nothing is said after a close. */
	websocket_send(&w, WEBSOCKET_TEXT, "x", 1);
	websocket_ping(&w);
	assert_int_equal(w.out.len, 8);
	websocket_fini(&w);
}

/* What one side says the other hears, at each length's form. */
static void
test_both_sides(void **state)
{
	static char data[70000];
	enum websocket_kind kind;
	struct websocket a, b;
	struct err e;

	(void)state;
	memset(data, 'y', sizeof(data));
	for (int side = 0; side < 2; side++) {
		websocket_init(&a, side == 0, sizeof(data), 0x12345);
		websocket_init(&b, side != 0, sizeof(data), 0x54321);
		for (size_t n = 0; n <= sizeof(data);
		     n = n < 200 ? n + 1 : n * 2) {
			websocket_send(&a, WEBSOCKET_BINARY, data, n);
			websocket_ping(&a);
			websocket_take(&b, a.out.data + a.out.at,
			    a.out.len - a.out.at);
			a.out.at = a.out.len;
			assert_int_equal(websocket_next(&b, &kind, &e), 1);
			assert_int_equal(kind, WEBSOCKET_BINARY);
			assert_int_equal(b.message.len, n);
			assert_memory_equal(
			    b.message.data == NULL ? data : b.message.data,
			    data, n);
			assert_int_equal(websocket_next(&b, &kind, &e), 0);
			/* Its answer to the ping. */
			websocket_take(&a, b.out.data + b.out.at,
			    b.out.len - b.out.at);
			b.out.at = b.out.len;
			assert_int_equal(websocket_next(&a, &kind, &e), 0);
		}
		websocket_fini(&a);
		websocket_fini(&b);
	}
}

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define HEAD "HTTP/1.1 101 Switching Protocols\r\n"
#define FIELDS "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n"

static void
expect_response(const char *text, long wanted, const char *error)
{
	struct err e;

	assert_int_equal(websocket_read_response(text, strlen(text), KEY, &e),
	    wanted);
	if (error != NULL)
		assert_non_null(strstr(e.text, error));
}

static void
test_handshake(void **state)
{
	static const char good[] = HEAD FIELDS ACCEPT "\r\n";
	static char endless[WEBSOCKET_HEAD_MAX + 2];
	buf_auto struct buf b = { 0 };

	(void)state;
	expect_response(good, (long)sizeof(good) - 1, NULL);
	expect_response(HEAD FIELDS ACCEPT "\r\n\x81\x00",
	    (long)sizeof(good) - 1, NULL);
	expect_response(HEAD FIELDS ACCEPT, 0, NULL);
	expect_response("", 0, NULL);
	expect_response(HEAD FIELDS "\r\n", -1, "not that of a WebSocket");
	expect_response(HEAD ACCEPT "\r\n", -1, "not that of a WebSocket");
	expect_response(HEAD FIELDS "Sec-WebSocket-Accept: x\r\n\r\n", -1,
	    "not that of a WebSocket");
	expect_response(HEAD FIELDS ACCEPT
	    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
	    -1, "not that of a WebSocket");
	expect_response("HTTP/1.1 403 Forbidden\r\n\r\n", -1,
	    "it answers \"HTTP/1.1 403 Forbidden\"");
	expect_response("HTTP/1.1 \x1b[2J\r\n\r\n", -1, "HTTP/1.1 \\x1b[2J");
	expect_response("HTTP/1.1 1011\r\n" FIELDS ACCEPT "\r\n", -1,
	    "it answers");
	memset(endless, 'x', sizeof(endless) - 1);
	expect_response(endless, -1, "no HTTP");
	websocket_put_request(&b, "h:1", "/a?b", KEY);
	assert_non_null(
	    strstr(buf_text(&b), "GET /a?b HTTP/1.1\r\nHost: h:1\r\n"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_both_sides),
		cmocka_unit_test(test_handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
