#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "guest/rollup_json.h"
#include "messages/channel_json.h"

/* ---- out ---- */

static void
put_hex(struct buf *b, const unsigned char *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	buf_add(b, "0x", 2);
	for (size_t i = 0; i < len; i++) {
		buf_add_char(b, digits[p[i] >> 4]);
		buf_add_char(b, digits[p[i] & 15]);
	}
}

/* A byte that is no UTF-8 stands as a lone surrogate: Python's way
 * ("surrogateescape"), and no text has them. */
static void
put_text(struct buf *b, const char *p, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n == 0 ? 1 : n) {
		n = str_utf8_len(p + i, len - i);
		if (n == 0)
			buf_printf(b, "\\udc%02x", (unsigned char)p[i]);
		else if (p[i] == '"' || p[i] == '\\')
			buf_printf(b, "\\%c", p[i]);
		else if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			buf_printf(b, "\\u%04x", (unsigned char)p[i]);
		else
			buf_add(b, p + i, n);
	}
}

static void
put_payload(struct buf *b, const struct rollup_io_request *r,
    enum rollup_json_as as)
{
	buf_add_str(b, "\"payload\":\"");
	if (as == ROLLUP_JSON_HEX)
		put_hex(b, r->payload, r->len);
	else
		put_text(b, (const char *)r->payload, r->len);
	buf_add_str(b, "\"}}");
}

void
rollup_json_put_request(struct buf *b, const struct rollup_io_request *r,
    enum rollup_json_as as)
{
	if (r->type == ROLLUP_IO_INSPECT) {
		buf_add_str(b,
		    "{\"request_type\":\"inspect_state\",\"data\":{");
		put_payload(b, r, as);
		return;
	}
	buf_add_str(b,
	    "{\"request_type\":\"advance_state\",\"data\":{\"metadata\":"
	    "{\"msg_sender\":\"");
	put_hex(b, r->sender, ROLLUP_IO_ADDRESS);
	buf_printf(b,
	    "\",\"epoch_index\":%llu,\"input_index\":%llu,\"block_number\":"
	    "%llu,\"timestamp\":%llu},",
	    (unsigned long long)r->epoch_index,
	    (unsigned long long)r->input_index,
	    (unsigned long long)r->block_number,
	    (unsigned long long)r->timestamp);
	put_payload(b, r, as);
}

/* ---- in ---- */

static const struct channel_json *
get_text(const struct channel_json *v, const char *key, struct err *e)
{
	const struct channel_json *x =
	    v->kind == CHANNEL_JSON_OBJECT ? channel_json_get(v, key) : NULL;

	if (x != NULL && x->kind == CHANNEL_JSON_STRING)
		return x;
	err_set(e, ERR_INVALID, "%s: a text is missing", key);
	return NULL;
}

int
rollup_json_get_status(const char *text, size_t len, bool *accept,
    struct err *e)
{
	struct channel_json *v = channel_json_parse(text, len, e);
	const struct channel_json *x;
	int r = -1;

	if (v == NULL)
		return -1;
	x = get_text(v, "status", e);
	if (x != NULL) {
		*accept = strcmp(x->text, "accept") == 0;
		r = *accept || strcmp(x->text, "reject") == 0
		    ? 0
		    : err_set(e, ERR_INVALID,
			  "status must be 'accept' or 'reject'");
	}
	channel_json_free(v);
	return r;
}

static int
digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

static int
get_hex(const struct channel_json *x, const char *key, struct buf *to,
    struct err *e)
{
	const char *p = x->text;
	int high, low;

	if (x->len < 2 || p[0] != '0' || p[1] != 'x' || x->len % 2 != 0)
		return err_set(e, ERR_INVALID,
		    "%s: not 0x and pairs of hexadecimal digits", key);
	for (size_t i = 2; i < x->len; i += 2) {
		high = digit_of(p[i]);
		low = digit_of(p[i + 1]);
		if (high == -1 || low == -1)
			return err_set(e, ERR_INVALID,
			    "%s: not 0x and pairs of hexadecimal digits", key);
		buf_add_char(to, (char)(high << 4 | low));
	}
	return 0;
}

int
rollup_json_put_text(struct buf *b, const char *answer, struct err *e)
{
	static const char key[] = "\"payload\":\"";
	const char *from = strstr(answer, key), *end;
	buf_auto struct buf bytes = { 0 };
	struct channel_json hex = { .kind = CHANNEL_JSON_STRING };

	/* Nothing in front of it is a text of somebody else's. */
	end = from == NULL ? NULL : strchr(from + sizeof(key) - 1, '"');
	if (end == NULL)
		return err_set(e, ERR_SYSTEM, "an answer without a payload");
	from += sizeof(key) - 1;
	hex.text = (char *)(uintptr_t)from;
	hex.len = (size_t)(end - from);
	if (get_hex(&hex, "payload", &bytes, e) == -1)
		return -1;
	buf_add(b, answer, (size_t)(from - answer));
	put_text(b, bytes.len == 0 ? "" : bytes.data, bytes.len);
	buf_add_str(b, end);
	return 0;
}

static int
get_address(const struct channel_json *v,
    unsigned char address[ROLLUP_IO_ADDRESS], struct err *e)
{
	const struct channel_json *x = get_text(v, "address", e);
	buf_auto struct buf b = { 0 };

	if (x == NULL || get_hex(x, "address", &b, e) == -1)
		return -1;
	if (b.len != ROLLUP_IO_ADDRESS)
		return err_set(e, ERR_INVALID,
		    "address: %zu bytes instead of %d", b.len,
		    ROLLUP_IO_ADDRESS);
	memcpy(address, b.data, ROLLUP_IO_ADDRESS);
	return 0;
}

int
rollup_json_get_output(const char *text, size_t len, enum rollup_json_as as,
    unsigned char address[ROLLUP_IO_ADDRESS], struct buf *payload,
    struct err *e)
{
	struct channel_json *v = channel_json_parse(text, len, e);
	const struct channel_json *x;
	int r = -1;

	if (v == NULL)
		return -1;
	if (address == NULL || get_address(v, address, e) == 0) {
		x = get_text(v, "payload", e);
		if (x != NULL && as == ROLLUP_JSON_HEX) {
			r = get_hex(x, "payload", payload, e);
		} else if (x != NULL) {
			buf_add(payload, x->text, x->len);
			r = 0;
		}
	}
	channel_json_free(v);
	return r;
}
