#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/proto_json.h"
#include "messages/protobuf.h"

#define DEPTH_MAX 16
#define EXACT (UINT64_C(1) << 53) /* what all readers of JSON keep */

static int put_message(struct buf *, const ProtobufCMessageDescriptor *,
    const unsigned char *, size_t, unsigned depth, struct err *);

static void
put_hex(struct buf *b, const unsigned char *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	buf_add_str(b, "\"0x");
	for (size_t i = 0; i < len; i++) {
		buf_add_char(b, digits[data[i] >> 4]);
		buf_add_char(b, digits[data[i] & 15]);
	}
	buf_add_char(b, '"');
}

static void
put_text(struct buf *b, const char *text, size_t len)
{
	size_t n;

	buf_add_char(b, '"');
	for (size_t i = 0; i < len; i += n == 0 ? 1 : n) {
		n = str_utf8_len(text + i, len - i);
		if (n == 0)
			buf_add_str(b, "\\ufffd");
		else if (text[i] == '"' || text[i] == '\\')
			buf_printf(b, "\\%c", text[i]);
		else if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			buf_printf(b, "\\u%04x", (unsigned char)text[i]);
		else
			buf_add(b, text + i, n);
	}
	buf_add_char(b, '"');
}

static void
put_enum(struct buf *b, const ProtobufCFieldDescriptor *d, uint64_t value)
{
	const ProtobufCEnumValue *v =
	    protobuf_c_enum_descriptor_get_value(d->descriptor, (int)value);

	if (v != NULL)
		buf_printf(b, "\"%s\"", v->name);
	else
		buf_printf(b, "%d", (int)value);
}

static void
put_number(struct buf *b, const ProtobufCFieldDescriptor *d, uint64_t value)
{
	switch (d->type) {
	case PROTOBUF_C_TYPE_BOOL:
		buf_add_str(b, value != 0 ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		put_enum(b, d, value);
		break;
	case PROTOBUF_C_TYPE_INT32:
		buf_printf(b, "%d", (int)value);
		break;
	default:
		buf_printf(b, value > EXACT ? "\"%llu\"" : "%llu",
		    (unsigned long long)value);
		break;
	}
}

/* A hash, an address: nothing but bytes. */
static bool
is_bytes(const ProtobufCMessageDescriptor *d)
{
	return d->n_fields == 1 && d->fields[0].type == PROTOBUF_C_TYPE_BYTES &&
	    strcmp(d->fields[0].name, "data") == 0;
}

static int
put_bytes_of(struct buf *b, const unsigned char *data, size_t len,
    struct err *e)
{
	struct protobuf_reader r = { data, len };
	struct protobuf_field f = { .len = 0 }, found = { .len = 0 };
	int more;

	while ((more = protobuf_next(&r, &f)) == 1)
		if (f.number == 1 && f.wire == PROTOBUF_BYTES)
			found = f;
	if (more == -1)
		return err_set(e, ERR_INVALID, "malformed bytes");
	put_hex(b, found.data, found.len);
	return 0;
}

static int
put_value(struct buf *b, const ProtobufCFieldDescriptor *d,
    const struct protobuf_field *f, unsigned depth, struct err *e)
{
	if (f->wire != PROTOBUF_BYTES) {
		put_number(b, d, f->value);
		return 0;
	}
	switch (d->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		return is_bytes(d->descriptor)
		    ? put_bytes_of(b, f->data, f->len, e)
		    : put_message(b, d->descriptor, f->data, f->len, depth + 1,
			  e);
	case PROTOBUF_C_TYPE_STRING:
		put_text(b, (const char *)f->data, f->len);
		return 0;
	case PROTOBUF_C_TYPE_BYTES:
		put_hex(b, f->data, f->len);
		return 0;
	default:
		return err_set(e, ERR_INVALID, "%s is malformed", d->name);
	}
}

/* Numbers one behind the other, in one field. */
static int
put_packed(struct buf *b, const ProtobufCFieldDescriptor *d,
    const struct protobuf_field *f, size_t *n, struct err *e)
{
	uint64_t value = 0;
	unsigned shift = 0;

	for (size_t i = 0; i < f->len; i++) {
		if (shift > 63)
			return err_set(e, ERR_INVALID, "%s is malformed",
			    d->name);
		value |= (uint64_t)(f->data[i] & 0x7f) << shift;
		shift += 7;
		if ((f->data[i] & 0x80) != 0)
			continue;
		if ((*n)++ > 0)
			buf_add_char(b, ',');
		put_number(b, d, value);
		value = shift = 0;
	}
	return 0;
}

static bool
is_packed(const ProtobufCFieldDescriptor *d, const struct protobuf_field *f)
{
	return f->wire == PROTOBUF_BYTES &&
	    d->type != PROTOBUF_C_TYPE_MESSAGE &&
	    d->type != PROTOBUF_C_TYPE_STRING &&
	    d->type != PROTOBUF_C_TYPE_BYTES;
}

static int
put_list(struct buf *b, const ProtobufCFieldDescriptor *d,
    struct protobuf_reader r, unsigned depth, struct err *e)
{
	struct protobuf_field f;
	size_t n = 0;

	buf_add_char(b, '[');
	while (protobuf_next(&r, &f) == 1) {
		if (f.number != d->id)
			continue;
		if (is_packed(d, &f)) {
			if (put_packed(b, d, &f, &n, e) == -1)
				return -1;
			continue;
		}
		if (n++ > 0)
			buf_add_char(b, ',');
		if (put_value(b, d, &f, depth, e) == -1)
			return -1;
	}
	buf_add_char(b, ']');
	return 0;
}

/* The last one counts.  False: it is not there. */
static bool
find(struct protobuf_reader r, uint32_t number, struct protobuf_field *found)
{
	struct protobuf_field f;
	bool there = false;

	while (protobuf_next(&r, &f) == 1)
		if (f.number == number) {
			*found = f;
			there = true;
		}
	return there;
}

/* Of one that has no say of its own whether it is there. */
static bool
has_zero(const ProtobufCFieldDescriptor *d)
{
	return d->label == PROTOBUF_C_LABEL_NONE && d->quantifier_offset == 0 &&
	    d->type != PROTOBUF_C_TYPE_MESSAGE;
}

static void
put_zero(struct buf *b, const ProtobufCFieldDescriptor *d)
{
	if (d->type == PROTOBUF_C_TYPE_STRING)
		buf_add_str(b, "\"\"");
	else if (d->type == PROTOBUF_C_TYPE_BYTES)
		buf_add_str(b, "\"0x\"");
	else
		put_number(b, d, 0);
}

static int
put_field(struct buf *b, const ProtobufCFieldDescriptor *d,
    struct protobuf_reader r, size_t *n, unsigned depth, struct err *e)
{
	const bool list = d->label == PROTOBUF_C_LABEL_REPEATED;
	struct protobuf_field f = { .len = 0 };
	bool there = !list && find(r, d->id, &f);

	if (!list && !there && !has_zero(d))
		return 0;
	buf_printf(b, "%s\"%s\":", (*n)++ > 0 ? "," : "", d->name);
	if (list)
		return put_list(b, d, r, depth, e);
	if (there)
		return put_value(b, d, &f, depth, e);
	put_zero(b, d);
	return 0;
}

static int
put_message(struct buf *b, const ProtobufCMessageDescriptor *d,
    const unsigned char *data, size_t len, unsigned depth, struct err *e)
{
	struct protobuf_reader r = { data, len }, all = r;
	struct protobuf_field f;
	size_t n = 0;
	int more;

	if (depth == DEPTH_MAX)
		return err_set(e, ERR_INVALID, "more than %d messages deep",
		    DEPTH_MAX);
	while ((more = protobuf_next(&r, &f)) == 1)
		;
	if (more == -1)
		return err_set(e, ERR_INVALID, "%s is malformed", d->name);
	buf_add_char(b, '{');
	for (unsigned i = 0; i < d->n_fields; i++)
		if (put_field(b, &d->fields[i], all, &n, depth, e) == -1)
			return -1;
	buf_add_char(b, '}');
	return 0;
}

int
proto_json_put(struct buf *b, const struct ProtobufCMessageDescriptor *d,
    const void *data, size_t len, struct err *e)
{
	return put_message(b, d, data, len, 0, e);
}
