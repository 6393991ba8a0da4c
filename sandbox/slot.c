#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
#include "guest/sys.h"
#include "messages/frame.h"
#include "sandbox/slot.h"

/* Lies in memory that launcher and slot share; the machine never sees it. */
struct slot_shared {
	struct child_plan plan;
	struct child_result result;
};

/* What launcher and slot say to each other. */
enum slot_type {
	SLOT_MAPPED = 1, /* -> */
	SLOT_PREPARED,   /* <- or SLOT_FAILED */
	SLOT_START,      /* -> with descriptors */
	SLOT_STARTED,    /* <- with init's pidfd */
	SLOT_CONNECT,    /* -> port */
	SLOT_CONNECTED,  /* <- with a socket */
	SLOT_GONE,       /* <- init is reaped */
	SLOT_FAILED,     /* <- error */
};

/* The descriptors of SLOT_START; a byte for each says whether it is there. */
#define SLOT_FDS (START_FD_COUNT + CHILD_TASKS_MAX + 2 + CHILD_MOUNTS_MAX)

static int
answer_failure(int sock, const struct err *why)
{
	buf_auto struct buf b = { 0 };
	struct err e;

	buf_put_u32(&b, why->code);
	buf_put_u32(&b, (uint32_t)why->sys);
	buf_put_str(&b, why->text);
	return frame_send(sock, SLOT_FAILED, 0, &b, NULL, 0, &e);
}

/* ---- in the slot's process ---- */

/* No descendant can make a user namespace, whatever its filter says. */
static int
forbid_userns(struct err *e)
{
	static const char path[] = "/proc/sys/user/max_user_namespaces";
	fd_auto int fd = open(path, O_RDWR | O_CLOEXEC);
	char text[8] = "";

	if (!CONTROL(20))
		return 0;
	if (fd == -1 || write(fd, "0\n", 2) != 2 ||
	    pread(fd, text, sizeof(text) - 1, 0) < 1)
		return err_sys(e, "%s", path);
	if (strcmp(text, "0\n") != 0)
		return err_set(e, ERR_SYSTEM, "%s: read back %s", path, text);
	return 0;
}

static int
empty_bounding_set(struct err *e)
{
	if (!CONTROL(18))
		return 0;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) == -1)
			return err_sys(e, "bounding set: drop %d", cap);
	/* Not KEEP_CAPS: changing ids must take capabilities away. */
	if (prctl(PR_SET_SECUREBITS,
		SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
		    SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
		    SECBIT_NO_CAP_AMBIENT_RAISE |
		    SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) == -1)
		return err_sys(e, "securebits");
	return 0;
}

static int
prepare(bool rootless, int no_net, struct err *e)
{
	uint32_t id = rootless ? MACHINE_UID : 0;

	errno = no_net;
	if (no_net != 0)
		return err_sys(e, "slot: network namespace");
	/* The map made us somebody: become that. */
	if ((!rootless && CONTROL(17) &&
		syscall(SYS_setgroups, 0, NULL) == -1) ||
	    syscall(SYS_setresgid, id, id, id) == -1 ||
	    syscall(SYS_setresuid, id, id, id) == -1)
		return err_sys(e, "ids of the slot");
	/* Changing ids cleared it; and from here nobody inspects us. */
	if ((CONTROL(47) && prctl(PR_SET_PDEATHSIG, SIGKILL) == -1) ||
	    (CONTROL(8) && prctl(PR_SET_DUMPABLE, 0) == -1))
		return err_sys(e, "slot: prctl");
	if (forbid_userns(e) == -1 || empty_bounding_set(e) == -1)
		return -1;
	return 0;
}

static int
set_lo(bool up, struct err *e)
{
	struct ifreq r = { .ifr_name = "lo" };
	fd_auto int fd = -1;

	if (!up)
		return 0; /* as it was born */
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || ioctl(fd, SIOCGIFFLAGS, &r) == -1)
		return err_sys(e, "lo");
	r.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &r) == -1)
		return err_sys(e, "lo: up");
	return 0;
}

/*
 * clone3(2) by hand, so that the child goes on here, on our own stack, while we
 * are suspended: the library's syscall() would return through a slot that the
 * child has overwritten.  AddressSanitizer cannot bear two processes in one
 * memory: there the child gets its own; the result is in shared memory anyway.
 */
#if defined(__SANITIZE_ADDRESS__)
#define SUSPEND_US CLONE_VFORK
#else
#define SUSPEND_US (CLONE_VFORK | CLONE_VM)
#endif

struct init {
	pid_t pid; /* 0: not started, or gone */
	int pidfd;
	int no_net; /* why there is no network namespace; 0 */
};

static long __attribute__((noinline))
start_init(struct slot_shared *s, struct child_fds *f, int *pidfd)
{
	struct clone_args args = {
		.flags = SUSPEND_US | CLONE_PIDFD | CLONE_NEWNS |
		    (CONTROL(43) ? CLONE_NEWPID : 0) | CLONE_NEWIPC |
		    CLONE_NEWUTS,
		.exit_signal = SIGCHLD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
	};
	long pid;

	if (f->cgroup != -1) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)f->cgroup;
	}
	pid = sys2(SYS_clone3, (long)&args, sizeof(args));
	if (pid == 0)
		child_run(&s->plan, f, &s->result);
	return pid;
}

static void
read_fds(struct frame *f, struct child_fds *out)
{
	int *all[SLOT_FDS];
	size_t n = 0, at = 0;

	for (size_t i = 0; i < START_FD_COUNT; i++)
		all[n++] = &out->start[i];
	for (size_t i = 0; i < CHILD_TASKS_MAX; i++)
		all[n++] = &out->tasks[i];
	all[n++] = &out->cgroup;
	all[n++] = &out->root;
	for (size_t i = 0; i < CHILD_MOUNTS_MAX; i++)
		all[n++] = &out->mount[i];
	for (size_t i = 0; i < n; i++) {
		*all[i] = -1;
		if (buf_get_u8(&f->body) == 1) {
			invariant(at < f->nfds);
			*all[i] = f->fds[at++];
		}
	}
}

static int
explain(const struct slot_shared *s, struct err *e)
{
	const struct child_result *r = &s->result;
	const char *object = "";

	if (r->step == CHILD_MOUNT && r->index < s->plan.nmounts)
		object = s->plan.target[r->index];
	errno = r->sys;
	return err_sys(e, "machine: %s%s%s",
	    child_step_name((enum child_step)r->step), *object ? " " : "",
	    object);
}

static int
answer_start(int sock, struct slot_shared *s, struct frame *f, struct init *i)
{
	struct child_fds fds;
	struct err e;
	long pid;

	read_fds(f, &fds);
	memset(&s->result, 0, sizeof(s->result));
	pid = start_init(s, &fds, &i->pidfd);
	if (pid < 0) {
		errno = (int)-pid;
		err_sys(&e, "machine: clone3");
		return answer_failure(sock, &e);
	}
	if (s->result.failed) {
		waitpid((pid_t)pid, NULL, 0);
		fd_close(&i->pidfd);
		explain(s, &e);
		return answer_failure(sock, &e);
	}
	i->pid = (pid_t)pid;
	return frame_send(sock, SLOT_STARTED, 0, NULL, &i->pidfd, 1, &e);
}

/*
 * On loopback a connection is there at once or not at all: a server that lets
 * its backlog run full makes us wait, which we do not.
 */
static int
connect_now(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port) };
	fd_auto int fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int sys = 0;

	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd_take(&fd);
	if (errno == EINPROGRESS && poll(&p, 1, 0) == 1 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) == 0 && sys == 0)
		return fd_take(&fd);
	if (sys != 0)
		errno = sys;
	return -1;
}

static int
answer_connect(int sock, struct frame *f)
{
	uint16_t port = (uint16_t)buf_get_u32(&f->body);
	fd_auto int fd = connect_now(port);
	struct err e;

	if (fd == -1) {
		err_sys(&e, "127.0.0.1:%u", port);
		if (e.sys == ECONNREFUSED || e.sys == EINPROGRESS)
			e.code = ERR_BUSY;
		return answer_failure(sock, &e);
	}
	return frame_send(sock, SLOT_CONNECTED, 0, NULL, &fd, 1, &e);
}

static int
answer(int sock, struct slot_shared *s, struct frame *f, struct init *i)
{
	bool rootless, lo_up;
	struct err e;

	switch (f->type) {
	case SLOT_MAPPED:
		rootless = buf_get_u8(&f->body) != 0;
		lo_up = buf_get_u8(&f->body) != 0;
		if (prepare(rootless, i->no_net, &e) == -1 ||
		    set_lo(lo_up, &e) == -1)
			return answer_failure(sock, &e);
		return frame_send(sock, SLOT_PREPARED, 0, NULL, NULL, 0, &e);
	case SLOT_START:
		return answer_start(sock, s, f, i);
	case SLOT_CONNECT:
		return answer_connect(sock, f);
	default:
		return -1;
	}
}

static int
say_gone(int sock, struct init *i)
{
	struct err e;

	waitpid(i->pid, NULL, 0);
	fd_close(&i->pidfd);
	i->pid = 0;
	return frame_send(sock, SLOT_GONE, 0, NULL, NULL, 0, &e);
}

/* Serves until the launcher is gone; init dies with us (PDEATHSIG). */
static void __attribute__((noreturn)) serve(int sock, struct slot_shared *s)
{
	struct init init = { 0, -1, 0 };
	struct frame f;
	struct err e;
	int r;

	/*
	 * Here and not in the clone: it takes longer than all the rest, and
	 * the launcher has other things to do meanwhile.
	 */
	if (CONTROL(22) && unshare(CLONE_NEWNET) == -1)
		init.no_net = errno;
	for (;;) {
		struct pollfd p[2] = { { .fd = sock, .events = POLLIN },
			{ .fd = init.pidfd, .events = POLLIN } };

		if (poll(p, 2, -1) == -1 && errno != EINTR)
			_exit(1);
		if (p[1].revents != 0 && say_gone(sock, &init) == -1)
			_exit(1);
		if (p[0].revents == 0)
			continue;
		if (frame_recv(sock, &f, &e) != 1) {
			if (!CONTROL(47))
				pause();
			_exit(0);
		}
		r = answer(sock, s, &f, &init);
		frame_fini(&f);
		if (r == -1)
			_exit(1);
	}
}

/* ---- in the launcher ---- */

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
	serve(3, shared);
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

static int
write_proc(pid_t pid, const char *file, const char *text, struct err *e)
{
	char path[64];
	fd_auto int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1 || fd_write_full(fd, text, strlen(text)) == -1)
		return err_sys(e, "slot: %s", path);
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
	if (rootless && write_proc(s->pid, "setgroups", "deny", e) == -1)
		return -1;
	if (write_proc(s->pid, "uid_map", map, e) == -1 ||
	    write_proc(s->pid, "gid_map", map, e) == -1)
		return -1;
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
slot_close(struct slot *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	fd_close(&s->pidfd);
	fd_close(&s->sock);
	fd_close(&s->userns);
	if (s->shared != NULL)
		munmap(s->shared, sizeof(*s->shared));
	*s = (struct slot)SLOT_EMPTY;
}
