#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "messages/base64.h"
#include "messages/grpc.h"

const char *
grpc_status_name(unsigned status)
{
	static const char *const names[GRPC_STATUSES] = { "OK", "CANCELLED",
		"UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
		"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
		"FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
		"UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
		"UNAUTHENTICATED" };

	return status < GRPC_STATUSES ? names[status] : "?";
}

/* ---- texts ---- */

bool
grpc_timeout(const char *text, size_t len, uint64_t *ns)
{
	static const struct {
		char unit;
		uint64_t ns;
	} units[] = { { 'H', 3600000000000 }, { 'M', 60000000000 },
		{ 'S', 1000000000 }, { 'm', 1000000 }, { 'u', 1000 },
		{ 'n', 1 } };
	uint64_t n = 0;

	if (len < 2 || len > 9)
		return false;
	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	for (size_t i = 0; i < nitems(units); i++)
		if (text[len - 1] == units[i].unit) {
			if (__builtin_mul_overflow(n, units[i].ns, ns))
				*ns = UINT64_MAX;
			return true;
		}
	return false;
}

void
grpc_message_encode(struct buf *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0';
	     p++)
		if (*p < ' ' || *p > '~' || *p == '%')
			buf_printf(out, "%%%02X", *p);
		else
			buf_add_char(out, (char)*p);
}

void
grpc_message_decode(struct buf *out, const char *text, size_t len)
{
	char byte, digits[3] = "";

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '%' && len - i > 2) {
			memcpy(digits, text + i + 1, 2);
			if (str_unhex(&byte, 1, digits)) {
				buf_add_char(out, byte);
				i += 2;
				continue;
			}
		}
		buf_add_char(out, text[i]);
	}
}

bool
grpc_binary_decode(struct buf *out, const char *text, size_t len)
{
	buf_auto struct buf padded = { 0 };
	size_t n;
	char *bytes;

	buf_add(&padded, text, len);
	while (memchr(text, '=', len) == NULL && padded.len % 4 != 0 &&
	    padded.len < len + 2)
		buf_add_char(&padded, '=');
	bytes = base64_bytes(buf_text(&padded), padded.len, &n);
	if (bytes == NULL)
		return false;
	buf_add(out, bytes, n);
	free(bytes);
	return true;
}

/* ---- messages ---- */

void
grpc_prefix(uint8_t out[GRPC_PREFIX], uint32_t len)
{
	out[0] = 0; /* not compressed */
	for (int i = 0; i < 4; i++)
		out[1 + i] = (uint8_t)(len >> (24 - 8 * i));
}

void
grpc_reader_init(struct grpc_reader *r, uint32_t max)
{
	*r = (struct grpc_reader){ .max = max };
}

void
grpc_reader_fini(struct grpc_reader *r)
{
	buf_fini(&r->message);
}

static enum grpc_read
judge_prefix(struct grpc_reader *r)
{
	r->len = 0;
	for (int i = 1; i < GRPC_PREFIX; i++)
		r->len = r->len << 8 | r->prefix[i];
	if (r->prefix[0] > 1)
		return GRPC_READ_MALFORMED;
	if (r->prefix[0] == 1)
		return GRPC_READ_COMPRESSED;
	return r->len > r->max ? GRPC_READ_TOO_LONG : GRPC_READ_STARTED;
}

enum grpc_read
grpc_reader_feed(struct grpc_reader *r, const char **data, size_t *len)
{
	size_t n;

	if (r->nprefix < GRPC_PREFIX) {
		n = GRPC_PREFIX - r->nprefix;
		n = n < *len ? n : *len;
		if (n > 0)
			memcpy(r->prefix + r->nprefix, *data, n);
		r->nprefix += n;
		*data += n;
		*len -= n;
		return r->nprefix < GRPC_PREFIX ? GRPC_READ_MORE
						: judge_prefix(r);
	}
	n = r->len - r->message.len;
	n = n < *len ? n : *len;
	buf_add(&r->message, *data, n);
	*data += n;
	*len -= n;
	return r->message.len < r->len ? GRPC_READ_MORE : GRPC_READ_MESSAGE;
}

void
grpc_reader_next(struct grpc_reader *r)
{
	r->nprefix = 0;
	r->len = 0;
	buf_reset(&r->message);
}

bool
grpc_reader_is_between(const struct grpc_reader *r)
{
	return r->nprefix == 0;
}
