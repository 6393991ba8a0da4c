#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

void
buf_fini(struct buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

void
buf_reset(struct buf *b)
{
	b->len = b->at = 0;
	b->failed = false;
}

struct buf
buf_over(const void *data, size_t len)
{
	/* size 0: a put would fail the invariant in reserve(). */
	return (struct buf){ .data = (char *)(uintptr_t)data, .len = len };
}

static char *
reserve(struct buf *b, size_t more)
{
	size_t size = b->size == 0 ? 256 : b->size;
	char *data;

	invariant(b->data == NULL || b->size != 0);
	invariant(more < SIZE_MAX / 4 && b->len < SIZE_MAX / 4);
	while (size < b->len + more + 1)
		size *= 2;
	if (size != b->size) {
		data = realloc(b->data, size);
		invariant(data != NULL);
		b->data = data;
		b->size = size;
	}
	return b->data + b->len;
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	char *to = reserve(b, len);

	if (len > 0)
		memcpy(to, data, len);
	b->len += len;
}

void
buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	invariant(n >= 0);
	vsnprintf(reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}

const char *
buf_text(struct buf *b)
{
	*reserve(b, 1) = '\0';
	return b->data;
}

void
buf_put_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

void
buf_put_u32(struct buf *b, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		buf_put_u8(b, (uint8_t)(v >> (8 * i)));
}

void
buf_put_u64(struct buf *b, uint64_t v)
{
	buf_put_u32(b, (uint32_t)v);
	buf_put_u32(b, (uint32_t)(v >> 32));
}

void
buf_put_str(struct buf *b, const char *s)
{
	size_t len = strlen(s);

	invariant(len <= UINT32_MAX);
	buf_put_u32(b, (uint32_t)len);
	buf_add(b, s, len);
}

uint8_t
buf_get_u8(struct buf *b)
{
	if (b->failed || b->at >= b->len) {
		b->failed = true;
		return 0;
	}
	return (uint8_t)b->data[b->at++];
}

uint32_t
buf_get_u32(struct buf *b)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v |= (uint32_t)buf_get_u8(b) << (8 * i);
	return b->failed ? 0 : v;
}

uint64_t
buf_get_u64(struct buf *b)
{
	uint64_t low = buf_get_u32(b);
	uint64_t high = buf_get_u32(b);

	return b->failed ? 0 : low | high << 32;
}

void
buf_get_str(struct buf *b, char *out, size_t size)
{
	uint32_t len = buf_get_u32(b);

	out[0] = '\0';
	if (b->failed || len >= size || len > b->len - b->at ||
	    memchr(b->data + b->at, '\0', len) != NULL) {
		b->failed = true;
		return;
	}
	memcpy(out, b->data + b->at, len);
	out[len] = '\0';
	b->at += len;
}

bool
buf_ok(const struct buf *b)
{
	return !b->failed && b->at == b->len;
}
