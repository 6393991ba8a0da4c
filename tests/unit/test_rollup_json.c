/* What applications of a rollup say and hear as JSON. */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "guest/rollup_json.h"

static void
a_request_is_read(void **state)
{
	unsigned char payload[] = { 'a', '"', '\\', '\n', 0xff, 0xc3, 0xa9 };
	struct rollup_io_request r = { .type = ROLLUP_IO_ADVANCE,
		.block_number = 1,
		.timestamp = 2,
		.epoch_index = 3,
		.input_index = UINT64_MAX,
		.payload = payload,
		.len = sizeof(payload) };
	buf_auto struct buf b = { 0 };

	(void)state;
	memset(r.sender, 0xab, sizeof(r.sender));
	rollup_json_put_request(&b, &r, ROLLUP_JSON_HEX);
	assert_string_equal(buf_text(&b),
	    "{\"request_type\":\"advance_state\",\"data\":{\"metadata\":"
	    "{\"msg_sender\":\"0xabababababababababababababababababababab\","
	    "\"epoch_index\":3,\"input_index\":18446744073709551615,"
	    "\"block_number\":1,\"timestamp\":2},"
	    "\"payload\":\"0x61225c0affc3a9\"}}");
	buf_reset(&b);
	r.type = ROLLUP_IO_INSPECT;
	rollup_json_put_request(&b, &r, ROLLUP_JSON_TEXT);
	assert_string_equal(buf_text(&b),
	    "{\"request_type\":\"inspect_state\",\"data\":{\"payload\":"
	    "\"a\\\"\\\\\\u000a\\udcff\xc3\xa9\"}}");
	buf_reset(&b);
	r.len = 0;
	rollup_json_put_request(&b, &r, ROLLUP_JSON_HEX);
	assert_string_equal(buf_text(&b),
	    "{\"request_type\":\"inspect_state\",\"data\":{\"payload\":\"0x\""
	    "}}");
}

static void
digits_become_text(void **state)
{
	buf_auto struct buf b = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(rollup_json_put_text(&b,
			     "{\"data\":{\"x\":1,\"payload\":\"0x6122ff\"}}",
			     &e),
	    0);
	assert_string_equal(buf_text(&b),
	    "{\"data\":{\"x\":1,\"payload\":\"a\\\"\\udcff\"}}");
	buf_reset(&b);
	assert_int_equal(rollup_json_put_text(&b, "{\"payload\":\"0x\"}", &e),
	    0);
	assert_string_equal(buf_text(&b), "{\"payload\":\"\"}");
	assert_int_equal(rollup_json_put_text(&b, "{}", &e), -1);
	assert_int_equal(rollup_json_put_text(&b, "{\"payload\":\"0x0", &e),
	    -1);
	assert_int_equal(rollup_json_put_text(&b, "{\"payload\":\"0x0\"}", &e),
	    -1);
}

static void
a_status_is_accept_or_reject(void **state)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"status\":1}",
		"{\"status\":\"accepted\"}", "{\"status\":\"accept\"} x" };
	bool accept;
	struct err e;

	(void)state;
	assert_int_equal(
	    rollup_json_get_status("{\"status\":\"accept\"}", 19, &accept, &e),
	    0);
	assert_true(accept);
	assert_int_equal(
	    rollup_json_get_status("{\"status\":\"reject\"}", 19, &accept, &e),
	    0);
	assert_false(accept);
	for (size_t i = 0; i < nitems(bad); i++)
		assert_int_equal(
		    rollup_json_get_status(bad[i], strlen(bad[i]), &accept, &e),
		    -1);
}

static int
output(const char *text, enum rollup_json_as as, unsigned char *address,
    struct buf *payload)
{
	struct err e;

	buf_reset(payload);
	return rollup_json_get_output(text, strlen(text), as, address, payload,
	    &e);
}

static void
an_output_is_read(void **state)
{
	static const char *const bad[] = { "{\"payload\":\"00\"}",
		"{\"payload\":\"0x0\"}", "{\"payload\":\"0x0g\"}",
		"{\"payload\":5}", "{}", "\"0x00\"" };
	unsigned char address[ROLLUP_IO_ADDRESS];
	buf_auto struct buf b = { 0 };

	(void)state;
	assert_int_equal(
	    output("{\"payload\":\"0x00fF\"}", ROLLUP_JSON_HEX, NULL, &b), 0);
	assert_int_equal(b.len, 2);
	assert_memory_equal(b.data, "\0\xff", 2);
	assert_int_equal(
	    output("{\"payload\":\"0x\"}", ROLLUP_JSON_HEX, NULL, &b), 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(output("{\"payload\":\"0x\\u0000\\n\"}",
			     ROLLUP_JSON_TEXT, NULL, &b),
	    0);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "0x\0\n", 4);
	for (size_t i = 0; i < nitems(bad); i++)
		assert_int_equal(output(bad[i], ROLLUP_JSON_HEX, NULL, &b), -1);
	assert_int_equal(output("{\"address\":\"0x1111111111111111111111111111"
				"111111111111\",\"payload\":\"0x01\"}",
			     ROLLUP_JSON_HEX, address, &b),
	    0);
	assert_int_equal(address[19], 0x11);
	assert_int_equal(output("{\"address\":\"0x11\",\"payload\":\"0x01\"}",
			     ROLLUP_JSON_HEX, address, &b),
	    -1);
	assert_int_equal(
	    output("{\"payload\":\"0x01\"}", ROLLUP_JSON_HEX, address, &b), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read),
		cmocka_unit_test(digits_become_text),
		cmocka_unit_test(a_status_is_accept_or_reject),
		cmocka_unit_test(an_output_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
