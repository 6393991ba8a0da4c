#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/front_grpc.h"
#include "runtime/front_tls.h"
#include "runtime/grpc_conn.h"
#include "runtime/grpc_health.h"
#include "runtime/grpc_reflection.h"
#include "runtime/grpc_session.h"

#define PIECE ((size_t)64 << 10)
#define BACKLOG ((size_t)256 << 10) /* kept for who is slower */
#define BEGIN_NS \
	(10 * CLOCK_SECOND) /* for TLS and the protocol's first words */
#define STILL_NS (60 * CLOCK_SECOND)  /* without room, or a sign of life */
#define ANSWER_NS (20 * CLOCK_SECOND) /* for one that was asked for */
#define IDLE_NS (300 * CLOCK_SECOND)  /* without a call */
#define LINGER_NS (2 * CLOCK_SECOND)

struct front_grpc {
	struct front *front;
	struct front_grpc *next, **place;
	int fd;
	struct front_tls *tls; /* NULL: the caller has none */
	struct loop_watch watch;
	struct loop_timer timer, woken;
	struct grpc_conn *conn;
	char name[96]; /* where he comes from, as gRPC calls that */
	struct buf down;
	uint64_t heard_ns, moved_ns; /* bytes of his, and of ours */
	uint64_t busy_ns;            /* when he had a call last */
	bool asked;                  /* whether he lives */
	bool lingering;
};

static const struct grpc_service *const services[] = {
	&grpc_health_service,
	&grpc_reflection_v1,
	&grpc_reflection_v1alpha,
	&grpc_session_service,
	&grpc_session_check_in,
};

static size_t
waiting(const struct buf *b)
{
	return b->len - b->at;
}

static void
end(struct front_grpc *g)
{
	struct front *f = g->front;

	*g->place = g->next;
	if (g->next != NULL)
		g->next->place = g->place;
	loop_timer_stop(f->loop, &g->timer);
	loop_remove(f->loop, &g->watch);
	grpc_conn_close(g->conn);
	loop_timer_stop(f->loop, &g->woken); /* a call's end may ask */
	front_tls_close(g->tls);
	fd_close(&g->fd);
	buf_fini(&g->down);
	free(g);
	f->grpc.nconns--;
	front_has_room(f);
	front_is_idle(f);
}

/* ---- time ---- */

static void plan(struct front_grpc *g);
static void turn(struct front_grpc *g);

static void
too_late(void *arg)
{
	struct front_grpc *g = arg;
	uint64_t now = clock_mono_ns();

	if (g->lingering || waiting(&g->down) > 0 || g->asked ||
	    !grpc_conn_has_begun(g->conn)) {
		end(g);
		return;
	}
	if (grpc_conn_calls(g->conn) == 0) {
		grpc_conn_drain(g->conn);
	} else if (now - g->heard_ns >= STILL_NS) {
		g->asked = true;
		grpc_conn_ping(g->conn);
	}
	turn(g);
}

static void
set_timer(struct front_grpc *g)
{
	uint64_t now = clock_mono_ns(), at;

	if (grpc_conn_calls(g->conn) > 0 || g->busy_ns == 0)
		g->busy_ns = now;
	else if (g->front->grpc.nconns == FRONT_GRPC_MAX)
		front_has_room(g->front); /* it may give its place away */
	if (g->lingering)
		at = g->moved_ns + LINGER_NS;
	else if (!grpc_conn_has_begun(g->conn))
		at = g->busy_ns + BEGIN_NS; /* whatever waits for him */
	else if (waiting(&g->down) > 0)
		at = g->moved_ns + STILL_NS;
	else if (grpc_conn_calls(g->conn) == 0)
		at = g->busy_ns + IDLE_NS;
	else
		at = g->heard_ns + STILL_NS + (g->asked ? ANSWER_NS : 0);
	loop_timer_set(g->front->loop, &g->timer, at, too_late, g);
}

/* ---- bytes ---- */

/* False: nobody reads what it has to say. */
static bool
write_some(struct front_grpc *g)
{
	struct buf *b = &g->down;
	ssize_t n;

	if (waiting(b) == 0)
		return true;
	n = g->tls != NULL
	    ? front_tls_send(g->tls, b->data + b->at, waiting(b))
	    : send(g->fd, b->data + b->at, waiting(b), MSG_NOSIGNAL);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	g->moved_ns = clock_mono_ns();
	b->at += (size_t)n;
	if (waiting(b) == 0)
		buf_reset(b);
	return true;
}

static bool
send_all(struct front_grpc *g)
{
	do {
		if (waiting(&g->down) == 0) {
			grpc_conn_send(g->conn, &g->down, BACKLOG);
			g->moved_ns = clock_mono_ns();
		}
		if (waiting(&g->down) == 0)
			return true;
		if (!write_some(g))
			return false;
	} while (waiting(&g->down) == 0);
	return true;
}

/* Everything is said: the caller may still be talking, and must hear it. */
static void
linger(struct front_grpc *g)
{
	g->lingering = true;
	g->moved_ns = clock_mono_ns();
	if (g->tls != NULL)
		front_tls_bye(g->tls);
	shutdown(g->fd, SHUT_WR);
}

static void hear_more(void *arg);

static void
plan(struct front_grpc *g)
{
	struct loop *l = g->front->loop;
	bool tls = g->tls != NULL, shakes = tls && !front_tls_is_ready(g->tls);
	/* Who does not read what he asked for is not heard. */
	bool hear = g->lingering || waiting(&g->down) < BACKLOG;

	if (!g->lingering && waiting(&g->down) == 0 &&
	    grpc_conn_is_over(g->conn))
		linger(g);
	loop_set(l, &g->watch,
	    (hear ? EPOLLIN : 0U) | EPOLLRDHUP |
		((shakes ? front_tls_wants_room(g->tls) : waiting(&g->down) > 0)
			? EPOLLOUT
			: 0U));
	/* What TLS has unpacked already is told by no event. */
	if (hear && tls && front_tls_has_more(g->tls))
		loop_timer_set(l, &g->woken, 0, hear_more, g);
	set_timer(g);
}

static void
turn(struct front_grpc *g)
{
	if (send_all(g))
		plan(g);
	else
		end(g);
}

/* False: it is over. */
static bool
hear(struct front_grpc *g)
{
	static char data[PIECE];
	ssize_t n = g->tls != NULL ? front_tls_recv(g->tls, data, sizeof(data))
				   : recv(g->fd, data, sizeof(data), 0);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	g->heard_ns = clock_mono_ns();
	g->asked = false;
	if (!g->lingering)
		(void)grpc_conn_receive(g->conn, data, (size_t)n);
	return true;
}

static void
hear_more(void *arg)
{
	struct front_grpc *g = arg;

	if (g->tls == NULL || !front_tls_has_more(g->tls) || hear(g))
		turn(g);
	else
		end(g);
}

static void
ready(void *arg, uint32_t events)
{
	struct front_grpc *g = arg;

	/* A handshake reads and writes as it likes. */
	if (g->tls != NULL && !front_tls_is_ready(g->tls) &&
	    (events & EPOLLOUT) != 0)
		events |= EPOLLIN;
	if ((events & EPOLLIN) != 0
		? !hear(g)
		: (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		end(g);
	else
		turn(g);
}

static void
woken(void *arg)
{
	struct front_grpc *g = arg;

	loop_timer_set(g->front->loop, &g->woken, 0, hear_more, g);
}

/* ---- connections ---- */

void
front_grpc_init(struct front *f)
{
	f->grpc.server = (struct grpc_server){ .loop = f->loop,
		.service = services,
		.nservices = nitems(services),
		.health = &f->grpc.health,
		.owner = f,
		.kept = &f->kept,
		.kept_max = FRONT_KEPT_MAX };
}

/* Whoever has had no call for the longest. */
static struct front_grpc *
find_idle(const struct front *f)
{
	struct front_grpc *found = NULL;

	for (struct front_grpc *g = f->grpc.conns; g != NULL; g = g->next)
		if (grpc_conn_calls(g->conn) == 0 &&
		    (found == NULL || g->busy_ns < found->busy_ns))
			found = g;
	return found;
}

bool
front_grpc_has_room(struct front *f)
{
	return f->grpc.nconns < FRONT_GRPC_MAX || find_idle(f) != NULL;
}

static void
set_name(struct front_grpc *g)
{
	struct sockaddr_storage a = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(a);
	char address[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
	const struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;

	(void)getpeername(g->fd, (struct sockaddr *)&a, &len);
	if (a.ss_family == AF_INET)
		snprintf(g->name, sizeof(g->name), "ipv4:%s:%u",
		    inet_ntop(AF_INET, &v4->sin_addr, address, sizeof(address)),
		    ntohs(v4->sin_port));
	else if (a.ss_family == AF_INET6)
		snprintf(g->name, sizeof(g->name), "ipv6:[%s]:%u",
		    inet_ntop(AF_INET6, &v6->sin6_addr, address,
			sizeof(address)),
		    ntohs(v6->sin6_port));
	else
		snprintf(g->name, sizeof(g->name), "unix:");
}

void
front_grpc_open(struct front *f, int fd, enum front_kind kind)
{
	struct front_grpc *g = calloc(1, sizeof(*g));
	bool tls = kind == FRONT_GRPCS;
	struct grpc_peer peer = { .token = tls ? f->rules.token : NULL,
		.name = g->name,
		.woken = woken,
		.arg = g };
	struct err ignored;

	invariant(g != NULL);
	if (f->grpc.nconns >= FRONT_GRPC_MAX)
		end(find_idle(f));
	*g = (struct front_grpc){ .front = f,
		.next = f->grpc.conns,
		.place = &f->grpc.conns,
		.fd = fd,
		.watch = LOOP_WATCH_NONE,
		.heard_ns = clock_mono_ns() };
	if (g->next != NULL)
		g->next->place = &g->next;
	f->grpc.conns = g;
	f->grpc.nconns++;
	set_name(g);
	g->conn = grpc_conn_open(&f->grpc.server, &peer);
	if ((tls && (g->tls = front_tls_open(f->keys, fd)) == NULL) ||
	    loop_add(f->loop, &g->watch, fd, EPOLLIN | EPOLLRDHUP, ready, g,
		&ignored) == -1)
		end(g);
	else
		plan(g);
}

void
front_grpc_drain(struct front *f)
{
	struct front_grpc *g, *next;

	if (f->grpc.drained)
		return;
	f->grpc.drained = true;
	grpc_health_end(&f->grpc.health);
	for (g = f->grpc.conns; g != NULL; g = next) {
		next = g->next;
		grpc_conn_drain(g->conn);
		turn(g);
	}
}

void
front_grpc_close_all(struct front *f)
{
	while (f->grpc.conns != NULL)
		end(f->grpc.conns);
}
