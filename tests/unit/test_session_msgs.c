/* What is said of sessions between processes, and to people. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/proto/server-manager.pb-c.h"
#include "messages/proto_json.h"
#include "messages/proto_message.h"
#include "messages/session_msgs.h"
#include "messages/value.h"
#include "runtime/machine_dir.h"

static void
a_request_comes_as_it_was(void **state)
{
	static struct session_msgs m, got;
	buf_auto struct buf b = { 0 };
	struct buf r;

	(void)state;
	m.what = SESSION_MSGS_ADVANCE;
	strcpy(m.peer, "ipv4:127.0.0.1:1");
	strcpy(m.id, "id");
	strcpy(m.directory, "/d");
	m.epoch = 3;
	m.number = UINT64_MAX;
	m.has_cycles = m.has_metadata = true;
	for (int i = 0; i < SESSION_MSGS_CYCLES; i++)
		m.cycles[i] = 10 + (uint64_t)i;
	for (int i = 0; i < SESSION_MSGS_DEADLINES; i++)
		m.deadlines[i] = 20 + (uint64_t)i;
	m.sender_len = 20;
	memset(m.metadata.sender.byte, 7, sizeof(m.metadata.sender.byte));
	m.metadata.block_number = 1;
	m.metadata.timestamp = 2;
	m.metadata.epoch_index = 3;
	m.metadata.input_index = 4;
	session_msgs_put(&b, &m);
	r = buf_over(b.data, b.len);
	session_msgs_get(&r, &got);
	assert_true(buf_ok(&r));
	assert_memory_equal(&m, &got, sizeof(m));
	for (size_t len = 0; len < b.len; len++) {
		r = buf_over(b.data, len);
		session_msgs_get(&r, &got);
		assert_false(buf_ok(&r));
	}
	b.data[0] = SESSION_MSGS_WHATS;
	r = buf_over(b.data, b.len);
	session_msgs_get(&r, &got);
	assert_false(buf_ok(&r));
}

static void
ranges_come_as_they_were(void **state)
{
	struct buf in[MACHINE_RANGES] = { { 0 } },
		   out[MACHINE_RANGES] = { { 0 } };
	buf_auto struct buf b = { 0 };
	struct err e;

	(void)state;
	for (int i = 0; i < MACHINE_RANGES; i++)
		for (int k = 0; k < i; k++)
			buf_add_char(&in[i], (char)k);
	machine_dir_put_content(&b, in);
	assert_int_equal(machine_dir_read_content(b.data, b.len, out, &e), 0);
	for (int i = 0; i < MACHINE_RANGES; i++) {
		assert_int_equal(out[i].len, i);
		if (i > 0)
			assert_memory_equal(out[i].data, in[i].data, (size_t)i);
	}
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(machine_dir_read_content(b.data, len, out, &e),
		    -1);
	for (int i = 0; i < MACHINE_RANGES; i++) {
		buf_fini(&in[i]);
		buf_fini(&out[i]);
	}
}

static void
a_machine_has_the_hash_that_the_documents_say(void **state)
{
	static struct machine_dir m;
	struct manifest empty = { .len = 0 };
	const struct manifest_record root = { .path = (char *)(uintptr_t) "",
		.type = MANIFEST_DIRECTORY,
		.mode = 0755 };
	struct session_parts parts;
	struct merkle_hash hash;
	char hex[65];
	struct err e;

	(void)state;
	machine_config_default(&m.config);
	manifest_put(&empty, &root);
	assert_int_equal(machine_dir_parts(&empty, &m.config, &parts, &e), 0);
	assert_int_equal(machine_dir_hash(&m, &parts, &hash, &e), 0);
	str_hex(hex, hash.byte, sizeof(hash.byte));
	assert_string_equal(hex,
	    "a8f9a4aaa02183d2d3fc000a778d80370be788b65856125fdacea67412620ef"
	    "0");
	m.config.range[MACHINE_TX].length++;
	assert_int_equal(machine_dir_hash(&m, &parts, &hash, &e), -1);
	m.config.range[MACHINE_TX].length--;
	m.config.range[MACHINE_TX].start = m.config.range[MACHINE_RX].start;
	assert_int_equal(machine_dir_hash(&m, &parts, &hash, &e), -1);
	m.config.drive_length = 64;
	assert_int_equal(machine_dir_parts(&empty, &m.config, &parts, &e), -1);
	assert_int_equal(e.code, ERR_QUOTA);
	manifest_fini(&empty);
}

/* ---- JSON ---- */

static char *
json_of(const ProtobufCMessage *m)
{
	buf_auto struct buf bytes = { 0 }, text = { 0 };
	struct err e;

	proto_message_pack(&bytes, m);
	assert_int_equal(proto_json_put(&text, m->descriptor, buf_text(&bytes),
			     bytes.len, &e),
	    0);
	return str_dup(buf_text(&text));
}

static void
a_reply_is_read_as_json(void **state)
{
	CartesiServerManager__GetSessionStatusResponse r =
	    CARTESI_SERVER_MANAGER__GET_SESSION_STATUS_RESPONSE__INIT;
	CartesiServerManager__TaintStatus taint =
	    CARTESI_SERVER_MANAGER__TAINT_STATUS__INIT;
	uint64_t epochs[] = { 0, 1, UINT64_MAX };
	char *text;

	(void)state;
	text = json_of(&r.base);
	assert_string_equal(text,
	    "{\"session_id\":\"\",\"active_epoch_index\":0,"
	    "\"epoch_index\":[]}");
	free(text);
	r.session_id = (char *)(uintptr_t) "a\"\\\x01\xc3\xa9";
	r.active_epoch_index = UINT64_C(1) << 53;
	r.epoch_index = epochs;
	r.n_epoch_index = 3;
	taint.error_code = -1;
	r.taint_status = &taint;
	text = json_of(&r.base);
	assert_string_equal(text,
	    "{\"session_id\":\"a\\\"\\\\\\u0001\xc3\xa9\","
	    "\"active_epoch_index\":9007199254740992,\"epoch_index\":[0,1,"
	    "\"18446744073709551615\"],\"taint_status\":{\"error_code\":-1,"
	    "\"error_message\":\"\"}}");
	free(text);
}

static void
bytes_are_digits_and_one_of_several_is_there_or_not(void **state)
{
	CartesiServerManager__ProcessedInput p =
	    CARTESI_SERVER_MANAGER__PROCESSED_INPUT__INIT;
	CartesiServerManager__Report report =
					 CARTESI_SERVER_MANAGER__REPORT__INIT,
				     *reports[] = { &report };
	CartesiMachine__Hash hash = CARTESI_MACHINE__HASH__INIT;
	unsigned char bytes[] = { 0, 0xff };
	char *text;

	(void)state;
	hash.data = (ProtobufCBinaryData){ 2, bytes };
	report.payload = hash.data;
	p.most_recent_machine_hash = &hash;
	p.reports = reports;
	p.n_reports = 1;
	p.status = CARTESI_SERVER_MANAGER__COMPLETION_STATUS__EXCEPTION;
	text = json_of(&p.base);
	assert_string_equal(text,
	    "{\"input_index\":0,\"most_recent_machine_hash\":\"0x00ff\","
	    "\"status\":\"EXCEPTION\",\"reports\":[{\"payload\":\"0x00ff\"}]"
	    "}");
	free(text);
	p.processed_input_one_of_case =
	    CARTESI_SERVER_MANAGER__PROCESSED_INPUT__PROCESSED_INPUT_ONE_OF_EXCEPTION_DATA;
	text = json_of(&p.base);
	assert_non_null(strstr(text, "\"exception_data\":\"0x\""));
	free(text);
}

static void
what_is_malformed_is_told(void **state)
{
	static const char *const bad[] = { "\x0a", "\x0a\x05x", "\x1a\x01\xff",
		"\x22\x01\xff",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" };
	buf_auto struct buf b = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++)
		if (i != 2) /* a number that breaks off is none */
			assert_int_equal(
			    proto_json_put(&b,
				&cartesi_server_manager__get_session_status_response__descriptor,
				bad[i], strlen(bad[i]), &e),
			    -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_comes_as_it_was),
		cmocka_unit_test(ranges_come_as_they_were),
		cmocka_unit_test(a_machine_has_the_hash_that_the_documents_say),
		cmocka_unit_test(a_reply_is_read_as_json),
		cmocka_unit_test(
		    bytes_are_digits_and_one_of_several_is_there_or_not),
		cmocka_unit_test(what_is_malformed_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
