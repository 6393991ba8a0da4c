#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/function_binary.h"
#include "runtime/instance.h"
#include "runtime/launcher_link.h"

#define HEAD_MAX (64 << 10)
/* How often a server that does not listen yet is asked again. */
#define RETRY_NS 5000000L

static long long
parse_length(const char *text, size_t len)
{
	char digits[20], *end;

	if (len == 0 || len >= sizeof(digits))
		return -3;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (strspn(digits, "0123456789") != len)
		return -3;
	return strtoll(digits, &end, 10);
}

/* One header line of what decides the length of the body. */
static int
take_header(const char *line, size_t len, struct function_binary_head *h,
    struct err *e)
{
	const char *colon = memchr(line, ':', len), *text;
	size_t name, n;

	if (colon == NULL || colon == line || line[0] == ' ' || line[0] == '\t')
		return err_set(e, ERR_GUEST, "reply: a malformed header");
	name = (size_t)(colon - line);
	text = colon + 1;
	n = len - name - 1;
	while (n > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		n--;
	}
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	if (name == 14 && strncasecmp(line, "content-length", 14) == 0) {
		if (h->length != -1)
			return err_set(e, ERR_GUEST, "reply: two lengths");
		h->length = parse_length(text, n);
		if (h->length < 0)
			return err_set(e, ERR_GUEST,
			    "reply: a malformed length");
	} else if (name == 17 &&
	    strncasecmp(line, "transfer-encoding", 17) == 0) {
		if (n != 7 || strncasecmp(text, "chunked", 7) != 0 ||
		    h->length != -1)
			return err_set(e, ERR_GUEST,
			    "reply: unknown transfer encoding");
		h->length = -2;
	}
	return 0;
}

static int
take_status(const char *line, size_t len, struct function_binary_head *h,
    struct err *e)
{
	if (len < 12 || strncmp(line, "HTTP/1.", 7) != 0 ||
	    (line[7] != '0' && line[7] != '1') || line[8] != ' ' ||
	    line[9] < '1' || line[9] > '9' || line[10] < '0' ||
	    line[10] > '9' || line[11] < '0' || line[11] > '9' ||
	    (len > 12 && line[12] != ' '))
		return err_set(e, ERR_GUEST, "reply: not HTTP/1.1");
	h->status =
	    (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	return 0;
}

int
function_binary_parse_head(const char *data, size_t len,
    struct function_binary_head *h, struct err *e)
{
	const char *end = memmem(data, len, "\r\n\r\n", 4), *line = data, *nl;
	bool first = true;

	if (end == NULL)
		return len > HEAD_MAX
		    ? err_set(e, ERR_GUEST, "reply: the head is too long")
		    : 0;
	*h = (struct function_binary_head){ 0, (size_t)(end - data) + 4, -1 };
	for (; line < end + 2; line = nl + 2, first = false) {
		nl = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
		if (memchr(line, '\n', (size_t)(nl - line)) != NULL ||
		    memchr(line, '\0', (size_t)(nl - line)) != NULL)
			return err_set(e, ERR_GUEST,
			    "reply: a malformed header");
		if ((first ? take_status : take_header)(line,
			(size_t)(nl - line), h, e) == -1)
			return -1;
	}
	if (h->status == 204 || h->status == 304)
		h->length = 0;
	return 1;
}

struct exchange {
	const struct function_input *in;
	struct function_reply *reply;
	struct function_request request;
	char *body;
	size_t len;
	struct buf out, got;
	struct function_binary_head head;
	bool has_head, over;
	int sock;
};

static int finish_body(struct exchange *x, struct err *e);

/* Lines of "<hex>[;ext]\r\n", the chunk, "\r\n"; ends with a chunk of 0. */
static int
take_chunks(struct exchange *x, struct err *e)
{
	struct buf *b = &x->got;
	const char *nl;
	char *end;
	unsigned long long n;

	for (;;) {
		nl = memmem(b->data + b->at, b->len - b->at, "\r\n", 2);
		if (nl == NULL)
			return 0;
		n = strtoull(b->data + b->at, &end, 16);
		if (end == b->data + b->at || (*end != '\r' && *end != ';') ||
		    n > x->in->body_limit)
			return err_set(e, ERR_GUEST,
			    "reply: a malformed chunk");
		if (n == 0)
			return finish_body(x, e);
		if ((size_t)(b->data + b->len - nl) < n + 4)
			return 0;
		if (memcmp(nl + 2 + n, "\r\n", 2) != 0)
			return err_set(e, ERR_GUEST,
			    "reply: a malformed chunk");
		if (function_take_body(x->in, x->reply, nl + 2, (size_t)n, e) ==
		    -1)
			return -1;
		b->at = (size_t)(nl + 4 + n - b->data);
	}
}

static int
finish_body(struct exchange *x, struct err *e)
{
	(void)e;
	x->reply->complete = x->over = true;
	return 0;
}

static int
take_bytes(struct exchange *x, struct err *e)
{
	struct buf *b = &x->got;
	size_t n = b->len - b->at;
	int r;

	if (!x->has_head) {
		r = function_binary_parse_head(b->data, b->len, &x->head, e);
		if (r != 1)
			return r;
		x->has_head = true;
		x->reply->status = x->head.status;
		b->at = x->head.body_at;
		n = b->len - b->at;
	}
	if (x->head.length == -2)
		return take_chunks(x, e);
	if (x->head.length >= 0 &&
	    x->reply->total + n > (uint64_t)x->head.length)
		n = (size_t)((uint64_t)x->head.length - x->reply->total);
	if (function_take_body(x->in, x->reply, b->data + b->at, n, e) == -1)
		return -1;
	buf_reset(b);
	if (x->head.length >= 0 && x->reply->total == (uint64_t)x->head.length)
		return finish_body(x, e);
	return 0;
}

/* The server may not listen yet; the launcher says so at once. */
static int
try_connect(struct exchange *x, struct instance *i, struct err *e)
{
	const struct timespec pause = { 0, RETRY_NS };

	x->sock =
	    launcher_link_connect(i->link, i->serial, FUNCTION_BINARY_PORT, e);
	if (x->sock != -1) {
		if (fcntl(x->sock, F_SETFL, O_NONBLOCK) == -1)
			return err_sys(e, "socket");
		i->extra = x->sock;
		i->extra_events = POLLIN | POLLOUT;
		return 0;
	}
	/* It ended before it listened: its end is the answer. */
	if (launcher_link_has_exited(i->link))
		return 0;
	if (e->code != ERR_BUSY)
		return -1;
	nanosleep(&pause, NULL);
	return 0;
}

static int
send_some(struct exchange *x, struct instance *i, struct err *e)
{
	ssize_t n =
	    write(x->sock, x->out.data + x->out.at, x->out.len - x->out.at);

	if (n == -1 && errno != EAGAIN && errno != EINTR)
		return errno == EPIPE || errno == ECONNRESET
		    ? 0
		    : err_sys(e, "socket");
	if (n > 0) {
		x->out.at += (size_t)n;
		i->bytes_in += (uint64_t)n;
	}
	if (x->out.at == x->out.len)
		i->extra_events = POLLIN;
	return 0;
}

static int
receive_some(struct exchange *x, struct err *e)
{
	static char data[64 << 10];
	ssize_t n = read(x->sock, data, sizeof(data));

	if (n == -1)
		return errno == EAGAIN || errno == EINTR
		    ? 0
		    : err_set(e, ERR_GUEST, "the server broke the connection");
	if (n == 0) {
		if (!x->has_head || x->head.length != -1)
			return err_set(e, ERR_GUEST,
			    "the server ended before its reply did");
		return finish_body(x, e);
	}
	buf_add(&x->got, data, (size_t)n);
	return take_bytes(x, e);
}

static int
turn(struct instance *i, void *arg, struct err *e)
{
	struct exchange *x = arg;

	if (x->over || i->ended)
		return 0;
	if (x->sock == -1)
		return try_connect(x, i, e);
	if (x->out.at < x->out.len && send_some(x, i, e) == -1)
		return -1;
	if (receive_some(x, e) == -1)
		return -1;
	if (x->over) {
		i->extra = -1;
		instance_served(i);
	}
	return 0;
}

static void
write_request(struct exchange *x)
{
	const struct function_request *r = &x->request;

	buf_printf(&x->out,
	    "%s %s%s%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    r->method, r->path, r->query[0] ? "?" : "", r->query, x->len);
	buf_add(&x->out, x->body, x->len);
}

int
function_binary_run(const struct function_input *in, struct instance *i,
    struct launcher_link *link, struct function_reply *reply, struct err *e)
{
	struct exchange x = { .in = in, .reply = reply, .sock = -1 };
	int r =
	    function_parse_request(in->request, in->input != -1, &x.request, e);

	if (r == 0)
		r = function_read_body(in, &x.body, &x.len, e);
	if (r == 0) {
		write_request(&x);
		i->turn = turn;
		i->turn_arg = &x;
		r = instance_run(i, link, e);
		i->turn = NULL;
	}
	if (r == 0)
		r = function_check_reply(i, reply, e);
	fd_close(&x.sock);
	buf_fini(&x.out);
	buf_fini(&x.got);
	free(x.body);
	return r;
}
