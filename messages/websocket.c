#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/sha1.h"
#include "base/str.h"
#include "messages/base64.h"
#include "messages/websocket.h"

/* Section 5.2. */
enum { CONTINUATION = 0, CLOSE = 8, PING = 9, PONG = 10 };
#define FIN 0x80
#define RESERVED 0x70
#define MASK 0x80
#define CONTROL_MAX 125

struct head {
	bool fin, masked;
	uint8_t opcode;
	uint64_t len;
	uint8_t mask[4];
	size_t size; /* of the head itself */
};

void
websocket_init(struct websocket *w, bool client, size_t max, uint64_t seed)
{
	*w = (struct websocket){ .client = client,
		.max = max,
		.masks = seed | 1,
		.code = WEBSOCKET_NO_CODE };
}

void
websocket_fini(struct websocket *w)
{
	buf_fini(&w->in);
	buf_fini(&w->out);
	buf_fini(&w->message);
}

/* ---- the handshake ---- */

static void
encode(const void *data, size_t n, char *out, size_t size)
{
	char *text = base64_text(data, n);

	invariant(str_copy(out, size, text));
	free(text);
}

void
websocket_key(const uint8_t random[16], char key[WEBSOCKET_KEY])
{
	encode(random, 16, key, WEBSOCKET_KEY);
}

/* Section 4.2.2, step 5.4. */
void
websocket_accept(const char *key, char accept[WEBSOCKET_ACCEPT])
{
	unsigned char digest[SHA1_LEN];
	char *text = str_printf("%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);

	sha1_raw(text, strlen(text), digest);
	encode(digest, sizeof(digest), accept, WEBSOCKET_ACCEPT);
	free(text);
}

void
websocket_put_request(struct buf *b, const char *host, const char *path,
    const char *key)
{
	buf_printf(b,
	    "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: %s\r\n\r\n",
	    path, host, key);
}

/* One token of a list like "keep-alive, Upgrade". */
static bool
has_token(const char *list, const char *token)
{
	size_t n = strlen(token), len;

	while (*list != '\0') {
		list += strspn(list, " \t,");
		len = strcspn(list, " \t,");
		if (len == n && strncasecmp(list, token, n) == 0)
			return true;
		list += len;
	}
	return false;
}

struct answer {
	bool upgrade, connection, accept, more;
};

/* Section 4.1, of a server's answer: what is not asked for is refused. */
static void
read_field(struct answer *a, const char *name, const char *value,
    const char *accept)
{
	if (strcasecmp(name, "Upgrade") == 0)
		a->upgrade = strcasecmp(value, "websocket") == 0;
	else if (strcasecmp(name, "Connection") == 0)
		a->connection |= has_token(value, "upgrade");
	else if (strcasecmp(name, "Sec-WebSocket-Accept") == 0)
		a->accept = strcmp(value, accept) == 0;
	else if (strcasecmp(name, "Sec-WebSocket-Extensions") == 0 ||
	    strcasecmp(name, "Sec-WebSocket-Protocol") == 0)
		a->more = true;
}

/* No terminal obeys what a server says. */
static int
check_status(const char *line, struct err *e)
{
	char *safe;

	if (strncmp(line, "HTTP/1.1 101", 12) == 0 &&
	    (line[12] == ' ' || line[12] == '\0'))
		return 0;
	safe = str_printable(line, strlen(line), 64);
	err_set(e, ERR_GUEST, "it answers \"%s\", and no WebSocket", safe);
	free(safe);
	return -1;
}

static int
read_head(char *head, const char *accept, struct err *e)
{
	struct answer a = { 0 };
	char *line = head, *end, *colon;

	for (; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
		*end = '\0';
		if (line == head) {
			if (check_status(line, e) == -1)
				return -1;
			continue;
		}
		colon = strchr(line, ':');
		if (colon == NULL)
			continue;
		*colon++ = '\0';
		colon += strspn(colon, " \t");
		for (char *p = end;
		     p > colon && (p[-1] == ' ' || p[-1] == '\t');)
			*--p = '\0';
		read_field(&a, line, colon, accept);
	}
	if (!a.upgrade || !a.connection || !a.accept || a.more)
		return err_set(e, ERR_GUEST,
		    "its answer to the handshake is not that of a WebSocket");
	return 0;
}

long
websocket_read_response(const char *data, size_t n, const char *key,
    struct err *e)
{
	const char *end = memmem(data, n, "\r\n\r\n", 4);
	char accept[WEBSOCKET_ACCEPT], *head;
	size_t len;
	int r;

	if (end == NULL && n <= WEBSOCKET_HEAD_MAX)
		return 0;
	len = end == NULL ? n : (size_t)(end - data) + 4;
	if (len > WEBSOCKET_HEAD_MAX || memchr(data, '\0', len) != NULL)
		return err_set(e, ERR_GUEST,
		    "its answer to the handshake is no HTTP");
	head = malloc(len + 1);
	invariant(head != NULL);
	memcpy(head, data, len);
	head[len - 2] = '\0'; /* the empty line is none */
	websocket_accept(key, accept);
	r = read_head(head, accept, e);
	free(head);
	return r == -1 ? -1 : (long)len;
}

/* ---- what is sent ---- */

/* xorshift64: any that an attacker in between does not choose will do. */
static void
next_mask(struct websocket *w, uint8_t mask[4])
{
	w->masks ^= w->masks << 13;
	w->masks ^= w->masks >> 7;
	w->masks ^= w->masks << 17;
	for (int i = 0; i < 4; i++)
		mask[i] = (uint8_t)(w->masks >> (8 * i + 16));
}

static void
put_length(struct websocket *w, size_t n)
{
	uint8_t bit = w->client ? MASK : 0;

	if (n <= CONTROL_MAX) {
		buf_put_u8(&w->out, (uint8_t)n | bit);
		return;
	}
	buf_put_u8(&w->out, (n <= UINT16_MAX ? 126 : 127) | bit);
	for (int i = n <= UINT16_MAX ? 1 : 7; i >= 0; i--)
		buf_put_u8(&w->out, (uint8_t)((uint64_t)n >> (8 * i)));
}

static void
put_frame(struct websocket *w, uint8_t opcode, const uint8_t *data, size_t n)
{
	uint8_t mask[4];
	char *at;

	if (w->out.at == w->out.len)
		buf_reset(&w->out);
	buf_put_u8(&w->out, FIN | opcode);
	put_length(w, n);
	if (w->client) {
		next_mask(w, mask);
		buf_add(&w->out, mask, sizeof(mask));
	}
	buf_add(&w->out, data, n);
	if (!w->client)
		return;
	at = w->out.data + w->out.len - n;
	for (size_t i = 0; i < n; i++)
		at[i] = (char)((uint8_t)at[i] ^ mask[i % 4]);
}

void
websocket_send(struct websocket *w, enum websocket_kind kind, const void *data,
    size_t n)
{
	if (!w->closing)
		put_frame(w, (uint8_t)kind, data, n);
}

void
websocket_ping(struct websocket *w)
{
	if (!w->closing)
		put_frame(w, PING, NULL, 0);
}

void
websocket_close(struct websocket *w, enum websocket_code code)
{
	uint8_t body[2] = { (uint8_t)((unsigned)code >> 8), (uint8_t)code };

	if (w->closing)
		return;
	put_frame(w, CLOSE, body, code == WEBSOCKET_NO_CODE ? 0 : 2);
	w->closing = true;
}

/* ---- what comes ---- */

void
websocket_take(struct websocket *w, const void *data, size_t n)
{
	if (w->in.at == w->in.len)
		buf_reset(&w->in);
	/* What was read of it does not pile up. */
	if (w->in.at > 0 && w->in.at >= w->in.len / 2) {
		memmove(w->in.data, w->in.data + w->in.at,
		    w->in.len - w->in.at);
		w->in.len -= w->in.at;
		w->in.at = 0;
	}
	buf_add(&w->in, data, n);
}

static int
fail(struct websocket *w, enum websocket_code code, const char *why,
    struct err *e)
{
	websocket_close(w, code);
	w->closed = true;
	return err_set(e, ERR_GUEST, "WebSocket: %s", why);
}

/* 1: there is a whole head. */
static int
read_frame_head(const struct websocket *w, struct head *h)
{
	const uint8_t *p = (const uint8_t *)w->in.data + w->in.at;
	size_t n = w->in.len - w->in.at, wide;

	if (n < 2)
		return 0;
	h->fin = (p[0] & FIN) != 0;
	h->opcode = p[0] & 0x7f; /* a reserved bit makes it one that is not */
	h->masked = (p[1] & MASK) != 0;
	h->len = p[1] & 0x7f;
	wide = h->len == 126 ? 2 : h->len == 127 ? 8 : 0;
	h->size = 2 + wide + (h->masked ? 4 : 0);
	if (n < h->size)
		return 0;
	if (wide > 0)
		h->len = 0;
	for (size_t i = 0; i < wide; i++)
		h->len = h->len << 8 | p[2 + i];
	if (h->masked)
		memcpy(h->mask, p + 2 + wide, 4);
	return 1;
}

static bool
is_control(const struct head *h)
{
	return h->opcode >= CLOSE;
}

static const char *
find_fault(const struct websocket *w, const struct head *h)
{
	if ((h->opcode > WEBSOCKET_BINARY && h->opcode < CLOSE) ||
	    h->opcode > PONG)
		return "a frame of no kind that there is";
	if (h->masked == w->client)
		return w->client ? "a server's frame is masked"
				 : "a client's frame is not masked";
	if (is_control(h))
		return h->fin && h->len <= CONTROL_MAX
		    ? NULL
		    : "a control frame in pieces, or above 125 bytes";
	if ((h->opcode == CONTINUATION) != (w->kind != 0))
		return "pieces of messages out of order";
	return NULL;
}

/* Of a whole message: characters may lie across frames. */
static bool
is_utf8(const struct buf *b)
{
	size_t i = 0, n;

	while (i < b->len) {
		n = str_utf8_len(b->data + i, b->len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

static int
take_close(struct websocket *w, const uint8_t *p, size_t n, struct err *e)
{
	struct buf why = buf_over(n < 2 ? p : p + 2, n < 2 ? 0 : n - 2);

	if (n == 1)
		return fail(w, WEBSOCKET_PROTOCOL, "a close of one byte", e);
	if (n >= 2)
		w->code = (uint16_t)(p[0] << 8 | p[1]);
	if (n >= 2 &&
	    (w->code < 1000 || w->code > 4999 ||
		(w->code >= 1004 && w->code <= 1006) ||
		(w->code >= 1015 && w->code < 3000)))
		return fail(w, WEBSOCKET_PROTOCOL, "no code to close with", e);
	if (!is_utf8(&why))
		return fail(w, WEBSOCKET_NOT_UTF8, "a reason not in UTF-8", e);
	websocket_close(w, (enum websocket_code)w->code);
	w->closed = true;
	return 0;
}

/* 2: it was one of the protocol's own. */
static int
take_control(struct websocket *w, const struct head *h, const uint8_t *p,
    struct err *e)
{
	if (h->opcode == CLOSE)
		return take_close(w, p, (size_t)h->len, e);
	if (h->opcode == PING && !w->closing)
		put_frame(w, PONG, p, (size_t)h->len);
	return 2;
}

static int
take_data(struct websocket *w, const struct head *h, const uint8_t *p,
    enum websocket_kind *kind, struct err *e)
{
	if (h->opcode != CONTINUATION) {
		buf_reset(&w->message);
		w->kind = h->opcode;
	}
	buf_add(&w->message, p, (size_t)h->len);
	if (!h->fin)
		return 2;
	*kind = (enum websocket_kind)w->kind;
	w->kind = 0;
	if (*kind == WEBSOCKET_TEXT && !is_utf8(&w->message))
		return fail(w, WEBSOCKET_NOT_UTF8, "a text not in UTF-8", e);
	return 1;
}

static int
take_frame(struct websocket *w, enum websocket_kind *kind, struct err *e)
{
	struct head h;
	const char *fault;
	uint8_t *p;

	if (read_frame_head(w, &h) == 0)
		return 0;
	fault = find_fault(w, &h);
	if (fault != NULL)
		return fail(w, WEBSOCKET_PROTOCOL, fault, e);
	if (!is_control(&h) &&
	    h.len > w->max - (w->kind == 0 ? 0 : w->message.len))
		return fail(w, WEBSOCKET_TOO_BIG, "a message above the bound",
		    e);
	if (w->in.len - w->in.at - h.size < h.len)
		return 0;
	p = (uint8_t *)w->in.data + w->in.at + h.size;
	for (size_t i = 0; h.masked && i < h.len; i++)
		p[i] ^= h.mask[i % 4];
	w->in.at += h.size + (size_t)h.len;
	return is_control(&h) ? take_control(w, &h, p, e)
			      : take_data(w, &h, p, kind, e);
}

int
websocket_next(struct websocket *w, enum websocket_kind *kind, struct err *e)
{
	int r = 2;

	while (r == 2 && !w->closed)
		r = take_frame(w, kind, e);
	return r == 2 ? 0 : r;
}
