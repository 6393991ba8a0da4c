#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/monitor.h"
#include "runtime/monitor_parts.h"
#include "runtime/policy_open.h"
#include "runtime/sealed_file.h"
#include "runtime/spawn.h"
#include "runtime/store.h"

#define POLICY_MAX (256 << 10)

const char *
monitor_start_name(enum who w)
{
	static const char *const names[] = { "cella-launcher", "cella-core",
		"cella-dns", "cella-fetch", "cella-files" };

	return w == FRONT   ? "cella-front"
	    : w >= PREPARER ? "cella-prepare"
			    : names[w];
}

int
monitor_start_watch(struct child *c, pid_t pid, int pidfd,
    void (*fn)(void *, uint32_t), struct err *e)
{
	c->started_ns = clock_mono_ns();
	if (loop_add(c->node->loop, &c->watch, pidfd, EPOLLIN, fn, c, e) ==
	    -1) {
		fd_close(&pidfd);
		return -1;
	}
	c->pid = pid;
	c->pidfd = pidfd;
	return 0;
}

static int
watch_child(struct child *c, pid_t pid, const char *name,
    void (*fn)(void *, uint32_t), struct err *e)
{
	int pidfd;

	if (pid == -1)
		return -1;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd == -1)
		err_sys(e, "%s: pidfd", name);
	else if (monitor_start_watch(c, pid, pidfd, fn, e) == 0)
		return 0;
	/* Nobody would hear of its end. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -1;
}

int
monitor_start_spawned(struct child *c, const char *name, const int fds[],
    size_t nfds, void (*fn)(void *, uint32_t), struct err *e)
{
	return watch_child(c, spawn_with(name, fds, nfds, e), name, fn, e);
}

/* Descriptors are borrowed. */
static int
start(struct node *n, enum who w, const int fds[], size_t nfds, struct err *e)
{
	return monitor_start_spawned(&n->child[w], monitor_start_name(w), fds,
	    nfds, monitor_child_ended, e);
}

/*
 * Its bytes, once for all processes until it is read again: a file that changes
 * meanwhile would make them disagree, and one that is being written would keep
 * a core that died from starting.
 */
static int
take_policy(const struct node *n, struct monitor_policy *p, struct err *e)
{
	fd_auto int fd = -1;

	if (n->m->policy == NULL || p->data != NULL)
		return 0;
	fd = policy_open(n->m->policy, e);
	if (fd == -1)
		return -1;
	if (fd_read_all(fd, POLICY_MAX, &p->data, &p->len, e) == -1)
		return err_in(e, "%s", n->m->policy);
	return 0;
}

/* A file of the child's own, with a position of its own. */
static int
give_policy(const struct node *n, int *fd, struct err *e)
{
	*fd = -1;
	if (n->policy.data == NULL)
		return 0;
	*fd = fd_sealed("policy", n->policy.data, n->policy.len, e);
	return *fd == -1 ? -1 : 0;
}

static int
start_core(struct node *n, struct err *e)
{
	fd_auto int policy = -1, theirs = -1, core_end = -1, launcher_end = -1;
	int pair[2], link[2];

	if (take_policy(n, &n->policy, e) == -1 ||
	    give_policy(n, &policy, e) == -1 || frame_pair(link, e) == -1)
		return -1;
	core_end = link[0];
	launcher_end = link[1];
	if (frame_pair(pair, e) == -1)
		return -1;
	theirs = pair[1];
	n->ready = n->anew = false;
	if (frame_link_open(&n->core, n->loop, pair[0], monitor_hear_core,
		monitor_core_gone, n, e) == -1)
		return -1;
	if (watch_child(&n->child[LAUNCHER], spawn_launcher_at(launcher_end, e),
		"cella-launcher", monitor_child_ended, e) == -1)
		return -1;
	return start(n, CORE,
	    (const int[]){ theirs, core_end, n->m->store->dir, policy,
		n->m->journald },
	    5, e);
}

/* The rest talk to core: their sockets' other ends go to it. */
static int
start_beside(struct node *n, enum who child, uint32_t type, const int *more,
    size_t nmore, struct err *e)
{
	fd_auto int ours = -1, theirs = -1;
	int pair[2], fds[4];

	invariant(nmore < nitems(fds));
	if (frame_pair(pair, e) == -1)
		return -1;
	ours = pair[0];
	fds[0] = theirs = pair[1];
	for (size_t i = 0; i < nmore; i++)
		fds[1 + i] = more[i];
	if (start(n, child, fds, 1 + nmore, e) == -1)
		return -1;
	frame_link_send(&n->core, type, 0, NULL, &ours, 1);
	return 0;
}

static int
start_dns(struct node *n, struct err *e)
{
	return start_beside(n, DNS, MONITOR_DNS, NULL, 0, e);
}

static int
start_fetch(struct node *n, struct err *e)
{
	fd_auto int policy = -1;

	return give_policy(n, &policy, e) == -1
	    ? -1
	    : start_beside(n, FETCH, MONITOR_FETCH, &policy, 1, e);
}

static int
start_files(struct node *n, struct err *e)
{
	const int more[] = { n->m->sessions, n->m->session_root };

	return start_beside(n, FILES, MONITOR_FILES, more, nitems(more), e);
}

static int
start_preparer(struct node *n, unsigned number, struct err *e)
{
	fd_auto int policy = -1, a0 = -1, a1 = -1, b0 = -1, b1 = -1;
	buf_auto struct buf body = { 0 };
	int a[2], b[2];

	if (give_policy(n, &policy, e) == -1 || frame_pair(a, e) == -1)
		return -1;
	a0 = a[0];
	a1 = a[1];
	if (frame_pair(b, e) == -1)
		return -1;
	b0 = b[0];
	b1 = b[1];
	if (start(n, (enum who)(PREPARER + number),
		(const int[]){ a1, b1, n->m->store->dir, policy }, 4, e) == -1)
		return -1;
	buf_put_u32(&body, number);
	frame_link_send(&n->core, MONITOR_PREPARER, 0, &body,
	    (const int[]){ a0, b0 }, 2);
	return 0;
}

int
monitor_start_child(struct node *n, enum who w, struct err *e)
{
	switch (w) {
	case CORE:
		return start_core(n, e);
	case DNS:
		return start_dns(n, e);
	case FETCH:
		return start_fetch(n, e);
	case FILES:
		return start_files(n, e);
	case FRONT:
		return monitor_front_start(n, e);
	default:
		return start_preparer(n, (unsigned)w - PREPARER, e);
	}
}

int
monitor_start_reload(struct node *n, struct err *e)
{
	fd_auto int cert = -1, key = -1;

	if (sealed_file(n->m->cert, &cert, e) == -1 ||
	    sealed_file(n->m->key, &key, e) == -1)
		return -1;
	frame_link_send(&n->core, MONITOR_TLS, 0, NULL,
	    (const int[]){ cert, key }, 2);
	return 0;
}

/* It reads the policy as core does, and ends (core_main.c). */
int
monitor_start_checker(struct node *n, void (*fn)(void *, uint32_t),
    struct err *e)
{
	struct monitor_policy *next = &n->next;
	fd_auto int fd = -1;

	free(next->data);
	*next = (struct monitor_policy){ NULL, 0 };
	if (take_policy(n, next, e) == -1)
		return -1;
	if (next->data == NULL ||
	    (next->len == n->policy.len &&
		memcmp(next->data, n->policy.data, next->len) == 0))
		return 0;
	fd = fd_sealed("policy", next->data, next->len, e);
	if (fd == -1 ||
	    monitor_start_spawned(&n->checker, "cella-core", &fd, 1, fn, e) ==
		-1)
		return -1;
	return 1;
}
