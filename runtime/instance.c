#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/control.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/dns_msgs.h"
#include "runtime/instance.h"
#include "runtime/launcher_link.h"
#include "runtime/pipes.h"

#define CHUNK (64 << 10)

static int
make_ends(struct instance *i, struct pipes_ends *t, struct err *e)
{
	if (i->input == -1)
		t->in = pipes_nothing(e);
	else if (pipes_make(&t->in, &i->pipe_in, false, e) == -1)
		return -1;
	if (t->in == -1)
		return -1;
	if (i->direct_out != -1)
		t->out = fcntl(i->direct_out, F_DUPFD_CLOEXEC, 0);
	else if (pipes_make(&i->pipe_out, &t->out, true, e) == -1)
		return -1;
	if (t->out == -1)
		return err_sys(e, "standard output");
	if (pipes_make(&i->pipe_err, &t->err, true, e) == -1)
		return -1;
	if (i->channel != NULL &&
	    (pipes_make(&t->channel_in, &i->channel_out, false, e) == -1 ||
		pipes_make(&i->channel_in, &t->channel_out, true, e) == -1))
		return -1;
	return 0;
}

/* It may have asked already: its questions wait in the socket. */
static int
serve_names(struct instance *i, struct err *e)
{
	buf_auto struct buf b = { 0 };
	int r;

	if (i->resolver == -1)
		return 0;
	dns_msgs_put_serve(&b, i->dns->names, &i->machine->grant.egress);
	r = frame_send(i->dns->sock, DNS_MSGS_SERVE, i->serial, &b,
	    &i->resolver, 1, e);
	fd_close(&i->resolver);
	return r == -1 ? err_in(e, "cella-dns") : 0;
}

/* Its socket would keep its network alive.  Who cannot hear this is dead. */
static void
forget_names(const struct instance *i)
{
	struct err ignored;

	if (i->dns != NULL && i->machine->resolver)
		(void)frame_send(i->dns->sock, DNS_MSGS_FORGET, i->serial, NULL,
		    NULL, 0, &ignored);
}

static int
start(struct instance *i, struct err *e)
{
	struct launcher_link_given given = { -1, -1, -1 };
	int fds[FRAME_FDS_MAX];
	struct pipes_ends t = PIPES_NO_ENDS;

	if (make_ends(i, &t, e) == -1) {
		pipes_close_ends(&t);
		return -1;
	}
	i->pidfd = launcher_link_create(i->link, i->tenant, i->machine, fds,
	    pipes_list(&t, i->args, i->machine, i->source, fds), &i->serial,
	    &i->created, &given, e);
	i->resolver = given.resolver;
	i->upper = given.upper;
	fd_close(&given.meter);
	pipes_close_ends(&t);
	i->ran = i->pidfd != -1;
	return i->ran ? 0 : -1;
}

static void
kill_it(struct instance *i, enum launch_cause cause)
{
	struct err e;

	/* If the launcher is gone, so is the machine. */
	(void)launcher_link_kill(i->link, i->serial, cause, &e);
}

/* Past the limit bytes are counted and dropped, and the machine ends. */
static void
take(struct instance *i, struct instance_sink *s, const char *data, size_t n)
{
	uint64_t limit = CONTROL(46) ? s->limit : UINT64_MAX;
	uint64_t room = s->total < limit ? limit - s->total : 0;
	size_t kept = n < room ? n : (size_t)room;

	s->total += n;
	if (kept > 0 && s->fd != -1 && fd_write_full(s->fd, data, kept) == -1)
		kept = 0; /* nobody reads it any more */
	if (s->keep)
		buf_add(&s->kept, data, kept);
	s->dropped += n - kept;
	if (s->total > limit)
		kill_it(i, LAUNCH_CAUSE_OUTPUT);
}

/* Reads what is there; closes at the end of the stream. */
static ssize_t
read_some(int *fd, char data[CHUNK])
{
	ssize_t n = read(*fd, data, CHUNK);

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		fd_close(fd);
	return n;
}

static void
drain(struct instance *i, int *fd, struct instance_sink *s)
{
	static char data[CHUNK];
	ssize_t n = read_some(fd, data);

	if (n > 0)
		take(i, s, data, (size_t)n);
}

/* Writes from the front of b; what is left stays. */
static void
flush(int *fd, struct buf *b, uint64_t *count)
{
	ssize_t n = write(*fd, b->data + b->at, b->len - b->at);

	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR) {
			fd_close(fd); /* the machine closed its end */
			buf_reset(b);
		}
		return;
	}
	b->at += (size_t)n;
	if (count != NULL)
		*count += (uint64_t)n;
	if (b->at == b->len)
		buf_reset(b);
}

/* Whoever types it takes his time. */
static void
take_input(struct instance *i)
{
	static char data[CHUNK];
	ssize_t n = read(i->input, data, sizeof(data));

	if (n > 0)
		buf_add(&i->pending_in, data, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		i->input_over = true;
}

static void
feed(struct instance *i)
{
	if (i->pending_in.len > 0)
		flush(&i->pipe_in, &i->pending_in, &i->bytes_in);
	else
		fd_close(&i->pipe_in); /* it is over, or nobody reads it */
}

void
instance_send(struct instance *i, const void *data, size_t len)
{
	buf_add(&i->pending_channel, data, len);
}

void
instance_end_channel(struct instance *i)
{
	i->close_channel = true;
}

static int
hear_channel(struct instance *i, struct err *e)
{
	static char data[CHUNK];
	ssize_t n = read_some(&i->channel_in, data);

	if (n <= 0)
		return 0;
	return i->channel->received(i, i->channel->arg, data, (size_t)n, e);
}

static void
hear_signal(struct instance *i)
{
	struct signalfd_siginfo s;

	if (read(i->signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		i->stopped_by = (int)s.ssi_signo;
		kill_it(i, LAUNCH_CAUSE_STOP);
	}
}

enum {
	P_LINK,
	P_OUT,
	P_ERR,
	P_INPUT,
	P_IN,
	P_FROM,
	P_TO,
	P_SIGNAL,
	P_EXTRA,
	P_AUDIT,
	P_COUNT
};

static void
plan_poll(const struct instance *i, struct pollfd p[P_COUNT])
{
	bool sending = i->pending_channel.len > 0 || i->close_channel;
	bool feeding = i->pending_in.len > 0 || i->input_over;

	p[P_LINK] = (struct pollfd){ i->ended ? -1 : i->link->sock, POLLIN, 0 };
	p[P_OUT] = (struct pollfd){ i->pipe_out, POLLIN, 0 };
	p[P_ERR] = (struct pollfd){ i->pipe_err, POLLIN, 0 };
	p[P_INPUT] =
	    (struct pollfd){ i->pipe_in == -1 || feeding ? -1 : i->input,
		    POLLIN, 0 };
	p[P_IN] = (struct pollfd){ i->pipe_in, feeding ? POLLOUT : 0, 0 };
	p[P_FROM] = (struct pollfd){ i->channel_in, POLLIN, 0 };
	p[P_TO] = (struct pollfd){ sending ? i->channel_out : -1, POLLOUT, 0 };
	p[P_SIGNAL] = (struct pollfd){ i->signals, POLLIN, 0 };
	p[P_EXTRA] = (struct pollfd){ i->extra, i->extra_events, 0 };
	p[P_AUDIT] = (struct pollfd){ i->audit, POLLIN, 0 };
}

static int
turn(struct instance *i, struct err *e)
{
	struct pollfd p[P_COUNT];

	plan_poll(i, p);
	/* A turn that waits for no descriptor of its own must come again. */
	if (poll(p, P_COUNT,
		launcher_link_has_exited(i->link) ||
			(i->turn != NULL && i->extra == -1)
		    ? 0
		    : -1) == -1)
		return errno == EINTR ? 0 : err_sys(e, "poll");
	if (p[P_OUT].revents != 0)
		drain(i, &i->pipe_out, &i->out);
	if (p[P_ERR].revents != 0)
		drain(i, &i->pipe_err, &i->err);
	if (p[P_INPUT].revents != 0)
		take_input(i);
	if (p[P_IN].revents != 0)
		feed(i);
	if (p[P_TO].revents != 0) {
		if (i->pending_channel.len > 0)
			flush(&i->channel_out, &i->pending_channel,
			    &i->bytes_in);
		else if (i->close_channel)
			fd_close(&i->channel_out);
	}
	if (p[P_FROM].revents != 0 && hear_channel(i, e) == -1)
		return -1;
	if (p[P_SIGNAL].revents != 0)
		hear_signal(i);
	if (p[P_AUDIT].revents != 0)
		denials_drain(i->audit, i->created.uid, &i->denials);
	if (p[P_LINK].revents != 0 || launcher_link_has_exited(i->link)) {
		if (launcher_link_exited(i->link, &i->exited, e) == -1)
			return -1;
		i->ended = true;
	}
	return 0;
}

/* Its fault, or ours in hearing it: it ends, and the facts are waited for. */
static void
give_up(struct instance *i)
{
	kill_it(i, LAUNCH_CAUSE_STOP);
	i->turn = NULL;
	i->signals = -1;
	fd_close(&i->channel_in);
	fd_close(&i->channel_out);
	fd_close(&i->pipe_in);
}

/*
 * The kernel writes its log behind the machine's back: where there was one
 * record, or a kill, the last ones may still be on their way.
 */
static void
hear_last_denials(struct instance *i)
{
	struct pollfd p = { i->audit, POLLIN, 0 };
	bool more = i->denials.total > 0 ||
	    (i->exited.end == LAUNCH_END_SIGNAL && i->exited.code == SIGSYS);

	if (i->audit != -1 && poll(&p, 1, more ? 20 : 0) == 1)
		denials_drain(i->audit, i->created.uid, &i->denials);
}

int
instance_run(struct instance *i, struct launcher_link *link, struct err *e)
{
	struct err why;
	int r = 0;

	i->link = link;
	if (start(i, e) == -1)
		return -1;
	if (serve_names(i, e) == -1) {
		r = -1;
		give_up(i);
	}
	/* Its end closes every pipe: no task is left to hold one. */
	while (!i->ended || i->pipe_out != -1 || i->pipe_err != -1 ||
	    i->channel_in != -1) {
		if (turn(i, &why) == 0 &&
		    (i->turn == NULL || i->turn(i, i->turn_arg, &why) == 0))
			continue;
		if (r == -1 || (why.code == ERR_SYSTEM && !i->ended)) {
			*e = r == -1 ? *e : why;
			return -1; /* the launcher itself is in trouble */
		}
		*e = why;
		r = -1;
		give_up(i);
	}
	forget_names(i);
	hear_last_denials(i);
	return r;
}

void
instance_served(struct instance *i)
{
	i->served = true;
	i->turn = NULL;
	kill_it(i, LAUNCH_CAUSE_STOP);
}

void
instance_fini(struct instance *i)
{
	fd_close(&i->pidfd);
	fd_close(&i->resolver);
	fd_close(&i->pipe_in);
	fd_close(&i->pipe_out);
	fd_close(&i->pipe_err);
	fd_close(&i->channel_in);
	fd_close(&i->channel_out);
	fd_close(&i->upper);
	buf_fini(&i->pending_in);
	buf_fini(&i->pending_channel);
	buf_fini(&i->out.kept);
	buf_fini(&i->err.kept);
}
