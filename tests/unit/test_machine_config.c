/* The configuration of a machine: a person's, and a message's. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/machine_config.h"
#include "messages/problems.h"
#include "messages/proto/cartesi-machine.pb-c.h"
#include "messages/proto_message.h"
#include "messages/value.h"
#include "tests/unit/unit.h"

/* Over the default one; the problems' count. */
static size_t
read_text(struct machine_config *c, const char *text, struct problems *p)
{
	value_auto struct value *v = NULL;
	struct err e;
	bool good;

	memset(p, 0, sizeof(*p));
	v = json_parse(text, strlen(text), &e);
	assert_non_null(v);
	machine_config_default(c);
	good = machine_config_read(c, v, p);
	assert_int_equal(good, p->len == 0);
	return p->len;
}

static void
what_is_said_takes_the_defaults_place(void **state)
{
	struct machine_config c;
	struct problems p;

	(void)state;
	assert_int_equal(read_text(&c, "{}", &p), 0);
	assert_true(c.has_rollup && c.yield_manual && !c.console_getchar);
	assert_int_equal(c.drive_length, 0x4400000);
	assert_int_equal(c.range[MACHINE_RX].start, 0x60000000);
	assert_int_equal(read_text(&c,
			     "{\"htif\":{\"yield_manual\":false,"
			     "\"yield_automatic\":false,"
			     "\"console_getchar\":true},"
			     "\"rollup\":{\"rx_buffer\":{\"start\":"
			     "\"0x8000000000000000\",\"length\":4096},"
			     "\"notice_hashes\":{\"shared\":true}},"
			     "\"ram\":{\"length\":1},\"flash_drive\":"
			     "{\"length\":\"0x40000000\"}}",
			     &p),
	    0);
	assert_true(!c.yield_manual && !c.yield_automatic && c.console_getchar);
	assert_true(c.range[MACHINE_RX].start == UINT64_C(1) << 63);
	assert_int_equal(c.range[MACHINE_RX].length, 4096);
	assert_true(c.range[MACHINE_NOTICES].shared);
	assert_int_equal(c.range[MACHINE_NOTICES].start, 0x60800000);
	assert_int_equal(c.drive_length, 1 << 30);
	assert_int_equal(c.ram_length, 1);
	assert_int_equal(read_text(&c, "{\"rollup\":false}", &p), 0);
	assert_false(c.has_rollup);
}

static void
what_cannot_be_is_named(void **state)
{
	static const struct {
		const char *text, *path, *what;
	} cases[] = {
		{ "[]", "", "not a map" },
		{ "{\"cpu\":1}", "cpu", "no such key" },
		{ "{\"htif\":{\"x\":1}}", "htif.x", "no such key" },
		{ "{\"htif\":1}", "htif", "not a map" },
		{ "{\"htif\":{\"yield_manual\":1}}", "htif.yield_manual",
		    "neither true nor false" },
		{ "{\"rollup\":true}", "rollup", "not a map" },
		{ "{\"rollup\":{\"rx\":{}}}", "rollup.rx", "no such key" },
		{ "{\"rollup\":{\"rx_buffer\":{\"start\":-1}}}",
		    "rollup.rx_buffer.start", "no number" },
		{ "{\"rollup\":{\"rx_buffer\":{\"length\":\"12\"}}}",
		    "rollup.rx_buffer.length", "no number" },
		{ "{\"rollup\":{\"rx_buffer\":{\"length\":"
		  "\"0x10000000000000000\"}}}",
		    "rollup.rx_buffer.length", "no number" },
		{ "{\"ram\":{\"length\":1.5}}", "ram.length", "no number" },
		{ "{\"flash_drive\":{\"length\":4097}}", "flash_drive.length",
		    "neither a power of two from 4096 on nor 0x4400000" },
		{ "{\"flash_drive\":{\"length\":2048}}", "flash_drive.length",
		    "neither a power of two from 4096 on nor 0x4400000" },
	};
	struct machine_config c;
	struct problems p;

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		assert_int_equal(read_text(&c, cases[i].text, &p), 1);
		assert_string_equal(p.item[0].path, cases[i].path);
		assert_string_equal(p.item[0].text, cases[i].what);
		problems_fini(&p);
	}
}

static void
clients_read_it(void **state)
{
	buf_auto struct buf b = { 0 };
	struct machine_config c;
	CartesiMachine__MachineConfig *m;
	struct err e;

	(void)state;
	machine_config_default(&c);
	c.range[MACHINE_VOUCHERS].shared = true;
	machine_config_put(&b, &c);
	m = (void *)proto_message_unpack(
	    &cartesi_machine__machine_config__descriptor, b.data, b.len, &e);
	assert_non_null(m);
	assert_true(m->htif->yield_manual && m->htif->yield_automatic &&
	    !m->htif->console_getchar);
	assert_int_equal(m->ram->length, 64 << 20);
	assert_int_equal(m->n_flash_drive, 1);
	assert_true(m->flash_drive[0]->start == UINT64_C(1) << 55);
	assert_int_equal(m->flash_drive[0]->length, 0x4400000);
	assert_int_equal(m->rollup->rx_buffer->start, 0x60000000);
	assert_int_equal(m->rollup->tx_buffer->length, 2 << 20);
	assert_int_equal(m->rollup->input_metadata->length, 4096);
	assert_true(m->rollup->voucher_hashes->shared);
	assert_int_equal(m->rollup->notice_hashes->start, 0x60800000);
	proto_message_free(&m->base);
}

static void
it_comes_back_as_it_was(void **state)
{
	struct machine_config c, back;
	struct err e;

	(void)state;
	for (int i = 0; i < 6; i++) {
		buf_auto struct buf b = { 0 };

		machine_config_default(&c);
		c.has_rollup = i != 1;
		c.yield_manual = i != 2;
		c.console_getchar = i == 3;
		c.drive_length = i == 4 ? 4096 : c.drive_length;
		if (i == 1 || i == 5)
			memset(c.range, 0, sizeof(c.range));
		c.range[MACHINE_TX].shared = i == 0;
		machine_config_put(&b, &c);
		assert_int_equal(machine_config_get(&back, b.data, b.len, &e),
		    0);
		assert_memory_equal(&back.range, &c.range, sizeof(c.range));
		assert_int_equal(back.has_rollup, c.has_rollup);
		assert_int_equal(back.yield_manual, c.yield_manual);
		assert_int_equal(back.yield_automatic, c.yield_automatic);
		assert_int_equal(back.console_getchar, c.console_getchar);
		assert_int_equal(back.drive_length, c.drive_length);
		assert_int_equal(back.ram_length, c.ram_length);
	}
}

static void
other_messages_are_refused(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} bad[] = { { "\x0b", 1 }, { "\x18\x01", 2 }, { "\x1a\x02\x08", 3 },
		{ "\x1a\x02\x0a\x00", 4 }, { "\x22\x02\x10\x01", 4 },
		{ "\x30\x01", 2 }, { "\x32\x01\xff", 3 }, { "\x38\x01", 2 },
		{ "\x3a\x01\xff", 3 }, { "\x3a\x02\x08\x01", 4 },
		{ "\x3a\x03\x0a\x01\xff", 5 } };
	struct machine_config c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++)
		assert_int_equal(
		    machine_config_get(&c, bad[i].data, bad[i].len, &e), -1);
	/* What others have beside it is theirs. */
	assert_int_equal(machine_config_get(&c, "\x0a\x00\x12\x02xy", 6, &e),
	    0);
	assert_false(c.has_rollup);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said_takes_the_defaults_place),
		cmocka_unit_test(what_cannot_be_is_named),
		cmocka_unit_test(clients_read_it),
		cmocka_unit_test(it_comes_back_as_it_was),
		cmocka_unit_test(other_messages_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
