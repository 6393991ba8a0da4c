#include <stdbool.h>

#include "messages/protobuf.h"

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
