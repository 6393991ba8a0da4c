#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "runtime/exchange.h"
#include "runtime/function_binary.h"
#include "runtime/instance.h"
#include "runtime/launcher_link.h"

/* How often a server that does not listen yet is asked again. */
#define RETRY_NS 5000000L

struct work {
	const struct function_input *in;
	struct function_reply *reply;
	struct exchange exchange;
	int sock;
};

/* The server may not listen yet; the launcher says so at once. */
static int
try_connect(struct work *w, struct instance *i, struct err *e)
{
	const struct timespec pause = { 0, RETRY_NS };

	w->sock =
	    launcher_link_connect(i->link, i->serial, FUNCTION_BINARY_PORT, e);
	if (w->sock != -1) {
		if (fcntl(w->sock, F_SETFL, O_NONBLOCK) == -1)
			return err_sys(e, "socket");
		i->extra = w->sock;
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
send_some(struct work *w, struct instance *i, struct err *e)
{
	struct buf *b = &w->exchange.out;
	ssize_t n = write(w->sock, b->data + b->at, b->len - b->at);

	if (n == -1 && errno != EAGAIN && errno != EINTR)
		return errno == EPIPE || errno == ECONNRESET
		    ? 0
		    : err_sys(e, "socket");
	if (n > 0) {
		b->at += (size_t)n;
		i->bytes_in += (uint64_t)n;
	}
	if (b->at == b->len)
		i->extra_events = POLLIN;
	return 0;
}

static int
receive_some(struct work *w, struct err *e)
{
	static char data[64 << 10];
	ssize_t n = read(w->sock, data, sizeof(data));

	if (n == -1)
		return errno == EAGAIN || errno == EINTR
		    ? 0
		    : err_set(e, ERR_GUEST, "the server broke the connection");
	return function_receive(w->in, &w->exchange, w->reply, data, (size_t)n,
	    e);
}

static int
turn(struct instance *i, void *arg, struct err *e)
{
	struct work *w = arg;
	struct exchange *x = &w->exchange;

	if (x->phase == EXCHANGE_OVER || i->ended)
		return 0;
	if (w->sock == -1)
		return try_connect(w, i, e);
	if (x->out.at < x->out.len && send_some(w, i, e) == -1)
		return -1;
	if (receive_some(w, e) == -1)
		return -1;
	if (x->phase == EXCHANGE_OVER) {
		i->extra = -1;
		instance_served(i);
	}
	return 0;
}

int
function_binary_run(const struct function_input *in, struct instance *i,
    struct launcher_link *link, struct function_reply *reply, struct err *e)
{
	struct work w = { .in = in, .reply = reply, .sock = -1 };
	int r;

	if (function_start(in, &w.exchange, e) == -1)
		return -1;
	i->turn = turn;
	i->turn_arg = &w;
	r = instance_run(i, link, e);
	i->turn = NULL;
	if (r == 0)
		r = function_check_reply(i, reply, e);
	fd_close(&w.sock);
	exchange_fini(&w.exchange);
	return r;
}
