#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/control.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/exchange.h"

static const struct exchange_kind *const kinds[ALEPH_FUNCTIONS] = {
	[ALEPH_ASGI] = &exchange_asgi,
	[ALEPH_BINARY] = &exchange_binary,
	[ALEPH_EXEC] = &exchange_exec,
};

/* ---- headers ---- */

static char *
copy(const char *text, size_t len)
{
	char *s = malloc(len + 1);

	invariant(s != NULL);
	memcpy(s, text, len);
	s[len] = '\0';
	return s;
}

bool
exchange_headers_add(struct exchange_headers *h, const char *name, size_t nname,
    const char *text, size_t ntext)
{
	if (h->len == EXCHANGE_HEADERS_MAX ||
	    nname + ntext > EXCHANGE_HEAD_MAX - h->bytes)
		return false;
	h->bytes += nname + ntext;
	h->item[h->len++] =
	    (struct exchange_header){ copy(name, nname), copy(text, ntext) };
	return true;
}

void
exchange_headers_fini(struct exchange_headers *h)
{
	while (h->len > 0) {
		h->len--;
		free(h->item[h->len].name);
		free(h->item[h->len].text);
	}
	h->bytes = 0;
}

bool
exchange_is_hop_by_hop(const char *name)
{
	static const char *const names[] = { "connection", "content-length",
		"keep-alive", "proxy-authenticate", "proxy-authorization",
		"proxy-connection", "te", "trailer", "transfer-encoding",
		"upgrade", "expect" };

	for (size_t i = 0; i < nitems(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

/* RFC 9110, 5.6.2: a token. */
static bool
is_token(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr("!#$%&'*+-.^_`|~0123456789"
			   "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
			s[i]) == NULL ||
		    s[i] == '\0')
			return false;
	return n > 0;
}

/* RFC 9110, 5.5: what would end the line, or hide, is no part of a value. */
static bool
is_field_text(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') ||
		    s[i] == 0x7f)
			return false;
	return true;
}

/* Digits only, and few enough. */
static long long
parse_length(const char *text, size_t n)
{
	long long value = 0;

	if (n == 0 || n > 18)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = 10 * value + (text[i] - '0');
	}
	return value;
}

int
exchange_add_header(struct exchange *x, const char *name, size_t nname,
    const char *text, size_t ntext, struct err *e)
{
	while (ntext > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		ntext--;
	}
	while (ntext > 0 && (text[ntext - 1] == ' ' || text[ntext - 1] == '\t'))
		ntext--;
	if (CONTROL(57) &&
	    (!is_token(name, nname) || !is_field_text(text, ntext)))
		return err_set(e, ERR_GUEST, "reply: a malformed header");
	if (nname == 14 && strncasecmp(name, "content-length", nname) == 0) {
		if (x->length != -1)
			return err_set(e, ERR_GUEST, "reply: two lengths");
		x->length = parse_length(text, ntext);
		if (x->length == -1)
			return err_set(e, ERR_GUEST,
			    "reply: a malformed length");
		return 0;
	}
	if (!exchange_headers_add(&x->headers, name, nname, text, ntext))
		return err_set(e, ERR_GUEST,
		    "reply: more than %d headers, or %d bytes of them",
		    EXCHANGE_HEADERS_MAX, EXCHANGE_HEAD_MAX);
	return 0;
}

/* ---- bodies ---- */

int
exchange_take_body(struct exchange *x, const char *data, size_t len,
    struct err *e)
{
	if (len == 0 || x->no_body)
		return 0;
	x->total += len;
	if (x->total > x->body_limit)
		return err_set(e, ERR_GUEST,
		    "the reply is longer than %llu bytes",
		    (unsigned long long)x->body_limit);
	if (x->length != -1 && x->total > (uint64_t)x->length)
		return err_set(e, ERR_GUEST,
		    "the reply is longer than it said");
	if (x->body.at == x->body.len)
		buf_reset(&x->body);
	buf_add(&x->body, data, len);
	return 0;
}

void
exchange_start(struct exchange *x, enum aleph_interface interface,
    enum exchange_life life, uint64_t body_limit,
    const struct exchange_request *r)
{
	*x = (struct exchange){ .interface = interface,
		.life = life,
		.phase = EXCHANGE_HEAD,
		.body_limit = body_limit,
		.length = -1,
		.no_body = strcmp(r->method, "HEAD") == 0 };
	kinds[interface]->start(x, r);
}

void
exchange_fini(struct exchange *x)
{
	exchange_headers_fini(&x->headers);
	buf_fini(&x->out);
	buf_fini(&x->body);
	buf_fini(&x->in);
	channel_reader_fini(&x->reader);
}

bool
exchange_may_follow(const struct exchange *x)
{
	return x->life != EXCHANGE_ONCE && x->phase == EXCHANGE_OVER &&
	    x->complete && x->request_over && x->out.at == x->out.len &&
	    kinds[x->interface]->keeps(x);
}

void
exchange_send(struct exchange *x, const void *data, size_t len)
{
	if (len > 0 && !x->request_over)
		kinds[x->interface]->send(x, data, len);
}

void
exchange_send_end(struct exchange *x)
{
	if (x->request_over || x->phase == EXCHANGE_TUNNEL)
		return;
	x->request_over = true;
	kinds[x->interface]->send_end(x);
}

int
exchange_receive(struct exchange *x, const char *data, size_t len,
    struct err *e)
{
	return kinds[x->interface]->receive(x, data, len, e);
}

int
exchange_receive_end(struct exchange *x, struct err *e)
{
	return kinds[x->interface]->receive_end(x, e);
}

/* ---- exec: standard input and output, and no head ---- */

static void
exec_start(struct exchange *x, const struct exchange_request *r)
{
	(void)r;
	x->phase = EXCHANGE_BODY;
}

static void
exec_send(struct exchange *x, const void *data, size_t len)
{
	buf_add(&x->out, data, len);
}

static void
exec_send_end(struct exchange *x)
{
	x->out_ends = true;
}

static int
exec_receive_end(struct exchange *x, struct err *e)
{
	(void)e;
	x->phase = EXCHANGE_OVER;
	x->complete = true;
	return 0;
}

/* How it ends is the end of its machine. */
static bool
exec_keeps(const struct exchange *x)
{
	(void)x;
	return false;
}

const struct exchange_kind exchange_exec = { exec_start, exec_send,
	exec_send_end, exchange_take_body, exec_receive_end, exec_keeps };
