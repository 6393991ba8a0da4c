#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/control.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/frame.h"
#include "sandbox/idmap.h"
#include "sandbox/net_plan.h"
#include "sandbox/slot.h"
#include "sandbox/slot_process.h"

static void __attribute__((noreturn))
become_slot(int sock, struct slot_shared *shared)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL); /* an ignored signal outlives execve */
	/* If the launcher died before this, the socket tells. */
	if (CONTROL(47) && prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		_exit(1);
	/* Nothing of the launcher's but this one socket. */
	if (dup2(sock, 3) == -1 || syscall(SYS_close_range, 4, ~0U, 0) == -1 ||
	    fcntl(3, F_SETFD, FD_CLOEXEC) == -1)
		_exit(1);
	slot_process_serve(3, shared);
}

int
slot_open(struct slot *out, struct err *e)
{
	struct slot s = SLOT_EMPTY;
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_NEWUSER,
		.exit_signal = SIGCHLD,
		.pidfd = (uint64_t)(uintptr_t)&s.pidfd,
	};
	int pair[2];
	char path[64];

	s.shared = mmap(NULL, sizeof(*s.shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s.shared == MAP_FAILED)
		return err_sys(e, "slot: memory");
	if (frame_pair(pair, e) == -1) {
		munmap(s.shared, sizeof(*s.shared));
		return err_in(e, "slot");
	}
	s.pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (s.pid == 0)
		become_slot(pair[1], s.shared);
	close(pair[1]);
	s.sock = pair[0];
	if (s.pid == -1) {
		err_sys(e, "slot: clone3");
		s.pid = 0;
		slot_close(&s);
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", s.pid);
	s.userns = open(path, O_RDONLY | O_CLOEXEC);
	if (s.userns == -1) {
		err_sys(e, "slot: %s", path);
		slot_close(&s);
		return -1;
	}
	*out = s;
	return 0;
}

/* One answer; that the machine is gone may come before any other. */
static int
receive(struct slot *s, struct frame *f, struct err *e)
{
	int r;

	while ((r = frame_recv(s->sock, f, e)) == 1 && f->type == SLOT_GONE &&
	    !s->gone) {
		s->gone = true;
		frame_fini(f);
	}
	if (r == 0)
		return err_set(e, ERR_SYSTEM, "slot: it died");
	return r == 1 ? 0 : -1;
}

/* The slot's own error becomes ours. */
static int
expect(struct slot *s, uint32_t type, struct frame *f, struct err *e)
{
	if (receive(s, f, e) == -1)
		return -1;
	if (f->type == type)
		return 0;
	if (f->type == SLOT_FAILED) {
		e->code = (enum err_code)buf_get_u32(&f->body);
		e->sys = (int)buf_get_u32(&f->body);
		buf_get_str(&f->body, e->text, sizeof(e->text));
	} else {
		err_set(e, ERR_SYSTEM, "slot: unexpected answer %u", f->type);
	}
	frame_fini(f);
	return -1;
}

int
slot_map(struct slot *s, uint32_t base, uint32_t count, bool rootless,
    bool lo_up, struct err *e)
{
	buf_auto struct buf b = { 0 };
	char map[64];

	snprintf(map, sizeof(map), "%u %u %u\n", rootless ? MACHINE_UID : 0,
	    base, rootless ? 1 : count);
	if ((rootless && idmap_write(s->pid, "setgroups", "deny", e) == -1) ||
	    idmap_write(s->pid, "uid_map", map, e) == -1 ||
	    idmap_write(s->pid, "gid_map", map, e) == -1)
		return err_in(e, "slot");
	buf_put_u8(&b, rootless);
	buf_put_u8(&b, lo_up);
	return frame_send(s->sock, SLOT_MAPPED, 0, &b, NULL, 0, e);
}

bool
slot_has_answered(const struct slot *s)
{
	struct pollfd p = { .fd = s->sock, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

int
slot_wait_prepared(struct slot *s, struct err *e)
{
	struct frame f;

	if (expect(s, SLOT_PREPARED, &f, e) == -1)
		return -1;
	frame_fini(&f);
	return 0;
}

int
slot_raise_link(struct slot *s, const struct net_plan *p, int *resolver,
    struct err *e)
{
	buf_auto struct buf b = { 0 };
	struct frame f;

	net_plan_put(&b, p);
	buf_put_u8(&b, resolver != NULL);
	if (frame_send(s->sock, SLOT_NET, 0, &b, NULL, 0, e) == -1 ||
	    expect(s, SLOT_NET_UP, &f, e) == -1)
		return -1;
	invariant(f.nfds == (resolver != NULL));
	if (resolver != NULL)
		*resolver = fd_take(&f.fds[0]);
	frame_fini(&f);
	return 0;
}

struct child_plan *
slot_plan(struct slot *s)
{
	return &s->shared->plan;
}

static void
put_fd(struct buf *b, int fd, int *fds, size_t *n)
{
	buf_put_u8(b, fd != -1);
	if (fd != -1) {
		invariant(*n < FRAME_FDS_MAX);
		fds[(*n)++] = fd;
	}
}

int
slot_start(struct slot *s, const struct child_fds *c, int *pidfd,
    uint32_t *missing, struct err *e)
{
	buf_auto struct buf b = { 0 };
	int fds[FRAME_FDS_MAX];
	struct frame f;
	size_t n = 0;

	for (size_t i = 0; i < START_FD_COUNT; i++)
		put_fd(&b, c->start[i], fds, &n);
	for (size_t i = 0; i < CHILD_TASKS_MAX; i++)
		put_fd(&b, c->tasks[i], fds, &n);
	put_fd(&b, c->cgroup, fds, &n);
	put_fd(&b, c->root, fds, &n);
	for (size_t i = 0; i < CHILD_MOUNTS_MAX; i++)
		put_fd(&b, c->mount[i], fds, &n);
	if (frame_send(s->sock, SLOT_START, 0, &b, fds, n, e) == -1 ||
	    expect(s, SLOT_STARTED, &f, e) == -1)
		return -1;
	invariant(f.nfds == 1);
	*pidfd = fd_take(&f.fds[0]);
	*missing = s->shared->result.missing;
	frame_fini(&f);
	return 0;
}

int
slot_join(struct slot *s, const struct child_self *self,
    const struct join_fds *j, int status, struct err *e)
{
	buf_auto struct buf b = { 0 };
	int fds[SLOT_JOIN_FDS + CHILD_TASKS_MAX] = { j->std[0], j->std[1],
		j->std[2], j->args, j->filter, status };
	size_t n = SLOT_JOIN_FDS;

	s->shared->self = *self;
	for (size_t i = 0; i < CHILD_TASKS_MAX; i++)
		put_fd(&b, j->tasks[i], fds, &n);
	return frame_send(s->sock, SLOT_JOIN, 0, &b, fds, n, e);
}

int
slot_replace_state(struct slot *s, int tree, struct err *e)
{
	struct frame f;

	if (frame_send(s->sock, SLOT_STATE, 0, NULL, &tree, 1, e) == -1 ||
	    expect(s, SLOT_STATE_REPLACED, &f, e) == -1)
		return -1;
	frame_fini(&f);
	return 0;
}

int
slot_connect(struct slot *s, uint16_t port, struct err *e)
{
	buf_auto struct buf b = { 0 };
	struct frame f;
	int fd;

	buf_put_u32(&b, port);
	if (frame_send(s->sock, SLOT_CONNECT, 0, &b, NULL, 0, e) == -1 ||
	    expect(s, SLOT_CONNECTED, &f, e) == -1)
		return -1;
	invariant(f.nfds == 1);
	fd = fd_take(&f.fds[0]);
	frame_fini(&f);
	return fd;
}

/* Forty pages that hundreds of idle machines would hold each. */
void
slot_started(struct slot *s)
{
	(void)madvise(s->shared, sizeof(*s->shared), MADV_REMOVE);
}

int
slot_reset(struct slot *s, struct err *e)
{
	invariant(s->gone);
	s->gone = false;
	return frame_send(s->sock, SLOT_RESET, 0, NULL, NULL, 0, e);
}

int
slot_wait_reset(struct slot *s, struct err *e)
{
	struct frame f;
	int clean;

	if (expect(s, SLOT_RESET_DONE, &f, e) == -1)
		return -1;
	clean = buf_get_u8(&f.body) == 1 && buf_ok(&f.body);
	frame_fini(&f);
	return clean;
}

int
slot_wait_gone(struct slot *s, struct err *e)
{
	struct frame f;
	int r;

	if (s->gone)
		return 0;
	r = frame_recv(s->sock, &f, e);
	if (r == 0)
		return err_set(e, ERR_SYSTEM, "slot: it died");
	if (r == -1)
		return -1;
	s->gone = f.type == SLOT_GONE;
	frame_fini(&f);
	return s->gone ? 0 : err_set(e, ERR_SYSTEM, "slot: out of turn");
}

void
slot_kill(struct slot *s)
{
	if (s->pid > 0)
		kill(s->pid, SIGKILL);
}

void
slot_close(struct slot *s)
{
	slot_kill(s);
	if (s->pid > 0)
		waitpid(s->pid, NULL, 0);
	fd_close(&s->pidfd);
	fd_close(&s->sock);
	fd_close(&s->userns);
	if (s->shared != NULL)
		munmap(s->shared, sizeof(*s->shared));
	*s = (struct slot)SLOT_EMPTY;
}
