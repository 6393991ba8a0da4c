#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "runtime/monitor.h"
#include "runtime/monitor_parts.h"
#include "runtime/sealed_file.h"
#include "runtime/spawn.h"
#include "runtime/store.h"

/* ---- one that somebody else started ---- */

/*
 * From the peer's id to a descriptor that is surely the peer's: whose
 * connection still stands after it was opened had that id all the time.
 */
static int
take_peer(struct node *n, int sock, struct err *e)
{
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof(peer);
	fd_auto int pidfd = -1;
	char byte;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return err_sys(e, "peer");
	if (peer.pid <= 0)
		return err_set(e, ERR_DENIED,
		    "its process cannot be seen from here");
	pidfd = (int)syscall(SYS_pidfd_open, peer.pid, 0);
	if (pidfd == -1)
		return err_sys(e, "process %d", peer.pid);
	if (recv(sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != -1 ||
	    errno != EAGAIN)
		return err_set(e, ERR_SYSTEM, "it is gone already");
	n->child[FRONT].joined = true;
	return monitor_start_watch(&n->child[FRONT], peer.pid, fd_take(&pidfd),
	    monitor_child_ended, e);
}

static int
give(int sock, const int fds[MONITOR_FRONT_FDS], struct err *e)
{
	buf_auto struct buf b = { 0 };
	int there[MONITOR_FRONT_FDS];
	uint32_t which = 0;
	size_t n = 0;
	int r;

	for (unsigned i = 0; i < MONITOR_FRONT_FDS; i++)
		if (fds[i] != -1) {
			which |= 1U << i;
			there[n++] = fds[i];
		}
	buf_put_u32(&b, which);
	r = frame_try_send(sock, MONITOR_PLACE, 0, &b, there, n, e);
	return r == 0 ? err_set(e, ERR_SYSTEM, "its socket is full")
		      : (r == -1 ? -1 : 0);
}

/* ---- either ---- */

/* sock: of one that has joined, or -1: it is started here. */
static int
start(struct node *n, int sock, const int fds[MONITOR_FRONT_FDS], struct err *e)
{
	struct child *c = &n->child[FRONT];

	if (sock != -1)
		return take_peer(n, sock, e) == -1 || give(sock, fds, e) == -1
		    ? -1
		    : 0;
	return monitor_start_spawned(c, "cella-front", fds, MONITOR_FRONT_FDS,
	    monitor_child_ended, e);
}

static int
make_rules(const struct monitor *m, struct err *e)
{
	buf_auto struct buf b = { 0 };

	buf_add_str(&b, m->token);
	buf_add_str(&b, m->domain == NULL ? "" : m->domain);
	return fd_sealed("rules", b.data, b.len, e);
}

static int
equip(struct node *n, int sock, struct err *e)
{
	const struct monitor *m = n->m;
	fd_auto int ours = -1, theirs = -1, rules = make_rules(m, e);
	fd_auto int empty = -1, cert = -1, key = -1;
	int pair[2];

	if (rules == -1 || frame_pair(pair, e) == -1)
		return -1;
	ours = pair[0];
	theirs = pair[1];
	empty =
	    openat(m->store->dir, "empty", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (empty == -1)
		return err_sys(e, "%s/empty", m->state_dir);
	if (m->cert != NULL &&
	    (sealed_file(m->cert, &cert, e) == -1 ||
		sealed_file(m->key, &key, e) == -1))
		return -1;
	if (start(n, sock,
		(const int[MONITOR_FRONT_FDS]){ theirs, empty, rules,
		    m->listen_control, m->listen_http, m->listen_https,
		    m->listen_metrics, m->listen_grpc, m->listen_grpcs, cert,
		    key },
		e) == -1)
		return -1;
	frame_link_send(&n->core, MONITOR_FRONT, 0, NULL, &ours, 1);
	return 0;
}

/* ---- waiting for one ---- */

static void
hear_join(void *arg, uint32_t events)
{
	struct node *n = arg;
	fd_auto int sock = accept4(n->m->listen_front, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct err e;

	(void)events;
	if (sock == -1)
		return;
	/* Whose conversation did not begin ends by itself. */
	if (equip(n, sock, &e) == -1)
		fprintf(stderr, "cellad: a front that joins: %s\n", e.text);
	/* The next one waits until this one has ended. */
	if (n->child[FRONT].pid != 0)
		loop_remove(n->loop, &n->door);
}

int
monitor_front_start(struct node *n, struct err *e)
{
	if (n->m->listen_front == -1)
		return equip(n, -1, e);
	return n->door.fd != -1
	    ? 0
	    : loop_add(n->loop, &n->door, n->m->listen_front, EPOLLIN,
		  hear_join, n, e);
}

void
monitor_front_forget(struct node *n)
{
	if (n->door.fd != -1)
		loop_remove(n->loop, &n->door);
}
