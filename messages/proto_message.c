#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/proto_message.h"
#include "messages/protobuf.h"

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

	if (depth == PROTO_MESSAGE_DEPTH)
		return err_set(e, ERR_INVALID, "more than %d messages deep",
		    PROTO_MESSAGE_DEPTH);
	while ((more = protobuf_next(&r, &f)) == 1) {
		if (++*fields > PROTO_MESSAGE_FIELDS)
			return err_set(e, ERR_INVALID, "more than %d fields",
			    PROTO_MESSAGE_FIELDS);
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
proto_message_unpack(const ProtobufCMessageDescriptor *d, const void *data,
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
proto_message_free(struct ProtobufCMessage *m)
{
	protobuf_c_message_free_unpacked(m, NULL);
}

void
proto_message_pack(struct buf *out, const ProtobufCMessage *m)
{
	size_t len = protobuf_c_message_get_packed_size(m);
	uint8_t *data = malloc(len + 1);

	invariant(data != NULL);
	protobuf_c_message_pack(m, data);
	buf_add(out, data, len);
	free(data);
}
