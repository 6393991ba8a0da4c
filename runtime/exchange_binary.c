#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/exchange.h"

static void
binary_start(struct exchange *x, const struct exchange_request *r)
{
	bool host = false;

	buf_printf(&x->out, "%s %s%s%s HTTP/1.1\r\n", r->method, r->path,
	    r->query[0] != '\0' ? "?" : "", r->query);
	for (size_t i = 0; i < r->headers->len; i++) {
		host |= strcasecmp(r->headers->item[i].name, "host") == 0;
		buf_printf(&x->out, "%s: %s\r\n", r->headers->item[i].name,
		    r->headers->item[i].text);
	}
	if (!host)
		buf_add_str(&x->out, "Host: localhost\r\n");
	if (r->upgrade) {
		x->upgrade = true;
		buf_add_str(&x->out,
		    "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
		return;
	}
	if (r->length >= 0)
		buf_printf(&x->out, "Content-Length: %lld\r\n", r->length);
	else
		buf_add_str(&x->out, "Transfer-Encoding: chunked\r\n");
	if (x->life == EXCHANGE_ONCE)
		buf_add_str(&x->out, "Connection: close\r\n");
	buf_add_str(&x->out, "\r\n");
	x->framed = r->length < 0;
}

static void
binary_send(struct exchange *x, const void *data, size_t len)
{
	if (x->framed)
		buf_printf(&x->out, "%zx\r\n", len);
	buf_add(&x->out, data, len);
	if (x->framed)
		buf_add_str(&x->out, "\r\n");
}

static void
binary_send_end(struct exchange *x)
{
	if (x->framed)
		buf_add_str(&x->out, "0\r\n\r\n");
}

/* ---- the head ---- */

static int
take_status(struct exchange *x, const char *line, size_t len, struct err *e)
{
	if (len < 12 || strncmp(line, "HTTP/1.", 7) != 0 ||
	    (line[7] != '0' && line[7] != '1') || line[8] != ' ' ||
	    line[9] < '1' || line[9] > '9' || line[10] < '0' ||
	    line[10] > '9' || line[11] < '0' || line[11] > '9' ||
	    (len > 12 && line[12] != ' '))
		return err_set(e, ERR_GUEST, "reply: not HTTP/1.1");
	/* A reason is text: what others take for a line's end is none. */
	for (size_t i = 12; i < len; i++)
		if ((unsigned char)line[i] < 0x20 && line[i] != '\t')
			return err_set(e, ERR_GUEST, "reply: not HTTP/1.1");
	x->http11 = line[7] == '1';
	x->status =
	    (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	return 0;
}

static int
take_encoding(struct exchange *x, const char *text, size_t len, struct err *e)
{
	while (len > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if (len != 7 || strncasecmp(text, "chunked", 7) != 0 || x->chunked)
		return err_set(e, ERR_GUEST,
		    "reply: unknown transfer encoding");
	x->chunked = true;
	return 0;
}

static int
take_header(struct exchange *x, const char *line, size_t len, struct err *e)
{
	const char *colon = memchr(line, ':', len);
	size_t name;

	if (colon == NULL)
		return err_set(e, ERR_GUEST, "reply: a malformed header");
	name = (size_t)(colon - line);
	if (name == 17 && strncasecmp(line, "transfer-encoding", 17) == 0)
		return take_encoding(x, colon + 1, len - name - 1, e);
	return exchange_add_header(x, line, name, colon + 1, len - name - 1, e);
}

/* 1: whole; what follows it is the body. */
static int
take_head(struct exchange *x, struct err *e)
{
	const char *data = x->in.data + x->in.at;
	size_t len = x->in.len - x->in.at;
	const char *end = memmem(data, len, "\r\n\r\n", 4), *line = data, *nl;

	if (end == NULL)
		return len > EXCHANGE_HEAD_MAX
		    ? err_set(e, ERR_GUEST, "reply: the head is too long")
		    : 0;
	for (; line < end + 2; line = nl + 2) {
		nl = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
		if ((line == data ? take_status : take_header)(x, line,
			(size_t)(nl - line), e) == -1)
			return -1;
	}
	x->in.at += (size_t)(end - data) + 4;
	if (x->chunked && x->length != -1)
		return err_set(e, ERR_GUEST, "reply: two lengths");
	if (x->status == 204 || x->status == 304)
		x->no_body = true;
	return 1;
}

/* RFC 6455, 4.2.2; whether the key is right is for the caller to see. */
static int
start_tunnel(struct exchange *x, struct err *e)
{
	for (size_t i = 0; i < x->headers.len; i++)
		if (strcasecmp(x->headers.item[i].name, "upgrade") == 0 &&
		    strcasecmp(x->headers.item[i].text, "websocket") == 0) {
			x->phase = EXCHANGE_TUNNEL;
			return 0;
		}
	return err_set(e, ERR_GUEST,
	    "reply: it changes to a protocol that nobody asked for");
}

/* An interim answer is not the one (RFC 9110, 15.2). */
static int
start_body(struct exchange *x, struct err *e)
{
	int r = take_head(x, e);

	if (r != 1)
		return r;
	if (x->status == 101 && x->upgrade)
		return start_tunnel(x, e);
	if (x->status == 101)
		return err_set(e, ERR_GUEST,
		    "reply: it changes to a protocol that nobody asked for");
	if (x->status < 200) {
		x->status = 0;
		exchange_headers_fini(&x->headers);
		x->length = -1;
		x->chunked = false;
		return start_body(x, e);
	}
	x->phase = EXCHANGE_BODY;
	return 0;
}

/* ---- the body ---- */

static void
end_reply(struct exchange *x)
{
	x->complete = true;
	x->phase = EXCHANGE_OVER;
}

/* RFC 9112, 7.1: a size in hexadecimal digits, and what a ";" begins. */
static int
parse_chunk(const char *line, size_t len, size_t *size, struct err *e)
{
	size_t n = 0, i = 0;
	int digit;

	for (; i < len && line[i] != ';'; i++) {
		digit = line[i] >= '0' && line[i] <= '9' ? line[i] - '0'
		    : line[i] >= 'a' && line[i] <= 'f'   ? line[i] - 'a' + 10
		    : line[i] >= 'A' && line[i] <= 'F'   ? line[i] - 'A' + 10
							 : -1;
		if (digit == -1 || i == 8)
			return err_set(e, ERR_GUEST,
			    "reply: a malformed chunk");
		n = 16 * n + (size_t)digit;
	}
	if (i == 0)
		return err_set(e, ERR_GUEST, "reply: a malformed chunk");
	*size = n;
	return 0;
}

/* Trailers are nobody's: whatever follows the last chunk stays where it is,
 * but for the end that it must have. */
static void
end_chunks(struct exchange *x, const char *nl)
{
	struct buf *b = &x->in;

	if (b->data + b->len - nl == 4 && memcmp(nl, "\r\n\r\n", 4) == 0)
		b->at = b->len;
	end_reply(x);
}

static int
take_chunks(struct exchange *x, struct err *e)
{
	struct buf *b = &x->in;
	const char *line, *nl;
	size_t n = 0;

	while (x->phase == EXCHANGE_BODY) {
		line = b->data + b->at;
		nl = memmem(line, b->len - b->at, "\r\n", 2);
		if (nl == NULL)
			return b->len - b->at > 1024
			    ? err_set(e, ERR_GUEST, "reply: a malformed chunk")
			    : 0;
		if (parse_chunk(line, (size_t)(nl - line), &n, e) == -1)
			return -1;
		if (n == 0) {
			end_chunks(x, nl);
			return 0;
		}
		if (n > x->body_limit)
			return exchange_take_body(x, line, n, e);
		if ((size_t)(b->data + b->len - nl) < n + 4)
			return 0;
		if (memcmp(nl + 2 + n, "\r\n", 2) != 0)
			return err_set(e, ERR_GUEST,
			    "reply: a malformed chunk");
		if (exchange_take_body(x, nl + 2, n, e) == -1)
			return -1;
		b->at = (size_t)(nl + 4 + n - b->data);
	}
	return 0;
}

static int
take_bytes(struct exchange *x, struct err *e)
{
	struct buf *b = &x->in;
	size_t n = b->len - b->at;

	if (x->no_body || x->length == 0) {
		end_reply(x);
		return 0;
	}
	if (x->chunked)
		return take_chunks(x, e);
	/* What comes after its end is nobody's. */
	if (x->length > 0 && n > (uint64_t)x->length - x->total)
		n = (size_t)((uint64_t)x->length - x->total);
	if (exchange_take_body(x, b->data + b->at, n, e) == -1)
		return -1;
	b->at += n;
	if (x->length > 0 && x->total == (uint64_t)x->length)
		end_reply(x);
	return 0;
}

static void
take_tunnel(struct exchange *x)
{
	struct buf *b = &x->in;

	if (x->body.at == x->body.len)
		buf_reset(&x->body);
	buf_add(&x->body, b->data + b->at, b->len - b->at);
	x->total += b->len - b->at;
	b->at = b->len;
}

static int
binary_receive(struct exchange *x, const char *data, size_t len, struct err *e)
{
	if (x->in.at == x->in.len)
		buf_reset(&x->in);
	buf_add(&x->in, data, len);
	if (x->phase == EXCHANGE_HEAD && start_body(x, e) == -1)
		return -1;
	if (x->phase == EXCHANGE_TUNNEL) {
		take_tunnel(x);
		return 0;
	}
	return x->phase == EXCHANGE_BODY ? take_bytes(x, e) : 0;
}

static int
binary_receive_end(struct exchange *x, struct err *e)
{
	if (x->phase == EXCHANGE_OVER)
		return 0;
	if (x->phase == EXCHANGE_TUNNEL) {
		end_reply(x);
		return 0;
	}
	if (x->phase != EXCHANGE_BODY || x->chunked || x->length != -1)
		return err_set(e, ERR_GUEST,
		    "the server ended before its reply did");
	end_reply(x);
	return 0;
}

/* RFC 9112, 9.3.  A server that sends a body where there is none would answer
 * the next with it. */
static bool
binary_keeps(const struct exchange *x)
{
	if (!x->http11 || x->upgrade || x->no_body || x->in.at != x->in.len ||
	    (!x->chunked && x->length == -1))
		return false;
	for (size_t i = 0; i < x->headers.len; i++)
		if (strcasecmp(x->headers.item[i].name, "connection") == 0 &&
		    strcasecmp(x->headers.item[i].text, "keep-alive") != 0)
			return false;
	return true;
}

const struct exchange_kind exchange_binary = { binary_start, binary_send,
	binary_send_end, binary_receive, binary_receive_end, binary_keeps };
