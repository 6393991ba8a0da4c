#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest/rollup_http.h"
#include "guest/rollup_io.h"
#include "guest/rollup_json.h"

#define CALLERS_MAX 64
#define HEAD_MAX (16 << 10)
#define BODY_MAX ((size_t)16 << 20) /* a payload is twice as long in digits */

struct caller {
	int fd; /* -1: free */
	struct buf in;
	bool keeps;      /* its connection, after this request */
	bool told;       /* that it may send the body */
	size_t head;     /* bytes of it; 0: it is not all here yet */
	size_t body;     /* so many are to follow */
	uint64_t number; /* of the request, once it is all here; 0 */
};

struct server {
	int listener, stop;
	struct caller caller[CALLERS_MAX];
	struct caller *finishing; /* who waits for what comes next */
	bool waiting;             /* somebody does, though he may be gone */
	uint64_t last;
	struct rollup_io_request next;
};

int
rollup_http_listen(uint16_t port, struct err *e)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	fd_auto int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd == -1)
		return err_sys(e, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(fd, CALLERS_MAX) == -1)
		return err_sys(e, "127.0.0.1:%u", port);
	return fd_take(&fd);
}

/* ---- replies ---- */

static void
hang_up(struct server *s, struct caller *c)
{
	if (s->finishing == c)
		s->finishing = NULL;
	fd_close(&c->fd);
	buf_fini(&c->in);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

/* Programs of the machine alone hear it: one that does not read is waited for.
 */
static void
reply(struct server *s, struct caller *c, int status, const char *type,
    const char *text)
{
	static const struct {
		int status;
		const char *words;
	} words[] = { { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
		{ 400, "Bad Request" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 431, "Request Header Fields Too Large" } };
	buf_auto struct buf b = { 0 };
	const char *phrase = "";

	for (size_t i = 0; i < nitems(words); i++)
		if (words[i].status == status)
			phrase = words[i].words;
	if (status >= 400 && c->number == 0)
		c->keeps = false; /* where the next begins nobody knows */
	buf_printf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n%s%s%s%s\r\n",
	    status, phrase, strlen(text),
	    *text == '\0' ? "" : "Content-Type: ", *text == '\0' ? "" : type,
	    *text == '\0' ? "" : "\r\n",
	    c->keeps ? "" : "Connection: close\r\n");
	buf_add_str(&b, text);
	if (fd_write_full(c->fd, b.data, b.len) == -1 || !c->keeps) {
		hang_up(s, c);
		return;
	}
	/* What follows is the next request. */
	b = c->in;
	c->in = (struct buf){ 0 };
	if (b.len > c->head + c->body)
		buf_add(&c->in, b.data + c->head + c->body,
		    b.len - c->head - c->body);
	c->head = c->body = 0;
	c->number = 0;
	c->told = false;
}

static void
refuse(struct server *s, struct caller *c, int status, const char *why)
{
	reply(s, c, status, "text/plain", why);
}

static void
reply_index(struct server *s, struct caller *c, uint64_t index)
{
	char text[48];

	snprintf(text, sizeof(text), "{\"index\":%llu}",
	    (unsigned long long)index);
	reply(s, c, 201, "application/json", text);
}

/* ---- what is asked for ---- */

static int
serve_finish(struct server *s, struct caller *c, const char *body, size_t len,
    struct err *e)
{
	bool accept;

	if (rollup_json_get_status(body, len, &accept, e) == -1) {
		refuse(s, c, 400, e->text);
		return 0;
	}
	if (rollup_io_finish_begin(accept) == -1)
		return err_sys(e, "channel");
	s->finishing = c;
	s->waiting = true;
	return 0;
}

static int
put_out(const char *path, const unsigned char *address, const struct buf *p,
    uint64_t *index)
{
	if (strcmp(path, "/voucher") == 0)
		return rollup_io_voucher(address, p->data, p->len, index);
	if (strcmp(path, "/notice") == 0)
		return rollup_io_notice(p->data, p->len, index);
	if (strcmp(path, "/report") == 0)
		return rollup_io_report(p->data, p->len);
	return rollup_io_exception(p->data, p->len);
}

static int
serve_output(struct server *s, struct caller *c, const char *path,
    const char *body, size_t len, struct err *e)
{
	unsigned char address[ROLLUP_IO_ADDRESS];
	const bool voucher = strcmp(path, "/voucher") == 0;
	buf_auto struct buf payload = { 0 };
	uint64_t index = 0;

	if (rollup_json_get_output(body, len, ROLLUP_JSON_HEX,
		voucher ? address : NULL, &payload, e) == -1) {
		refuse(s, c, 400, e->text);
		return 0;
	}
	if (put_out(path, address, &payload, &index) == -1) {
		if (errno == EPIPE || errno == EPROTO)
			return err_sys(e, "channel");
		refuse(s, c, 400, strerror(errno));
		return 0;
	}
	if (voucher || strcmp(path, "/notice") == 0)
		reply_index(s, c, index);
	else
		reply(s, c, 202, "", "");
	return 0;
}

static int
serve(struct server *s, struct caller *c, struct err *e)
{
	static const char *const outputs[] = { "/voucher", "/notice", "/report",
		"/exception" };
	const char *body = c->in.data + c->head;
	char method[8], path[16];

	if (sscanf(c->in.data, "%7[A-Z] %15[^ ?\r\n]", method, path) != 2) {
		refuse(s, c, 404, "there is no such thing");
		return 0;
	}
	if (strcmp(path, "/finish") == 0 && strcmp(method, "POST") == 0)
		return serve_finish(s, c, body, c->body, e);
	for (size_t i = 0; i < nitems(outputs); i++) {
		if (strcmp(path, outputs[i]) != 0)
			continue;
		if (strcmp(method, "POST") == 0)
			return serve_output(s, c, outputs[i], body, c->body, e);
		refuse(s, c, 405, "it is posted");
		return 0;
	}
	refuse(s, c, strcmp(path, "/finish") == 0 ? 405 : 404,
	    "there is no such thing");
	return 0;
}

/* ---- requests as they come ---- */

/* The value of a field of the head, or NULL; the head ends with a NUL. */
static const char *
find_field(const char *head, const char *name)
{
	const size_t len = strlen(name);

	for (const char *p = strchr(head, '\n'); p != NULL;
	     p = strchr(p + 1, '\n'))
		if (strncasecmp(p + 1, name, len) == 0 && p[1 + len] == ':')
			return p + 2 + len + strspn(p + 2 + len, " \t");
	return NULL;
}

/* 0, or the status of a refusal. */
static int
read_head(struct caller *c, char *head)
{
	const char *length = find_field(head, "content-length");
	const char *connection = find_field(head, "connection");
	const char *expect = find_field(head, "expect");
	char *end;

	c->keeps = strstr(head, " HTTP/1.1\r\n") != NULL;
	if (connection != NULL && strncasecmp(connection, "close", 5) == 0)
		c->keeps = false;
	if (find_field(head, "transfer-encoding") != NULL)
		return 411;
	c->body = 0;
	if (length != NULL) {
		errno = 0;
		c->body = strtoul(length, &end, 10);
		if (*length < '0' || *length > '9' || errno != 0 ||
		    (*end != '\r' && *end != ' '))
			return 400;
	}
	if (c->body > BODY_MAX)
		return 413;
	if (expect != NULL && !c->told) {
		c->told = true;
		fd_write_full(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	}
	return 0;
}

/* Whether a whole request is here; else more is awaited, or it is refused. */
static void
look(struct server *s, struct caller *c)
{
	const char *end;
	int status;

	if (c->in.len == 0)
		return;
	if (c->head == 0) {
		end = strstr(buf_text(&c->in), "\r\n\r\n");
		if (end == NULL) {
			if (c->in.len > HEAD_MAX)
				refuse(s, c, 431, "the head is too long");
			return;
		}
		c->head = (size_t)(end - c->in.data) + 4;
		c->in.data[c->head - 1] = '\0'; /* the head, as a text */
		status = read_head(c, c->in.data);
		if (status != 0) {
			refuse(s, c, status, "the request is malformed");
			return;
		}
	}
	if (c->in.len >= c->head + c->body)
		c->number = ++s->last;
}

static void
hear(struct server *s, struct caller *c)
{
	char data[64 << 10];
	ssize_t n = read(c->fd, data, sizeof(data));

	if (n <= 0) {
		hang_up(s, c);
		return;
	}
	buf_add(&c->in, data, (size_t)n);
	if (c->number == 0)
		look(s, c);
}

static void
take_caller(struct server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

	for (size_t i = 0; fd != -1 && i < CALLERS_MAX; i++)
		if (s->caller[i].fd == -1) {
			s->caller[i].fd = fd;
			return;
		}
	fd_close(&fd);
}

/* ---- turns ---- */

static struct caller *
find_first(struct server *s)
{
	struct caller *first = NULL, *c;

	for (size_t i = 0; i < CALLERS_MAX; i++) {
		c = &s->caller[i];
		if (c->fd != -1 && c->number != 0 &&
		    (first == NULL || c->number < first->number))
			first = c;
	}
	return first;
}

/* In their order, until one of them waits for what comes next. */
static int
serve_all(struct server *s, struct err *e)
{
	struct caller *c;

	while (!s->waiting && (c = find_first(s)) != NULL) {
		if (serve(s, c, e) == -1)
			return -1;
		if (!s->waiting && c->fd != -1)
			look(s, c);
	}
	return 0;
}

static int
hear_next(struct server *s, struct err *e)
{
	struct caller *c = s->finishing;
	buf_auto struct buf b = { 0 };

	if (rollup_io_finish_end(&s->next) == -1)
		return err_sys(e, "channel");
	s->waiting = false;
	s->finishing = NULL;
	if (c == NULL)
		return 0; /* it asked and went: the input is nobody's */
	rollup_json_put_request(&b, &s->next, ROLLUP_JSON_HEX);
	reply(s, c, 200, "application/json", buf_text(&b));
	if (c->fd != -1)
		look(s, c);
	return 0;
}

/* 1: go on; 0: stop. */
static int
turn(struct server *s, struct err *e)
{
	struct pollfd p[3 + CALLERS_MAX] = {
		{ s->stop, POLLIN, 0 },
		{ s->waiting ? ROLLUP_IO_IN : -1, POLLIN, 0 },
		{ s->listener, POLLIN, 0 },
	};

	/* Who has asked is heard again when he is answered, or hangs up. */
	for (size_t i = 0; i < CALLERS_MAX; i++)
		p[3 + i] = (struct pollfd){ s->caller[i].fd,
			s->caller[i].number == 0 ? POLLIN : POLLRDHUP, 0 };
	if (poll(p, nitems(p), -1) == -1)
		return errno == EINTR ? 1 : err_sys(e, "poll");
	if (p[0].revents != 0)
		return 0;
	if (p[1].revents != 0 && hear_next(s, e) == -1)
		return -1;
	for (size_t i = 0; i < CALLERS_MAX; i++)
		if (p[3 + i].revents != 0 && s->caller[i].fd == p[3 + i].fd) {
			if (s->caller[i].number == 0)
				hear(s, &s->caller[i]);
			else if ((p[3 + i].revents & (POLLHUP | POLLERR)) != 0)
				hang_up(s, &s->caller[i]);
		}
	if (p[2].revents != 0)
		take_caller(s);
	return serve_all(s, e) == -1 ? -1 : 1;
}

int
rollup_http_serve(int listener, int stop, struct err *e)
{
	static struct server s;
	int r;

	s.listener = listener;
	s.stop = stop;
	for (size_t i = 0; i < CALLERS_MAX; i++)
		s.caller[i].fd = -1;
	while ((r = turn(&s, e)) == 1)
		;
	return r;
}
