/* What gRPC adds to HTTP/2, as bytes and texts; protocol buffers below it. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/grpc.h"
#include "messages/proto/grpc/health/v1/health.pb-c.h"
#include "messages/proto/grpc/reflection/v1/reflection.pb-c.h"
#include "messages/proto_set.h"
#include "messages/proto_message.h"
#include "messages/protobuf.h"
#include "tests/unit/unit.h"

/* ---- texts ---- */

static void
timeouts_are_digits_and_a_unit(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = { { "1n", 1 }, { "0S", 0 }, { "250m", 250000000 },
		{ "3u", 3000 }, { "2S", 2000000000 }, { "1M", 60000000000 },
		{ "1H", 3600000000000 }, { "99999999S", 99999999000000000 },
		{ "99999999H", UINT64_MAX } };
	static const char *const bad[] = { "", "1", "S", "1s", "-1S", "+1S",
		" 1S", "1 S", "1.5S", "123456789S", "1SS", "0x1S" };
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < nitems(good); i++) {
		assert_true(
		    grpc_timeout(good[i].text, strlen(good[i].text), &ns));
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < nitems(bad); i++)
		assert_false(grpc_timeout(bad[i], strlen(bad[i]), &ns));
}

static void
sentences_come_back_as_they_were(void **state)
{
	static const struct {
		const char *plain, *encoded;
	} both[] = { { "session is tainted", "session is tainted" },
		{ "100%", "100%25" }, { "a\r\nb", "a%0D%0Ab" },
		{ "\xc3\xa4 ~", "%C3%A4 ~" }, { "", "" } };

	(void)state;
	for (size_t i = 0; i < nitems(both); i++) {
		buf_auto struct buf out = { 0 }, back = { 0 };

		grpc_message_encode(&out, both[i].plain);
		assert_string_equal(buf_text(&out), both[i].encoded);
		grpc_message_decode(&back, out.data, out.len);
		assert_string_equal(buf_text(&back), both[i].plain);
	}
}

static void
what_is_no_escape_stays(void **state)
{
	static const char text[] = "%4 %zz %e4%";
	buf_auto struct buf back = { 0 };

	(void)state;
	grpc_message_decode(&back, text, strlen(text));
	assert_string_equal(buf_text(&back), "%4 %zz \xe4%");
}

/* RFC 4648, 10. */
static void
binary_fields_are_base64(void **state)
{
	static const struct {
		const char *text, *bytes;
	} good[] = { { "", "" }, { "Zg", "f" }, { "Zg==", "f" },
		{ "Zm8", "fo" }, { "Zm8=", "fo" }, { "Zm9v", "foo" },
		{ "Zm9vYmFy", "foobar" } };
	static const char *const bad[] = { "Z", "Zg=", "Zh", "Zm9",
		"Zm9v=", "Zm 9", "Z===", "====", "Zg==Zg==", "-_" };

	(void)state;
	for (size_t i = 0; i < nitems(good); i++) {
		buf_auto struct buf out = { 0 };

		assert_true(grpc_binary_decode(&out, good[i].text,
		    strlen(good[i].text)));
		assert_string_equal(buf_text(&out), good[i].bytes);
	}
	for (size_t i = 0; i < nitems(bad); i++) {
		buf_auto struct buf out = { 0 };

		assert_false(grpc_binary_decode(&out, bad[i], strlen(bad[i])));
	}
}

static void
statuses_have_names(void **state)
{
	(void)state;
	assert_string_equal(grpc_status_name(GRPC_OK), "OK");
	assert_string_equal(grpc_status_name(15), "DATA_LOSS");
	assert_string_equal(grpc_status_name(GRPC_STATUSES), "?");
}

/* ---- messages in a stream ---- */

#define MAX 300

/* Each message and a bar behind it; the last answer. */
static enum grpc_read
read_all(const char *data, size_t len, size_t step, struct buf *out)
{
	enum grpc_read r = GRPC_READ_MORE;
	struct grpc_reader reader;

	grpc_reader_init(&reader, MAX);
	for (size_t at = 0; at < len && r <= GRPC_READ_MESSAGE; at += step) {
		const char *p = data + at;
		size_t n = len - at < step ? len - at : step;

		while ((r = grpc_reader_feed(&reader, &p, &n)) ==
			GRPC_READ_STARTED ||
		    r == GRPC_READ_MESSAGE)
			if (r == GRPC_READ_MESSAGE) {
				buf_add(out, reader.message.data,
				    reader.message.len);
				buf_add_char(out, '|');
				grpc_reader_next(&reader);
			}
	}
	if (!grpc_reader_is_between(&reader))
		buf_add_char(out, '+');
	grpc_reader_fini(&reader);
	return r;
}

static void
expect_read(const char *data, size_t len, enum grpc_read last,
    const char *wanted)
{
	for (size_t step = 1; step <= len; step++) {
		buf_auto struct buf out = { 0 };

		assert_int_equal(read_all(data, len, step, &out), last);
		assert_string_equal(buf_text(&out), wanted);
	}
}
#define EXPECT_READ(data, last, wanted) \
	expect_read(data, sizeof(data) - 1, last, wanted)

static void
messages_come_out_however_they_are_cut(void **state)
{
	(void)state;
	EXPECT_READ("\0\0\0\0\2hi", GRPC_READ_MORE, "hi|");
	EXPECT_READ("\0\0\0\0\0", GRPC_READ_MORE, "|");
	EXPECT_READ("\0\0\0\0\0\0\0\0\0\1x\0\0\0\0\0", GRPC_READ_MORE, "|x||");
	EXPECT_READ("\0\0\0\0\2h", GRPC_READ_MORE, "+");
	EXPECT_READ("\0\0\0", GRPC_READ_MORE, "+");
}

static void
other_messages_are_refused(void **state)
{
	(void)state;
	EXPECT_READ("\0\0\0\1\x2d", GRPC_READ_TOO_LONG, "+");
	EXPECT_READ("\0\xff\xff\xff\xff", GRPC_READ_TOO_LONG, "+");
	EXPECT_READ("\1\0\0\0\1x", GRPC_READ_COMPRESSED, "+");
	EXPECT_READ("\2\0\0\0\1x", GRPC_READ_MALFORMED, "+");
}

static void
prefixes_are_read_as_they_are_written(void **state)
{
	uint8_t out[GRPC_PREFIX];

	(void)state;
	grpc_prefix(out, 0x01020304);
	assert_memory_equal(out, "\0\1\2\3\4", sizeof(out));
}

/* ---- protocol buffers ---- */

static void
all_kinds_of_fields_are_read(void **state)
{
	static const unsigned char data[] = { 0x08, 0x96, 0x01, /* 1: 150 */
		0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1a, 2, 'h', 'i', 0x25, 1, 0, 0,
		0x80, 0x28, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 1 };
	struct protobuf_reader r = { data, sizeof(data) };
	struct protobuf_field f;

	(void)state;
	assert_int_equal(protobuf_next(&r, &f), 1);
	assert_true(f.number == 1 && f.value == 150);
	assert_int_equal(protobuf_next(&r, &f), 1);
	assert_true(f.number == 2 && f.value == 0x0807060504030201);
	assert_int_equal(protobuf_next(&r, &f), 1);
	assert_true(f.number == 3 && f.len == 2 && f.data[1] == 'i');
	assert_int_equal(protobuf_next(&r, &f), 1);
	assert_true(f.number == 4 && f.value == 0x80000001);
	assert_int_equal(protobuf_next(&r, &f), 1);
	assert_true(f.number == 5 && f.value == UINT64_MAX);
	assert_int_equal(protobuf_next(&r, &f), 0);
}

static void
malformed_fields_are_refused(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} bad[] = { { "\x08", 1 }, { "\x08\x80", 2 }, { "\x0a\x02x", 3 },
		{ "\x00\x01", 2 }, { "\x0b", 1 }, { "\x0c", 1 }, { "\x0e", 1 },
		{ "\x09\1\2\3", 4 }, { "\x0d\1\2\3", 4 },
		{ "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11 },
		{ "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12 },
		{ "\xf8\xff\xff\xff\xff\x01\x01", 7 } };

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		struct protobuf_reader r = { (const unsigned char *)bad[i].data,
			bad[i].len };
		struct protobuf_field f;

		assert_int_equal(protobuf_next(&r, &f), -1);
	}
}

static void
refuse(const ProtobufCMessageDescriptor *d, const void *data, size_t len,
    const char *why)
{
	struct err e;

	assert_null(proto_message_unpack(d, data, len, &e));
	assert_string_equal(e.text, why);
}

#define HEALTH &grpc__health__v1__health_check_request__descriptor
#define REFLECTION &grpc__reflection__v1__server_reflection_request__descriptor

static void
texts_are_texts(void **state)
{
	Grpc__Health__V1__HealthCheckRequest *r;
	struct err e;

	(void)state;
	r = (void *)proto_message_unpack(HEALTH, "\x0a\x03\xe2\x82\xac", 5, &e);
	assert_non_null(r);
	assert_string_equal(r->service, "\xe2\x82\xac");
	proto_message_free(&r->base);
	refuse(HEALTH,
	    "\x0a\x03"
	    "a\0b",
	    5, "grpc.health.v1.HealthCheckRequest.service is no text");
	refuse(HEALTH, "\x0a\x02\xe2\x82", 4,
	    "grpc.health.v1.HealthCheckRequest.service is no text");
	/* Of an inner message, too. */
	refuse(REFLECTION, "\x2a\x03\x0a\x01\xff", 5,
	    "grpc.reflection.v1.ExtensionRequest.containing_type is no text");
	refuse(REFLECTION, "\x2a\x02\x0a\x05", 4,
	    "grpc.reflection.v1.ExtensionRequest is malformed");
	/* A known field of another kind: the library's to refuse. */
	refuse(HEALTH, "\x08\x01\x08", 3,
	    "grpc.health.v1.HealthCheckRequest is malformed");
}

static void
fields_are_counted(void **state)
{
	buf_auto struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < PROTO_MESSAGE_FIELDS + 1; i++)
		buf_add(&b, "\x78\x01", 2);
	refuse(HEALTH, b.data, b.len, "more than 16384 fields");
	/* Unknown ones are kept, as the protocol wants it. */
	proto_message_free(proto_message_unpack(HEALTH, b.data, b.len - 2,
	    &(struct err){ 0 }));
}

/* ---- files ---- */

static const unsigned char set_data[] = {
#include "messages/proto_set.inc"
};
static const struct protobuf_reader set = { set_data, sizeof(set_data) - 1 };

static struct proto_set_name
name_of(const char *text)
{
	return (struct proto_set_name){ text, strlen(text) };
}

static void
symbols_are_found_in_their_files(void **state)
{
	static const char *const there[] = { "grpc.health.v1.Health",
		"grpc.health.v1.Health.Check",
		"grpc.health.v1.HealthCheckResponse",
		"grpc.health.v1.HealthCheckResponse.status",
		"grpc.health.v1.HealthCheckResponse.ServingStatus" };
	static const char *const missing[] = { "", ".", "grpc",
		"grpc.health.v1", "grpc.health.v1.", "grpc.health.v1.Health.",
		"grpc.health.v1.Health.Check.x", "grpc.health.v1.Healt",
		"grpc.health.v1.HealthX", "grpc.health.v1.Health.Checks",
		".grpc.health.v1.Health" };
	struct proto_set_file health, f;

	(void)state;
	assert_true(proto_set_file(set, name_of("grpc/health/v1/health.proto"),
	    &health));
	for (size_t i = 0; i < nitems(there); i++) {
		assert_true(proto_set_symbol(set, name_of(there[i]), &f));
		assert_ptr_equal(f.data, health.data);
	}
	for (size_t i = 0; i < nitems(missing); i++)
		assert_false(proto_set_symbol(set, name_of(missing[i]), &f));
	assert_false(proto_set_file(set, name_of("health.proto"), &f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeouts_are_digits_and_a_unit),
		cmocka_unit_test(sentences_come_back_as_they_were),
		cmocka_unit_test(what_is_no_escape_stays),
		cmocka_unit_test(binary_fields_are_base64),
		cmocka_unit_test(statuses_have_names),
		cmocka_unit_test(messages_come_out_however_they_are_cut),
		cmocka_unit_test(other_messages_are_refused),
		cmocka_unit_test(prefixes_are_read_as_they_are_written),
		cmocka_unit_test(all_kinds_of_fields_are_read),
		cmocka_unit_test(malformed_fields_are_refused),
		cmocka_unit_test(texts_are_texts),
		cmocka_unit_test(fields_are_counted),
		cmocka_unit_test(symbols_are_found_in_their_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
