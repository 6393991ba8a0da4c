#include <string.h>

#include "base/buf.h"
#include "messages/protobuf_write.h"

enum { VARINT = 0, BYTES = 2 };

void
protobuf_write_varint(struct buf *b, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		buf_add_char(b, (char)(n | 0x80));
	buf_add_char(b, (char)n);
}

void
protobuf_write_number(struct buf *b, uint32_t field, uint64_t n)
{
	if (n == 0)
		return;
	protobuf_write_varint(b, (uint64_t)field << 3 | VARINT);
	protobuf_write_varint(b, n);
}

void
protobuf_write_head(struct buf *b, uint32_t field, size_t len)
{
	protobuf_write_varint(b, (uint64_t)field << 3 | BYTES);
	protobuf_write_varint(b, len);
}

void
protobuf_write_bytes(struct buf *b, uint32_t field, const void *data,
    size_t len)
{
	protobuf_write_head(b, field, len);
	buf_add(b, data, len);
}

void
protobuf_write_text(struct buf *b, uint32_t field, const char *text)
{
	if (text[0] != '\0')
		protobuf_write_bytes(b, field, text, strlen(text));
}
