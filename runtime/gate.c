#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/gate.h"

/* A head, as far as its framing goes. */
struct head {
	bool old; /* HTTP/1.0 */
	bool has_length, chunked;
	uint64_t length;
	bool wants_upgrade, may_upgrade; /* Upgrade:, Connection: */
	const char *host;
	size_t nhost;
	/* absolute-form: the authority, and where the path begins */
	const char *authority;
	size_t nauthority;
	const char *method, *target;
	size_t nmethod, ntarget;
};

static int
refuse(struct gate *g, int status, const char *why)
{
	if (g->state != GATE_REFUSED)
		g->broken = g->state > GATE_HEAD;
	g->state = GATE_REFUSED;
	g->status = status;
	g->why = why;
	return -1;
}

void
gate_fini(struct gate *g)
{
	buf_fini(&g->held);
}

/* ---- characters ---- */

static bool
is_token(const char *s, size_t n)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= '0' && s[i] <= '9') ||
			(s[i] >= 'A' && s[i] <= 'Z') ||
			(s[i] >= 'a' && s[i] <= 'z') ||
			(s[i] != '\0' && strchr(others, s[i]) != NULL)))
			return false;
	return n > 0;
}

/* RFC 9110, 5.5; bytes above 0x7f are somebody's text. */
static bool
is_value(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') ||
		    s[i] == 0x7f)
			return false;
	return true;
}

/* What stands in a target as it is, and nothing that ends or hides it. */
static bool
is_target(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= 0x20 || s[i] >= 0x7f || s[i] == '#')
			return false;
	return n > 0;
}

/* RFC 3986, 3.2: host and port, and no user. */
static bool
is_authority(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= 0x20 || s[i] >= 0x7f ||
		    strchr("/?#@\\\"<>^`{|}", s[i]) != NULL)
			return false;
	return true;
}

static bool
is_name(const char *s, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(s, name, n) == 0;
}

static void
trim(const char **s, size_t *n)
{
	while (*n > 0 && (**s == ' ' || **s == '\t')) {
		(*s)++;
		(*n)--;
	}
	while (*n > 0 && ((*s)[*n - 1] == ' ' || (*s)[*n - 1] == '\t'))
		(*n)--;
}

/* In a list of words (RFC 9110, 5.6.1). */
static bool
has_word(const char *s, size_t n, const char *word)
{
	const char *end = s + n, *comma, *item;
	size_t len;

	for (; s < end; s = comma + 1) {
		comma = memchr(s, ',', (size_t)(end - s));
		if (comma == NULL)
			comma = end;
		item = s;
		len = (size_t)(comma - s);
		trim(&item, &len);
		if (is_name(item, len, word))
			return true;
	}
	return false;
}

bool
gate_is_upgrade(const char *connection, const char *upgrade)
{
	return connection != NULL && upgrade != NULL &&
	    strcasecmp(upgrade, "websocket") == 0 &&
	    has_word(connection, strlen(connection), "upgrade");
}

/* ---- the request line ---- */

/* "http://host/path": the host must be the Host, and the path goes on. */
static int
take_absolute(struct gate *g, struct head *h)
{
	const char *slash;

	if (h->ntarget < 8 || strncasecmp(h->target, "http://", 7) != 0)
		return refuse(g, 400, "the target is no path");
	h->authority = h->target + 7;
	slash = memchr(h->authority, '/', h->ntarget - 7);
	if (slash == NULL)
		return refuse(g, 400, "the target is no path");
	h->nauthority = (size_t)(slash - h->authority);
	h->ntarget -= (size_t)(slash - h->target);
	h->target = slash;
	if (h->nauthority == 0 || !is_authority(h->authority, h->nauthority))
		return refuse(g, 400, "the target is no path");
	return 0;
}

static int
take_version(struct gate *g, struct head *h, const char *s, size_t n)
{
	if (n != 8 || strncmp(s, "HTTP/", 5) != 0 || s[5] < '0' || s[5] > '9' ||
	    s[6] != '.' || s[7] < '0' || s[7] > '9')
		return refuse(g, 400, "the request line is malformed");
	if (s[5] != '1' || (s[7] != '0' && s[7] != '1'))
		return refuse(g, 505, "only HTTP/1.1 and 1.0 are spoken here");
	h->old = s[7] == '0';
	return 0;
}

static int
take_request(struct gate *g, struct head *h, const char *line, size_t n)
{
	const char *a = memchr(line, ' ', n), *b;

	if (a == NULL)
		return refuse(g, 400, "the request line is malformed");
	h->method = line;
	h->nmethod = (size_t)(a - line);
	h->target = a + 1;
	b = memchr(h->target, ' ', n - h->nmethod - 1);
	if (b == NULL || !is_token(h->method, h->nmethod))
		return refuse(g, 400, "the request line is malformed");
	h->ntarget = (size_t)(b - h->target);
	if (h->ntarget > GATE_TARGET_MAX)
		return refuse(g, 414, "the target is too long");
	if (!is_target(h->target, h->ntarget))
		return refuse(g, 400, "the target is malformed");
	if (take_version(g, h, b + 1, n - (size_t)(b + 1 - line)) == -1)
		return -1;
	if (h->nmethod > 15)
		return refuse(g, 501, "the method is unknown");
	if (h->target[0] == '/' ||
	    (h->ntarget == 1 && h->target[0] == '*' &&
		is_name(h->method, h->nmethod, "OPTIONS")))
		return 0;
	return take_absolute(g, h);
}

/* ---- headers ---- */

static int
take_length(struct gate *g, struct head *h, const char *s, size_t n)
{
	if (h->has_length)
		return refuse(g, 400, "two lengths");
	if (n == 0 || n > 18)
		return refuse(g, 400, "the length is malformed");
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return refuse(g, 400, "the length is malformed");
		h->length = 10 * h->length + (uint64_t)(s[i] - '0');
	}
	h->has_length = true;
	return 0;
}

static int
take_encoding(struct gate *g, struct head *h, const char *s, size_t n)
{
	if (h->chunked)
		return refuse(g, 400, "two transfer encodings");
	if (!is_name(s, n, "chunked"))
		return refuse(g, 501, "the transfer encoding is unknown");
	h->chunked = true;
	return 0;
}

static int
take_host(struct gate *g, struct head *h, const char *s, size_t n)
{
	if (h->host != NULL)
		return refuse(g, 400, "two hosts");
	if (!is_authority(s, n))
		return refuse(g, 400, "the host is malformed");
	h->host = s;
	h->nhost = n;
	return 0;
}

static int
take_header(struct gate *g, struct head *h, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *s;
	size_t name, n;

	if (colon == NULL || !is_token(line, (size_t)(colon - line)))
		return refuse(g, 400, "a header is malformed");
	name = (size_t)(colon - line);
	s = colon + 1;
	n = len - name - 1;
	if (!is_value(s, n))
		return refuse(g, 400, "a header is malformed");
	trim(&s, &n);
	if (is_name(line, name, "content-length"))
		return take_length(g, h, s, n);
	if (is_name(line, name, "transfer-encoding"))
		return take_encoding(g, h, s, n);
	if (is_name(line, name, "host"))
		return take_host(g, h, s, n);
	if (is_name(line, name, "upgrade"))
		h->wants_upgrade = is_name(s, n, "websocket");
	if (is_name(line, name, "connection"))
		h->may_upgrade |= has_word(s, n, "upgrade");
	if (is_name(line, name, "expect") && !is_name(s, n, "100-continue"))
		return refuse(g, 417, "the expectation is unknown");
	return 0;
}

static int
check_head(struct gate *g, const struct head *h)
{
	if (h->host == NULL && !h->old)
		return refuse(g, 400, "no host");
	if (h->chunked && (h->has_length || h->old))
		return refuse(g, 400, "the length can be read in two ways");
	if (h->authority != NULL && h->host != NULL &&
	    (h->nauthority != h->nhost ||
		strncasecmp(h->authority, h->host, h->nhost) != 0))
		return refuse(g, 400, "the target's host is another");
	return 0;
}

/* Every line ends with CR and LF, and neither stands anywhere else. */
static int
read_head(struct gate *g, struct head *h, const char *data, size_t len)
{
	const char *line = data, *end = data + len - 2, *cr;
	size_t lines = 0;

	for (; line < end; line = cr + 2, lines++) {
		cr = memchr(line, '\r', (size_t)(data + len - line));
		if (memchr(line, '\n', (size_t)(cr - line)) != NULL ||
		    cr[1] != '\n')
			return refuse(g, 400, "a line ends in no CR and LF");
		if (lines > GATE_HEADERS_MAX)
			return refuse(g, 431, "too many headers");
		if ((lines == 0 ? take_request(g, h, line, (size_t)(cr - line))
				: take_header(g, h, line,
				      (size_t)(cr - line))) == -1)
			return -1;
	}
	return check_head(g, h);
}

/* RFC 6455, 4.1: a GET without a body. */
static bool
asks_tunnel(const struct head *h)
{
	return h->wants_upgrade && h->may_upgrade && !h->old && !h->chunked &&
	    h->length == 0 && is_name(h->method, h->nmethod, "GET");
}

static int
pass_head(struct gate *g, const char *data, size_t len, struct buf *out)
{
	struct head h = { 0 };

	if (read_head(g, &h, data, len) == -1)
		return -1;
	buf_add(out, h.method, h.nmethod);
	buf_add_char(out, ' ');
	buf_add(out, h.target, (size_t)(data + len - h.target));
	g->nheads++;
	g->skipped = false;
	g->left = h.length;
	g->state = asks_tunnel(&h) ? GATE_ASKED
	    : h.chunked            ? GATE_CHUNK_SIZE
	    : h.length > 0         ? GATE_LENGTH
				   : GATE_BETWEEN;
	return 0;
}

/* ---- pieces ---- */

/* Moves a line into held, at most max of it.  1: it is whole. */
static int
hold_line(struct gate *g, const char **data, size_t *len, size_t max)
{
	const char *nl = memchr(*data, '\n', *len);
	size_t n = nl == NULL ? *len : (size_t)(nl + 1 - *data);

	if (n > max - g->held.len)
		return -1;
	buf_add(&g->held, *data, n);
	*data += n;
	*len -= n;
	return nl != NULL;
}

static bool
ends_with(const struct buf *b, const char *end)
{
	size_t n = strlen(end);

	return b->len >= n && memcmp(b->data + b->len - n, end, n) == 0;
}

/* RFC 9112, 2.2: one empty line before a request is somebody's old habit. */
static int
skip_empty_line(struct gate *g)
{
	if (g->skipped)
		return refuse(g, 400, "the request line is malformed");
	g->skipped = true;
	buf_reset(&g->held);
	return 0;
}

static int
feed_head(struct gate *g, const char **data, size_t *len, struct buf *out)
{
	int r;

	while (*len > 0) {
		r = hold_line(g, data, len, GATE_HEAD_MAX);
		if (r == -1)
			return refuse(g, 431, "the head is too long");
		if (r == 0)
			return 0;
		if (!ends_with(&g->held, "\r\n"))
			return refuse(g, 400, "a line ends in no CR and LF");
		if (g->held.len == 2) {
			if (skip_empty_line(g) == -1)
				return -1;
			continue;
		}
		if (!ends_with(&g->held, "\r\n\r\n"))
			continue;
		r = pass_head(g, g->held.data, g->held.len, out);
		buf_reset(&g->held);
		return r;
	}
	return 0;
}

static void
feed_bytes(struct gate *g, const char **data, size_t *len, struct buf *out)
{
	size_t n = *len < g->left ? *len : (size_t)g->left;

	buf_add(out, *data, n);
	*data += n;
	*len -= n;
	g->left -= n;
}

/* RFC 9112, 7.1; an extension is dropped, if it is text. */
static int
read_chunk_size(struct gate *g, const char *line, size_t n, uint64_t *size)
{
	size_t i = 0;
	int digit;

	*size = 0;
	for (; i < n && line[i] != ';'; i++) {
		digit = line[i] >= '0' && line[i] <= '9' ? line[i] - '0'
		    : line[i] >= 'a' && line[i] <= 'f'   ? line[i] - 'a' + 10
		    : line[i] >= 'A' && line[i] <= 'F'   ? line[i] - 'A' + 10
							 : -1;
		if (digit == -1 || i == 12)
			return refuse(g, 400, "a chunk is malformed");
		*size = 16 * *size + (uint64_t)digit;
	}
	if (i == 0 || !is_value(line + i, n - i))
		return refuse(g, 400, "a chunk is malformed");
	return 0;
}

static int
feed_chunk_size(struct gate *g, const char **data, size_t *len, struct buf *out)
{
	int r = hold_line(g, data, len, GATE_CHUNK_LINE_MAX);

	if (r == 0)
		return 0;
	if (r == -1 || !ends_with(&g->held, "\r\n") ||
	    read_chunk_size(g, g->held.data, g->held.len - 2, &g->left) == -1)
		return refuse(g, 400, "a chunk is malformed");
	buf_reset(&g->held);
	if (g->left > 0)
		buf_printf(out, "%llx\r\n", (unsigned long long)g->left);
	g->state = g->left > 0 ? GATE_CHUNK_DATA : GATE_TRAILERS;
	return 0;
}

static int
feed_chunk_end(struct gate *g, const char **data, size_t *len, struct buf *out)
{
	int r = hold_line(g, data, len, 2);

	if (r == 0 && g->held.len < 2)
		return 0;
	if (r != 1 || !ends_with(&g->held, "\r\n"))
		return refuse(g, 400, "a chunk is longer than it says");
	buf_add_str(out, "\r\n");
	buf_reset(&g->held);
	g->state = GATE_CHUNK_SIZE;
	return 0;
}

/* Lines like headers, none of which matters to anybody here. */
static int
check_trailer(struct gate *g, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);

	if (colon == NULL || !is_token(line, (size_t)(colon - line)) ||
	    !is_value(colon, n - (size_t)(colon - line)))
		return refuse(g, 400, "a trailer is malformed");
	return 0;
}

static int
feed_trailers(struct gate *g, const char **data, size_t *len, struct buf *out)
{
	int r = hold_line(g, data, len, GATE_CHUNK_LINE_MAX);

	if (r == 0)
		return 0;
	if (r == -1 || !ends_with(&g->held, "\r\n") ||
	    g->left++ > GATE_HEADERS_MAX)
		return refuse(g, 400, "a trailer is malformed");
	if (g->held.len > 2) {
		r = check_trailer(g, g->held.data, g->held.len - 2);
		buf_reset(&g->held);
		return r;
	}
	buf_reset(&g->held);
	buf_add_str(out, "0\r\n\r\n");
	g->left = 0;
	g->state = GATE_BETWEEN;
	return 0;
}

/* What comes before the answer; nobody need send it. */
static int
hold_early(struct gate *g, const char **data, size_t *len)
{
	if (g->held.len + *len > GATE_HEAD_MAX)
		return refuse(g, 400, "too much before the answer");
	buf_add(&g->held, *data, *len);
	*len = 0;
	return 0;
}

int
gate_answer(struct gate *g, bool tunnel, struct buf *out)
{
	buf_auto struct buf early = g->held;

	if (g->state != GATE_ASKED)
		return 0;
	g->held = (struct buf){ 0 };
	g->state = tunnel ? GATE_TUNNEL : GATE_BETWEEN;
	return gate_feed(g, early.data, early.len, out);
}

int
gate_feed(struct gate *g, const char *data, size_t len, struct buf *out)
{
	int r = 0;

	while (len > 0 && r == 0)
		switch (g->state) {
		case GATE_BETWEEN:
			/* TLS, or noise: no line would ever end. */
			if (!is_token(data, 1) && *data != '\r')
				return refuse(g, 400,
				    "that is no request of HTTP/1.1");
			g->state = GATE_HEAD;
			break;
		case GATE_HEAD:
			r = feed_head(g, &data, &len, out);
			break;
		case GATE_LENGTH:
			feed_bytes(g, &data, &len, out);
			if (g->left == 0)
				g->state = GATE_BETWEEN;
			break;
		case GATE_CHUNK_SIZE:
			r = feed_chunk_size(g, &data, &len, out);
			break;
		case GATE_CHUNK_DATA:
			feed_bytes(g, &data, &len, out);
			if (g->left == 0)
				g->state = GATE_CHUNK_END;
			break;
		case GATE_CHUNK_END:
			r = feed_chunk_end(g, &data, &len, out);
			break;
		case GATE_TRAILERS:
			r = feed_trailers(g, &data, &len, out);
			break;
		case GATE_ASKED:
			r = hold_early(g, &data, &len);
			break;
		case GATE_TUNNEL:
			buf_add(out, data, len);
			return 0;
		case GATE_REFUSED:
			return -1;
		}
	return r;
}
