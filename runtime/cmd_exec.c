/* cella exec: one more program in a machine of a node. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"
#include "messages/websocket.h"
#include "runtime/cli.h"
#include "runtime/control_client.h"
#include "runtime/exchange.h"
#include "runtime/front_exec.h"
#include "runtime/node_client.h"
#include "runtime/route.h"
#include "runtime/spawn.h"

#define BACKLOG ((size_t)256 << 10)
#define FAILED 125 /* as cella run: ours, and not the program's */

struct session {
	int sock;
	struct websocket ws;
	bool input_over;
	int status; /* of the program; -1: it has not ended */
};

/* ---- the request ---- */

static void
put_encoded(struct buf *b, const char *text)
{
	static const char good[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-._~/";

	for (; *text != '\0'; text++)
		if (strchr(good, *text) != NULL)
			buf_add(b, text, 1);
		else
			buf_printf(b, "%%%02X", (unsigned char)*text);
}

/* Without a command a shell, which prompts for somebody who types. */
static void
put_path(struct buf *b, const char *run, char **argv)
{
	static char shell[] = "/bin/sh", prompt[] = "-i";
	char *const shells[] = { shell,
		isatty(STDIN_FILENO) == 1 ? prompt : NULL, NULL };
	char *const *arg = argv[0] == NULL ? shells : argv;

	buf_printf(b, "/control/runs/%s/exec", run);
	for (size_t i = 0; arg[i] != NULL; i++) {
		buf_printf(b, "%ccommand=", i == 0 ? '?' : '&');
		put_encoded(b, arg[i]);
	}
}

/* ---- the streams ---- */

static void
send_piece(struct session *s, enum front_exec_channel channel, const char *data,
    size_t n)
{
	char piece[1 + FRONT_EXEC_PIECE];

	piece[0] = (char)channel;
	memcpy(piece + 1, data, n);
	websocket_send(&s->ws, WEBSOCKET_BINARY, piece, n + 1);
}

static void
read_input(struct session *s)
{
	static char data[FRONT_EXEC_PIECE];
	static const char in[] = { FRONT_EXEC_STDIN };
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));

	if (n > 0) {
		send_piece(s, FRONT_EXEC_STDIN, data, (size_t)n);
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		send_piece(s, FRONT_EXEC_CLOSE, in, 1);
		s->input_over = true;
	}
}

/* As shells say it. */
static int
status_of(const struct value *v, struct err *e)
{
	const char *end = value_get_text(v, "end");
	int code;

	if (end != NULL && strcmp(end, "exit") == 0)
		return (int)value_get_int(v, "exit_code", FAILED) & 0xff;
	if (end != NULL && strcmp(end, "signal") == 0)
		return 128 + ((int)value_get_int(v, "signal", SIGKILL) & 0x7f);
	if (end != NULL && strcmp(end, "no-exec") == 0) {
		code = (int)value_get_int(v, "errno", ENOEXEC);
		err_set(e, ERR_NOT_FOUND, "the program: %s", strerror(code));
		cli_error(e, false);
		return code == ENOENT || code == ENOTDIR ? 127 : 126;
	}
	err_set(e, ERR_GUEST, "the machine ended");
	cli_error(e, false);
	return 137;
}

static int
take_end(struct session *s, const char *text, size_t n, struct err *e)
{
	value_auto struct value *v = json_parse(text, n, e);

	if (v == NULL)
		return -1;
	s->status = status_of(v, e);
	return 0;
}

static int
take_message(struct session *s, struct err *e)
{
	const struct buf *b = &s->ws.message;
	int to;

	if (b->len == 0)
		return err_set(e, ERR_SYSTEM, "node: an empty message");
	if (b->data[0] == FRONT_EXEC_END)
		return take_end(s, b->data + 1, b->len - 1, e);
	to = b->data[0] == FRONT_EXEC_STDERR ? STDERR_FILENO : STDOUT_FILENO;
	return cli_write(to, b->data + 1, b->len - 1) == -1
	    ? err_sys(e, "output")
	    : 0;
}

static int
take(struct session *s, const void *data, size_t n, struct err *e)
{
	enum websocket_kind kind;
	int r;

	websocket_take(&s->ws, data, n);
	while ((r = websocket_next(&s->ws, &kind, e)) == 1)
		if (take_message(s, e) == -1)
			return -1;
	return r;
}

/* 1: nothing more comes. */
static int
read_node(struct session *s, struct err *e)
{
	static char data[FRONT_EXEC_PIECE];
	ssize_t n = read(s->sock, data, sizeof(data));

	if (n == -1)
		return errno == EINTR ? 0 : err_sys(e, "node");
	if (take(s, data, (size_t)n, e) == -1)
		return -1;
	return n == 0;
}

static int
write_node(struct session *s, struct err *e)
{
	struct buf *b = &s->ws.out;
	/* Who waits for room here hears nothing, and makes none there. */
	ssize_t n = send(s->sock, b->data + b->at, b->len - b->at,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n == -1 && errno == EPIPE)
		b->at = b->len; /* what it said last is there to be read */
	else if (n == -1 && errno != EINTR && errno != EAGAIN)
		return err_sys(e, "node");
	b->at += n > 0 ? (size_t)n : 0;
	if (b->at == b->len)
		buf_reset(b);
	return 0;
}

static int
turn(struct session *s, struct err *e)
{
	size_t out = s->ws.out.len - s->ws.out.at;
	struct pollfd p[2] = {
		{ s->sock, (short)(POLLIN | (out > 0 ? POLLOUT : 0)), 0 },
		{ s->input_over || out > BACKLOG ? -1 : STDIN_FILENO, POLLIN,
		    0 },
	};

	if (poll(p, 2, -1) == -1)
		return errno == EINTR ? 0 : err_sys(e, "poll");
	if (p[1].revents != 0)
		read_input(s);
	if ((p[0].revents & POLLOUT) != 0 && write_node(s, e) == -1)
		return -1;
	return (p[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0
	    ? read_node(s, e)
	    : 0;
}

/* first: what came of the frames already. */
static int
serve(int sock, const struct buf *first, struct err *e)
{
	struct session s = { .sock = sock, .status = -1 };
	uint64_t seed;
	int r;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return err_sys(e, "getrandom");
	websocket_init(&s.ws, true, 1 + FRONT_EXEC_PIECE, seed);
	r = take(&s, first->data + first->at, first->len - first->at, e);
	while (r == 0 && !s.ws.closed)
		r = turn(&s, e);
	websocket_fini(&s.ws);
	if (r != -1 && s.status == -1)
		r = err_set(e, ERR_SYSTEM, "the node hung up");
	return r == -1 ? -1 : s.status;
}

static int
join(struct node_client *o, const char *path, struct err *e)
{
	fd_auto int sock = control_client_open(o->control, o->store, e);
	struct exchange x = { 0 };
	int r;

	if (sock == -1 || spawn_drop_for_good(e) == -1)
		return -1;
	r = control_client_upgrade(sock, path, &x, e);
	if (r == 0)
		r = x.phase == EXCHANGE_TUNNEL
		    ? serve(sock, &x.body, e)
		    : node_client_refusal(&x.body, x.status, e);
	exchange_fini(&x);
	return r;
}

static int
run(int argc, char **argv)
{
	struct node_client o = { NULL };
	buf_auto struct buf path = { 0 };
	struct err e;
	int r;

	if (node_client_parse_first(&o, argc, argv) == -1 || o.json ||
	    optind == argc || !route_is_call_id(argv[optind]))
		return cli_usage(&cmd_exec_command);
	put_path(&path, argv[optind], argv + optind + 1);
	signal(SIGPIPE, SIG_IGN);
	if (path.len >= ROUTE_TARGET_MAX)
		r = err_set(&e, ERR_INVALID, "the command is too long");
	else
		r = join(&o, buf_text(&path), &e);
	if (r == -1)
		cli_error(&e, false);
	return r == -1 ? FAILED : r;
}

const struct cli_command cmd_exec_command = { "exec",
	"[--control PATH] [--store DIR] RUN|HASH [COMMAND [ARG]...]",
	"run one more program in a machine of a node", run };
