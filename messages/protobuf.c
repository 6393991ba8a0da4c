#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/protobuf.h"

/* ---- fields ---- */

static bool
get_varint(struct protobuf_reader *r, uint64_t *value)
{
	unsigned shift = 0;

	*value = 0;
	for (size_t i = 0; i < r->len && shift < 64; i++, shift += 7) {
		*value |= (uint64_t)(r->data[i] & 0x7f) << shift;
		if ((r->data[i] & 0x80) != 0)
			continue;
		/* Of the tenth byte one bit has a place. */
		if (shift == 63 && r->data[i] > 1)
			return false;
		r->data += i + 1;
		r->len -= i + 1;
		return true;
	}
	return false;
}

static bool
get_fixed(struct protobuf_reader *r, size_t n, uint64_t *value)
{
	if (r->len < n)
		return false;
	*value = 0;
	for (size_t i = n; i > 0; i--)
		*value = *value << 8 | r->data[i - 1];
	r->data += n;
	r->len -= n;
	return true;
}

static bool
get_bytes(struct protobuf_reader *r, struct protobuf_field *f)
{
	uint64_t len;

	if (!get_varint(r, &len) || len > r->len)
		return false;
	f->data = r->data;
	f->len = (size_t)len;
	r->data += len;
	r->len -= (size_t)len;
	return true;
}

int
protobuf_next(struct protobuf_reader *r, struct protobuf_field *f)
{
	uint64_t key;
	bool good;

	if (r->len == 0)
		return 0;
	*f = (struct protobuf_field){ 0 };
	if (!get_varint(r, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff)
		return -1;
	f->number = (uint32_t)(key >> 3);
	f->wire = (enum protobuf_wire)(key & 7);
	switch (f->wire) {
	case PROTOBUF_VARINT:
		good = get_varint(r, &f->value);
		break;
	case PROTOBUF_FIXED64:
		good = get_fixed(r, 8, &f->value);
		break;
	case PROTOBUF_FIXED32:
		good = get_fixed(r, 4, &f->value);
		break;
	case PROTOBUF_BYTES:
		good = get_bytes(r, f);
		break;
	default:
		good = false;
	}
	return good ? 1 : -1;
}

/* ---- messages ---- */

static bool
is_text(const unsigned char *s, size_t len)
{
	size_t n;

	for (; len > 0; s += n, len -= n) {
		n = str_utf8_len((const char *)s, len);
		if (n == 0 || *s == '\0')
			return false;
	}
	return true;
}

/*
 * A packed field is one, whatever is in it: its numbers cost what their bytes
 * do, or eight times that.
 */
static int
check(const ProtobufCMessageDescriptor *d, const unsigned char *data,
    size_t len, unsigned depth, size_t *fields, struct err *e)
{
	struct protobuf_reader r = { data, len };
	const ProtobufCFieldDescriptor *known;
	struct protobuf_field f;
	int more;

	if (depth == PROTOBUF_DEPTH_MAX)
		return err_set(e, ERR_INVALID, "more than %d messages deep",
		    PROTOBUF_DEPTH_MAX);
	while ((more = protobuf_next(&r, &f)) == 1) {
		if (++*fields > PROTOBUF_FIELDS_MAX)
			return err_set(e, ERR_INVALID, "more than %d fields",
			    PROTOBUF_FIELDS_MAX);
		known = protobuf_c_message_descriptor_get_field(d, f.number);
		if (known == NULL || f.wire != PROTOBUF_BYTES)
			continue;
		if (known->type == PROTOBUF_C_TYPE_STRING &&
		    !is_text(f.data, f.len))
			return err_set(e, ERR_INVALID, "%s.%s is no text",
			    d->name, known->name);
		if (known->type == PROTOBUF_C_TYPE_MESSAGE &&
		    check(known->descriptor, f.data, f.len, depth + 1, fields,
			e) == -1)
			return -1;
	}
	return more == 0 ? 0
			 : err_set(e, ERR_INVALID, "%s is malformed", d->name);
}

struct ProtobufCMessage *
protobuf_unpack(const ProtobufCMessageDescriptor *d, const void *data,
    size_t len, struct err *e)
{
	ProtobufCMessage *m;
	size_t fields = 0;

	if (check(d, data, len, 0, &fields, e) == -1)
		return NULL;
	m = protobuf_c_message_unpack(d, NULL, len, data);
	if (m == NULL)
		err_set(e, ERR_INVALID, "%s is malformed", d->name);
	return m;
}

void
protobuf_free(struct ProtobufCMessage *m)
{
	protobuf_c_message_free_unpacked(m, NULL);
}

void
protobuf_pack(struct buf *out, const ProtobufCMessage *m)
{
	size_t len = protobuf_c_message_get_packed_size(m);
	uint8_t *data = malloc(len + 1);

	invariant(data != NULL);
	protobuf_c_message_pack(m, data);
	buf_add(out, data, len);
	free(data);
}
