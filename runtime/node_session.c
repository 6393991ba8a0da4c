#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "messages/proto_message.h"
#include "runtime/grpc_client.h"
#include "runtime/listen.h"
#include "runtime/node_session.h"
#include "runtime/spawn.h"

#define PIECE ((size_t)64 << 10)
#define REPLY_MAX UINT32_MAX

struct node_session {
	int sock;
	struct loop *loop;
	struct loop_watch watch;
	struct grpc_client *client;
	struct buf out;
	/* of the call */
	struct buf *reply;
	bool over;
	enum grpc_status status;
	char text[512];
};

/* ---- bytes ---- */

static void
send_some(struct node_session *c)
{
	ssize_t n = 1;

	do {
		if (c->out.at == c->out.len) {
			buf_reset(&c->out);
			grpc_client_send(c->client, &c->out, PIECE);
		}
		if (c->out.len > c->out.at)
			n = write(c->sock, c->out.data + c->out.at,
			    c->out.len - c->out.at);
		if (n > 0 && c->out.len > 0)
			c->out.at += (size_t)n;
	} while (n > 0 && c->out.len > 0);
	loop_set(c->loop, &c->watch,
	    EPOLLIN | (c->out.at < c->out.len ? EPOLLOUT : 0U));
}

static void
woken(void *arg)
{
	struct node_session *c = arg;

	loop_set(c->loop, &c->watch, EPOLLIN | EPOLLOUT);
}

static void
ready(void *arg, uint32_t events)
{
	struct node_session *c = arg;
	static char data[PIECE];
	ssize_t n;

	if ((events & ~(uint32_t)EPOLLOUT) != 0) {
		n = read(c->sock, data, sizeof(data));
		if (n == -1 && errno == EINTR)
			return;
		if (n <= 0)
			loop_remove(c->loop, &c->watch);
		if (grpc_client_receive(c->client, data,
			n > 0 ? (size_t)n : 0) == -1 ||
		    n <= 0)
			return;
	}
	send_some(c);
}

/* ---- a call ---- */

static void
message(void *arg, const void *data, size_t len)
{
	struct node_session *c = arg;

	buf_add(c->reply, data, len);
}

static void
ended(void *arg, enum grpc_status status, const char *text)
{
	struct node_session *c = arg;

	c->over = true;
	c->status = status;
	snprintf(c->text, sizeof(c->text), "%s", text);
	loop_stop(c->loop);
}

static enum err_code
code_of(enum grpc_status status)
{
	switch (status) {
	case GRPC_INVALID_ARGUMENT:
	case GRPC_OUT_OF_RANGE:
		return ERR_INVALID;
	case GRPC_ALREADY_EXISTS:
	case GRPC_ABORTED:
	case GRPC_FAILED_PRECONDITION:
		return ERR_CONFLICT;
	case GRPC_DEADLINE_EXCEEDED:
		return ERR_TIMEOUT;
	case GRPC_DATA_LOSS:
		return ERR_GUEST;
	case GRPC_RESOURCE_EXHAUSTED:
	case GRPC_UNAVAILABLE:
		return ERR_BUSY;
	default:
		return ERR_SYSTEM;
	}
}

int
node_session_call(struct node_session *c, const char *rpc,
    const struct ProtobufCMessage *m, struct buf *reply,
    enum grpc_status *status, struct err *e)
{
	buf_auto struct buf b = { 0 };
	struct grpc_ask *ask;
	char path[96];

	snprintf(path, sizeof(path), "/CartesiServerManager.ServerManager/%s",
	    rpc);
	proto_message_pack(&b, m);
	buf_reset(reply);
	c->reply = reply;
	c->over = false;
	ask = grpc_client_ask(c->client,
	    &(struct grpc_question){ .path = path,
		.authority = "localhost",
		.timeout_ns = UINT64_MAX,
		.max = REPLY_MAX,
		.message = message,
		.ended = ended,
		.arg = c });
	grpc_client_say(ask, buf_text(&b), b.len);
	grpc_client_say_end(ask);
	if (!c->over && loop_run(c->loop, e) == -1)
		return -1;
	*status = c->status;
	return c->status == GRPC_OK
	    ? 0
	    : err_set(e, code_of(c->status), "%s", c->text);
}

/* ---- the connection ---- */

struct node_session *
node_session_open(const char *where, struct err *e)
{
	struct node_session *c;
	fd_auto int sock = -1;

	if (where == NULL)
		where = getenv("CELLA_GRPC");
	if (where == NULL) {
		err_set(e, ERR_INVALID,
		    "where is the node? --grpc ADDRESS:PORT, or unix:PATH, or "
		    "CELLA_GRPC in the environment");
		return NULL;
	}
	if (!listen_is_local(where)) {
		err_set(e, ERR_INVALID,
		    "%s: this command speaks in the clear, and to this host "
		    "alone",
		    where);
		return NULL;
	}
	sock = listen_connect(where, e);
	if (sock != -1)
		fcntl(sock, F_SETFL, O_NONBLOCK);
	if (sock == -1 || spawn_drop_for_good(e) == -1)
		return NULL;
	c = calloc(1, sizeof(*c));
	invariant(c != NULL);
	c->watch = (struct loop_watch)LOOP_WATCH_NONE;
	c->loop = loop_open(e);
	if (c->loop == NULL ||
	    loop_add(c->loop, &c->watch, sock, EPOLLIN | EPOLLOUT, ready, c,
		e) == -1) {
		free(c);
		return NULL;
	}
	c->sock = fd_take(&sock);
	c->client = grpc_client_open(c->loop, woken, c);
	return c;
}

void
node_session_close(struct node_session *c)
{
	if (c == NULL)
		return;
	grpc_client_close(c->client);
	loop_remove(c->loop, &c->watch);
	loop_close(c->loop);
	fd_close(&c->sock);
	buf_fini(&c->out);
	free(c);
}
