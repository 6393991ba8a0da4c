#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/machine_config.h"
#include "messages/problems.h"
#include "messages/protobuf.h"
#include "messages/protobuf_write.h"
#include "messages/value.h"

/* In the order of their numbers in a RollupConfig. */
static const struct {
	const char *name;
	uint32_t number;
	enum machine_range range;
	uint64_t start, length;
} ranges[MACHINE_RANGES] = {
	{ "rx_buffer", 1, MACHINE_RX, 0x60000000, 2 << 20 },
	{ "tx_buffer", 2, MACHINE_TX, 0x60200000, 2 << 20 },
	{ "input_metadata", 3, MACHINE_METADATA, 0x60400000, 4096 },
	{ "voucher_hashes", 4, MACHINE_VOUCHERS, 0x60600000, 2 << 20 },
	{ "notice_hashes", 5, MACHINE_NOTICES, 0x60800000, 2 << 20 },
};

void
machine_config_default(struct machine_config *c)
{
	*c = (struct machine_config){ .yield_manual = true,
		.yield_automatic = true,
		.has_rollup = true,
		.ram_length = MACHINE_CONFIG_RAM_LENGTH,
		.drive_length = MACHINE_CONFIG_DRIVE_LENGTH };
	for (size_t i = 0; i < nitems(ranges); i++) {
		c->range[ranges[i].range].start = ranges[i].start;
		c->range[ranges[i].range].length = ranges[i].length;
	}
}

/* ---- a person's document ---- */

struct reading {
	struct problems *problems;
	const char *at; /* "rollup.rx_buffer" */
};

static void
complain(const struct reading *r, const char *key, const char *what)
{
	char *path =
	    r->at[0] == '\0' ? str_dup(key) : str_printf("%s.%s", r->at, key);

	problems_add(r->problems, "machine:config", path, "%s", what);
	free(path);
}

static bool
read_text_number(const char *text, uint64_t *out)
{
	char *end;

	if (strncmp(text, "0x", 2) != 0 ||
	    strspn(text + 2, "0123456789abcdefABCDEF") == 0)
		return false;
	errno = 0;
	*out = strtoull(text, &end, 16);
	return errno == 0 && *end == '\0';
}

static void
read_number(const struct reading *r, const struct value *map, const char *key,
    uint64_t *out)
{
	const struct value *v = value_get(map, key);

	if (v == NULL)
		return;
	if (v->kind == VALUE_INT && v->number >= 0)
		*out = (uint64_t)v->number;
	else if (v->kind != VALUE_STRING || !read_text_number(v->text, out))
		complain(r, key, "no number");
}

static void
read_bool(const struct reading *r, const struct value *map, const char *key,
    bool *out)
{
	const struct value *v = value_get(map, key);

	if (v == NULL)
		return;
	if (v->kind == VALUE_BOOL)
		*out = v->truth;
	else
		complain(r, key, "neither true nor false");
}

/* A map, none of whose keys is another than these; NULL: it is not there. */
static const struct value *
find_map(const struct reading *r, const struct value *in, const char *key,
    const char *const names[], size_t n)
{
	const struct value *v = key == NULL ? in : value_get(in, key);
	struct reading inner = { r->problems, key == NULL ? r->at : key };
	size_t k;

	if (v == NULL)
		return NULL;
	if (v->kind != VALUE_MAP) {
		complain(r, key == NULL ? "" : key, "not a map");
		return NULL;
	}
	for (size_t i = 0; i < v->len; i++) {
		for (k = 0; k < n && strcmp(v->key[i], names[k]) != 0; k++)
			;
		if (k == n)
			complain(&inner, v->key[i], "no such key");
	}
	return v;
}

static void
read_range(struct reading *r, const struct value *rollup, size_t i,
    struct machine_config *c)
{
	static const char *const names[] = { "start", "length", "shared" };
	const struct value *v =
	    find_map(r, rollup, ranges[i].name, names, nitems(names));
	char *at = str_printf("rollup.%s", ranges[i].name);
	struct reading inner = { r->problems, at };

	if (v != NULL) {
		read_number(&inner, v, "start",
		    &c->range[ranges[i].range].start);
		read_number(&inner, v, "length",
		    &c->range[ranges[i].range].length);
		read_bool(&inner, v, "shared",
		    &c->range[ranges[i].range].shared);
	}
	free(at);
}

static void
read_rollup(struct reading *r, const struct value *doc,
    struct machine_config *c)
{
	const struct value *v = value_get(doc, "rollup");
	const char *names[MACHINE_RANGES];
	struct reading inner = { r->problems, "rollup" };

	for (size_t i = 0; i < nitems(ranges); i++)
		names[i] = ranges[i].name;
	if (v != NULL && v->kind == VALUE_BOOL && !v->truth) {
		c->has_rollup = false;
		return;
	}
	v = find_map(r, doc, "rollup", names, nitems(names));
	for (size_t i = 0; v != NULL && i < nitems(ranges); i++)
		read_range(&inner, v, i, c);
}

static void
read_htif(struct reading *r, const struct value *doc, struct machine_config *c)
{
	static const char *const names[] = { "yield_manual", "yield_automatic",
		"console_getchar" };
	const struct value *v = find_map(r, doc, "htif", names, nitems(names));
	struct reading inner = { r->problems, "htif" };

	if (v == NULL)
		return;
	read_bool(&inner, v, "yield_manual", &c->yield_manual);
	read_bool(&inner, v, "yield_automatic", &c->yield_automatic);
	read_bool(&inner, v, "console_getchar", &c->console_getchar);
}

static bool
is_drive_length(uint64_t n)
{
	return n == MACHINE_CONFIG_DRIVE_LENGTH ||
	    (n >= 4096 && (n & (n - 1)) == 0 && n <= MACHINE_CONFIG_DRIVE);
}

static void
read_lengths(struct reading *r, const struct value *doc,
    struct machine_config *c)
{
	static const char *const names[] = { "length" };
	const struct value *ram = find_map(r, doc, "ram", names, 1);
	const struct value *drive = find_map(r, doc, "flash_drive", names, 1);
	struct reading of_ram = { r->problems, "ram" };
	struct reading of_drive = { r->problems, "flash_drive" };

	if (ram != NULL)
		read_number(&of_ram, ram, "length", &c->ram_length);
	if (drive == NULL)
		return;
	read_number(&of_drive, drive, "length", &c->drive_length);
	if (!is_drive_length(c->drive_length))
		complain(&of_drive, "length",
		    "neither a power of two from 4096 on nor 0x4400000");
}

bool
machine_config_read(struct machine_config *c, const struct value *doc,
    struct problems *problems)
{
	static const char *const names[] = { "htif", "rollup", "ram",
		"flash_drive" };
	struct reading r = { problems, "" };
	size_t before = problems->len;

	doc = find_map(&r, doc, NULL, names, nitems(names));
	if (doc != NULL) {
		read_htif(&r, doc, c);
		read_rollup(&r, doc, c);
		read_lengths(&r, doc, c);
	}
	return problems->len == before;
}

/* ---- a message: numbers of cartesi-machine.proto ---- */

enum { CONFIG_RAM = 3, CONFIG_DRIVE = 4, CONFIG_HTIF = 6, CONFIG_ROLLUP = 7 };
enum { RAM_LENGTH = 1 };
enum { HTIF_GETCHAR = 3, HTIF_MANUAL = 4, HTIF_AUTOMATIC = 5 };
enum { RANGE_START = 1, RANGE_LENGTH = 2, RANGE_SHARED = 4 };

static void
put_range(struct buf *b, uint32_t number, uint64_t start, uint64_t length,
    bool shared)
{
	buf_auto struct buf in = { 0 };

	protobuf_write_number(&in, RANGE_START, start);
	protobuf_write_number(&in, RANGE_LENGTH, length);
	protobuf_write_number(&in, RANGE_SHARED, shared);
	protobuf_write_bytes(b, number, in.data, in.len);
}

void
machine_config_put(struct buf *b, const struct machine_config *c)
{
	buf_auto struct buf ram = { 0 }, htif = { 0 }, rollup = { 0 };

	protobuf_write_number(&ram, RAM_LENGTH, c->ram_length);
	protobuf_write_bytes(b, CONFIG_RAM, ram.data, ram.len);
	put_range(b, CONFIG_DRIVE, MACHINE_CONFIG_DRIVE, c->drive_length,
	    false);
	protobuf_write_number(&htif, HTIF_GETCHAR, c->console_getchar);
	protobuf_write_number(&htif, HTIF_MANUAL, c->yield_manual);
	protobuf_write_number(&htif, HTIF_AUTOMATIC, c->yield_automatic);
	protobuf_write_bytes(b, CONFIG_HTIF, htif.data, htif.len);
	if (!c->has_rollup)
		return;
	for (size_t i = 0; i < nitems(ranges); i++)
		put_range(&rollup, ranges[i].number,
		    c->range[ranges[i].range].start,
		    c->range[ranges[i].range].length,
		    c->range[ranges[i].range].shared);
	protobuf_write_bytes(b, CONFIG_ROLLUP, rollup.data, rollup.len);
}

/* Numbers of a message that has nothing else of ours; -1: it is none. */
static int
get_numbers(const struct protobuf_field *f, uint64_t *const out[], size_t n)
{
	struct protobuf_reader r = { f->data, f->len };
	struct protobuf_field in;
	int more;

	if (f->wire != PROTOBUF_BYTES)
		return -1;
	while ((more = protobuf_next(&r, &in)) == 1)
		if (in.number < n && out[in.number] != NULL) {
			if (in.wire != PROTOBUF_VARINT)
				return -1;
			*out[in.number] = in.value;
		}
	return more;
}

static int
get_range(const struct protobuf_field *f, uint64_t *start, uint64_t *length,
    bool *shared)
{
	uint64_t n = 0;
	uint64_t *const out[] = { NULL, start, length, NULL, &n };

	*start = *length = 0;
	if (get_numbers(f, out, nitems(out)) == -1)
		return -1;
	*shared = n != 0;
	return 0;
}

static int
get_htif(const struct protobuf_field *f, struct machine_config *c)
{
	uint64_t console = 0, manual = 0, automatic = 0;
	uint64_t *const out[] = { NULL, NULL, NULL, &console, &manual,
		&automatic };

	if (get_numbers(f, out, nitems(out)) == -1)
		return -1;
	c->console_getchar = console != 0;
	c->yield_manual = manual != 0;
	c->yield_automatic = automatic != 0;
	return 0;
}

static int
get_rollup(const struct protobuf_field *f, struct machine_config *c)
{
	struct protobuf_reader r = { f->data, f->len };
	struct protobuf_field in;
	int more;

	if (f->wire != PROTOBUF_BYTES)
		return -1;
	c->has_rollup = true;
	while ((more = protobuf_next(&r, &in)) == 1)
		for (size_t i = 0; i < nitems(ranges); i++)
			if (in.number == ranges[i].number &&
			    get_range(&in, &c->range[ranges[i].range].start,
				&c->range[ranges[i].range].length,
				&c->range[ranges[i].range].shared) == -1)
				return -1;
	return more;
}

static int
get_one(const struct protobuf_field *f, struct machine_config *c)
{
	uint64_t *const ram[] = { NULL, &c->ram_length };
	uint64_t start;
	bool shared;

	switch (f->number) {
	case CONFIG_RAM:
		return get_numbers(f, ram, nitems(ram));
	case CONFIG_DRIVE:
		return get_range(f, &start, &c->drive_length, &shared) == 0 &&
			start == MACHINE_CONFIG_DRIVE &&
			is_drive_length(c->drive_length)
		    ? 0
		    : -1;
	case CONFIG_HTIF:
		return get_htif(f, c);
	case CONFIG_ROLLUP:
		return get_rollup(f, c);
	default:
		return 0; /* processors, ROM and others */
	}
}

int
machine_config_get(struct machine_config *c, const void *data, size_t len,
    struct err *e)
{
	struct protobuf_reader r = { data, len };
	struct protobuf_field f;
	int more;

	memset(c, 0, sizeof(*c));
	while ((more = protobuf_next(&r, &f)) == 1)
		if (get_one(&f, c) == -1)
			return err_set(e, ERR_INVALID,
			    "field %u of a machine's configuration is "
			    "malformed",
			    f.number);
	return more == 0
	    ? 0
	    : err_set(e, ERR_INVALID, "no configuration of a machine");
}
