#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/channel.h"
#include "messages/base64.h"
#include "messages/channel_json.h"
#include "messages/frame.h"
#include "runtime/denials.h"
#include "runtime/function.h"
#include "tests/unit/unit.h"

static void
frames_come_whole_however_they_are_cut(void **state)
{
	struct buf all = { 0 };
	struct err e;

	(void)state;
	channel_put(&all, CHANNEL_BODY, "hello", 5);
	channel_put(&all, CHANNEL_BODY_END, NULL, 0);
	channel_put(&all, 4242, "x", 1);
	for (size_t step = 1; step <= all.len; step++) {
		struct channel_reader r = { .max = 0 };
		struct channel_frame f;
		uint32_t kinds[3];
		size_t n = 0;

		for (size_t at = 0; at < all.len; at += step) {
			channel_feed(&r, all.data + at,
			    all.len - at < step ? all.len - at : step);
			while (channel_next(&r, &f, &e) == 1) {
				if (n == 0)
					assert_memory_equal(f.payload, "hello",
					    5);
				kinds[n++] = f.kind;
			}
		}
		assert_int_equal(n, 3);
		assert_int_equal(kinds[0], CHANNEL_BODY);
		assert_int_equal(kinds[1], CHANNEL_BODY_END);
		assert_int_equal(kinds[2], 4242);
		channel_reader_fini(&r);
	}
	buf_fini(&all);
}

static void
a_length_above_the_bound_is_the_machines_fault(void **state)
{
	struct channel_reader r = { .max = 0 };
	struct channel_frame f;
	struct err e;

	(void)state;
	channel_feed(&r, "\x01\x00\x10\x00\xea\x03\x00\x00", 8);
	assert_int_equal(channel_next(&r, &f, &e), -1);
	assert_int_equal(e.code, ERR_GUEST);
	assert_string_equal(e.text,
	    "channel: a frame of 1048577 bytes, at most 1048576");
	channel_reader_fini(&r);
}

static void
nonces_count_by_one(void **state)
{
	struct channel_dialogue d = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(channel_dialogue_send(&d), 1);
	assert_int_equal(channel_dialogue_receive(&d, "2", &e), 0);
	assert_int_equal(channel_dialogue_receive(&d, "2", &e), -1);
	assert_int_equal(channel_dialogue_receive(&d, "3.0", &e), -1);
	assert_int_equal(channel_dialogue_receive(&d, NULL, &e), -1);
	assert_string_equal(e.text, "invalid dialogue nonce");
	assert_int_equal(channel_dialogue_receive(&d, "3", &e), 0);
}

static struct channel_json *
parse(const char *text)
{
	struct err e;

	return channel_json_parse(text, strlen(text), &e);
}

static void
json_is_read_as_the_peers_write_it(void **state)
{
	struct channel_json *v = parse(
	    "{\"Balance\":10000000000000000000000000,\"kind\":1,\"KIND\":2,"
	    "\"s\":\"\\u0041\\ud83d\\ude00\\ud800\",\"l\":[null,true,-1.5e3]}");

	(void)state;
	assert_non_null(v);
	assert_string_equal(channel_json_text(v, "balance"),
	    "10000000000000000000000000");
	assert_string_equal(channel_json_text(v, "Kind"), "2");
	assert_string_equal(channel_json_text(v, "S"),
	    "A\xf0\x9f\x98\x80\xef\xbf\xbd");
	assert_int_equal(channel_json_get(v, "l")->len, 3);
	assert_string_equal(channel_json_get(v, "l")->item[2]->text, "-1.5e3");
	assert_null(channel_json_get(v, "absent"));
	channel_json_free(v);
}

static void
json_that_is_broken_is_refused(void **state)
{
	static const char *const bad[] = { "", "{", "[1,]", "{\"a\"}",
		"{\"a\":}", "{a:1}", "01", "-", "1.", "1e", "\"", "\"\\x\"",
		"\"\x01\"", "nul", "[1]x", "[1 2]", "{\"a\":1 \"b\":2}",
		"\"\\u12\"" };
	char deep[100];

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++)
		if (parse(bad[i]) != NULL)
			fail_msg("accepted %s", bad[i]);
	memset(deep, '[', 64);
	deep[64] = '\0';
	assert_null(parse(deep));
}

static void
base64_is_strict(void **state)
{
	size_t len;
	char *data = base64_bytes("aGk=", strlen("aGk="), &len);

	(void)state;
	assert_int_equal(len, 2);
	assert_memory_equal(data, "hi", 2);
	free(data);
	assert_null(base64_bytes("aGk", strlen("aGk"), &len));
	assert_null(base64_bytes("aG?=", strlen("aG?="), &len));
	data = base64_text("hi", 2);
	assert_string_equal(data, "aGk=");
	free(data);
}

static void
our_own_frames_are_bounded(void **state)
{
	struct buf body = { 0 };
	struct frame f;
	struct err e;
	int sock[2], null[3] = { 0, 1, 2 };

	(void)state;
	assert_int_equal(frame_pair(sock, &e), 0);
	buf_put_str(&body, "text");
	assert_int_equal(frame_send(sock[0], 7, 9, &body, null, 3, &e), 0);
	assert_int_equal(frame_recv(sock[1], &f, &e), 1);
	assert_int_equal(f.type, 7);
	assert_int_equal(f.serial, 9);
	assert_int_equal(f.nfds, 3);
	frame_fini(&f);
	/* A record without a head, and one that is too long. */
	assert_int_equal(send(sock[0], "x", 1, 0), 1);
	assert_int_equal(frame_recv(sock[1], &f, &e), -1);
	assert_string_equal(e.text, "frame: cut or malformed");
	for (size_t i = 0; i < FRAME_BODY_MAX; i++)
		buf_put_u8(&body, 0);
	assert_int_equal(frame_send(sock[0], 7, 9, &body, NULL, 0, &e), -1);
	close(sock[0]);
	assert_int_equal(frame_recv(sock[1], &f, &e), 0);
	close(sock[1]);
	buf_fini(&body);
}

static void
requests_on_the_command_line_are_checked(void **state)
{
	static const char *const bad[] = { "", "GET", "GET x", "get /",
		"GET  /", "GET /a b", "GET /a#b", "GET /\r\nX: y",
		"AVERYLONGMETHODNAME /" };
	struct function_request r;
	struct err e;

	(void)state;
	assert_int_equal(function_parse_request("POST /a?b=c?d", false, &r, &e),
	    0);
	assert_string_equal(r.method, "POST");
	assert_string_equal(r.path, "/a");
	assert_string_equal(r.query, "b=c?d");
	assert_int_equal(function_parse_request(NULL, true, &r, &e), 0);
	assert_string_equal(r.method, "POST");
	for (size_t i = 0; i < nitems(bad); i++)
		assert_int_equal(function_parse_request(bad[i], false, &r, &e),
		    -1);
}

static void
audit_records_are_taken_by_id_and_cannot_be_forged(void **state)
{
	static const char record[] =
	    "audit(1.0:1): auid=4294967295 uid=2000001000 gid=2000001000 "
	    "ses=1 pid=7 comm=\"x\" exe=\"/opt/code/x\" sig=0 arch=c000003e "
	    "syscall=41 compat=0 ip=0x7f code=0x50000";
	static const char forged[] =
	    "audit(1.0:1): auid=1 uid=5 gid=5 pid=7 comm=2073797363616C6C3D31 "
	    "exe=\"/x\" sig=0 arch=c000003e syscall=2 compat=0 ip=0x7f "
	    "code=0x50000";
	uint32_t arch;
	int nr;

	(void)state;
	assert_true(
	    denials_parse(record, strlen(record), 2000001000, &arch, &nr));
	assert_int_equal(nr, 41);
	assert_int_equal(arch, 0xc000003e);
	assert_false(denials_parse(record, strlen(record), 1000, &arch, &nr));
	assert_true(denials_parse(forged, strlen(forged), 5, &arch, &nr));
	assert_int_equal(nr, 2);
	assert_false(denials_parse("", 0, 0, &arch, &nr));
	assert_false(denials_parse(record, 40, 2000001000, &arch, &nr));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_whole_however_they_are_cut),
		cmocka_unit_test(
		    a_length_above_the_bound_is_the_machines_fault),
		cmocka_unit_test(nonces_count_by_one),
		cmocka_unit_test(json_is_read_as_the_peers_write_it),
		cmocka_unit_test(json_that_is_broken_is_refused),
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(our_own_frames_are_bounded),
		cmocka_unit_test(requests_on_the_command_line_are_checked),
		cmocka_unit_test(
		    audit_records_are_taken_by_id_and_cannot_be_forged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
