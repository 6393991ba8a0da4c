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
#include "sandbox/link.h"
#include "sandbox/slot_process.h"
#include "sandbox/slot_state.h"

#define UNUSED_SIZE 1024

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
	/* The first process hands over its ruleset, for those who join. */
	int keep[2];
	int rules; /* -1: none */
	struct slot_joins joins;
	/* What the network looked like before any machine was in it. */
	char unused[UNUSED_SIZE];
};

/*
 * How much the links of our network have carried, and how many sockets it has:
 * all that a machine can leave in it, for it changes neither links nor rules.
 * Kernel: net/core/net-procfs.c and net/socket.c.
 */
static int
look_at_network(char out[UNUSED_SIZE])
{
	fd_auto int dev = open("/proc/self/net/dev", O_RDONLY | O_CLOEXEC);
	fd_auto int stat =
	    open("/proc/self/net/sockstat", O_RDONLY | O_CLOEXEC);
	char line[64] = "";
	ssize_t n;

	memset(out, 0, UNUSED_SIZE);
	n = dev == -1 ? -1 : fd_read_full(dev, out, UNUSED_SIZE - sizeof(line));
	if (n <= 0 || n == UNUSED_SIZE - (ssize_t)sizeof(line) || stat == -1 ||
	    read(stat, line, sizeof(line) - 1) <= 0)
		return -1;
	/* "sockets: used 0"; the lines below it are the whole host's. */
	line[strcspn(line, "\n")] = '\0';
	memcpy(out + n, line, sizeof(line));
	return 0;
}

/* Before machines: -1 leaves it empty, and no second machine ever comes. */
static void
remember_network(struct init *i)
{
	if (look_at_network(i->unused) == -1)
		i->unused[0] = '\0';
}

static bool
is_unused(const struct init *i)
{
	char now[UNUSED_SIZE];

	if (!CONTROL(48))
		return i->pid == 0;
	return i->pid == 0 && i->unused[0] != '\0' &&
	    look_at_network(now) == 0 &&
	    memcmp(now, i->unused, sizeof(now)) == 0;
}

static int
answer_reset(int sock, const struct init *i)
{
	buf_auto struct buf b = { 0 };
	struct err e;

	buf_put_u8(&b, is_unused(i));
	return frame_send(sock, SLOT_RESET_DONE, 0, &b, NULL, 0, &e);
}

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
	return err_sys(e, "machine: %s%s%s", child_step_name(r->step),
	    *object ? " " : "", object);
}

static int
answer_start(int sock, struct slot_shared *s, struct frame *f, struct init *i)
{
	struct child_fds fds;
	struct err e;
	long pid;

	read_fds(f, &fds);
	fds.keep = i->keep[1];
	memset(&s->result, 0, sizeof(s->result));
	pid = start_init(s, &fds, &i->pidfd);
	i->rules = fd_receive(i->keep[0]);
	if (pid < 0) {
		errno = (int)-pid;
		err_sys(&e, "machine: clone3");
		return answer_failure(sock, &e);
	}
	if (s->result.failed) {
		waitpid((pid_t)pid, NULL, 0);
		fd_close(&i->pidfd);
		fd_close(&i->rules);
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

/* Where the C libraries ask when no file tells them otherwise. */
static int
open_resolver(struct err *e)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(53) };
	fd_auto int fd =
	    socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1)
		return err_sys(e, "slot: 127.0.0.1:53");
	return fd_take(&fd);
}

static int
answer_net(int sock, struct frame *f)
{
	fd_auto int fd = -1;
	struct net_plan plan;
	bool resolver;
	struct err e;

	net_plan_get(&f->body, &plan);
	resolver = buf_get_u8(&f->body) != 0;
	if (link_raise_machine(&plan, &e) == -1 ||
	    (resolver && (fd = open_resolver(&e)) == -1))
		return answer_failure(sock, &e);
	return frame_send(sock, SLOT_NET_UP, 0, NULL, &fd, resolver, &e);
}

/* Nobody waits for this answer here: how it goes is said to who asked. */
static int
answer_join(struct slot_shared *s, struct frame *f, struct init *i)
{
	struct join_fds fds = { .std = { f->fds[0], f->fds[1], f->fds[2] },
		.args = f->fds[3],
		.filter = f->fds[4],
		.rules = i->rules,
		.init = i->pidfd };
	size_t at = SLOT_JOIN_FDS;

	invariant(f->nfds >= SLOT_JOIN_FDS);
	for (size_t k = 0; k < CHILD_TASKS_MAX; k++)
		fds.tasks[k] = buf_get_u8(&f->body) == 1 && at < f->nfds
		    ? f->fds[at++]
		    : -1;
	if (i->pid != 0)
		slot_join_start(&i->joins, &s->self, i->pid, &fds,
		    fd_take(&f->fds[5]));
	return 0;
}

static int
answer_state(int sock, struct frame *f, const struct init *i)
{
	struct err e;

	invariant(f->nfds == 1);
	if (i->pid == 0)
		err_set(&e, ERR_NOT_FOUND, "the machine is gone");
	else if (slot_state_replace(i->pidfd, f->fds[0], &e) == 0)
		return frame_send(sock, SLOT_STATE_REPLACED, 0, NULL, NULL, 0,
		    &e);
	return answer_failure(sock, &e);
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
		    set_lo(lo_up && CONTROL(22), &e) == -1)
			return answer_failure(sock, &e);
		remember_network(i);
		return frame_send(sock, SLOT_PREPARED, 0, NULL, NULL, 0, &e);
	case SLOT_START:
		return answer_start(sock, s, f, i);
	case SLOT_JOIN:
		return answer_join(s, f, i);
	case SLOT_STATE:
		return answer_state(sock, f, i);
	case SLOT_RESET:
		return answer_reset(sock, i);
	case SLOT_NET:
		return answer_net(sock, f);
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
	slot_join_end(&i->joins);
	fd_close(&i->pidfd);
	fd_close(&i->rules);
	i->pid = 0;
	return frame_send(sock, SLOT_GONE, 0, NULL, NULL, 0, &e);
}

/* What is made before its network is, and is no part of it. */
static void
init_open(struct init *i, struct slot_shared *s)
{
	*i = (struct init){ .pidfd = -1, .rules = -1 };
	slot_join_init(&i->joins, s->joined);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, i->keep) ==
	    -1)
		_exit(1);
}

/* One turn; -1: the launcher is gone, or nobody can be talked to. */
static int
turn(int sock, struct slot_shared *s, struct init *i)
{
	struct pollfd p[2 + 2 * SLOT_JOINS_MAX] = {
		{ .fd = sock, .events = POLLIN },
		{ .fd = i->pidfd, .events = POLLIN },
	};
	size_t n = 2 + slot_join_watch(&i->joins, p + 2);
	struct frame f;
	struct err e;
	int r;

	if (poll(p, n, -1) == -1)
		return errno == EINTR ? 0 : -1;
	slot_join_turn(&i->joins);
	if (p[1].revents != 0 && say_gone(sock, i) == -1)
		return -1;
	if (p[0].revents == 0)
		return 0;
	if (frame_recv(sock, &f, &e) != 1) {
		if (!CONTROL(47))
			pause();
		_exit(0);
	}
	r = answer(sock, s, &f, i);
	frame_fini(&f);
	return r;
}

void
slot_process_serve(int sock, struct slot_shared *s)
{
	static struct init init;

	init_open(&init, s);
	/*
	 * Here and not in the clone: it takes longer than all the rest, and
	 * the launcher has other things to do meanwhile.
	 */
	if (CONTROL(22) && unshare(CLONE_NEWNET) == -1)
		init.no_net = errno;
	while (turn(sock, s, &init) == 0)
		;
	_exit(1);
}
