#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest/sys.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "runtime/spawn.h"
#include "sandbox/cgroup.h"
#include "sandbox/child.h"
#include "sandbox/landlock.h"
#include "sandbox/mount_apply.h"
#include "tests/bench/floor.h"
#include "tests/bench/resident.h"

#define FIRST_ID 1900000000U
#define STACK (256 << 10)

/* In memory shared with the slot, as the descriptors are. */
struct shared {
	const struct machine *m;
	const int *source;
	int args, init, filter;
	struct mount_apply_host mounts;
	struct mount_plan plan;
	struct cgroup_host cgroups;
	int go[2], said[2]; /* pipes, to the slot and back */
	int userns;
	struct child_plan child;
	struct child_fds fds;
	struct child_result result;
};

static struct shared *shared;
#define f (*shared)

static void
need(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "bench: floor: %s: %m\n", what);
		_exit(1);
	}
}

static long __attribute__((noinline)) start_init(int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_VFORK | CLONE_VM | CLONE_PIDFD | CLONE_NEWNS |
		    CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
		    (f.fds.cgroup != -1 ? CLONE_INTO_CGROUP : 0),
		.exit_signal = SIGCHLD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.cgroup = f.fds.cgroup != -1 ? (uint64_t)f.fds.cgroup : 0,
	};
	long pid = sys2(SYS_clone3, (long)&args, sizeof(args));

	if (pid == 0)
		child_run(&f.child, &f.fds, &f.result);
	return pid;
}

static void
prepare_slot(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	need(unshare(CLONE_NEWNET) == 0, "network");
	need(syscall(SYS_setgroups, 0, NULL) == 0 &&
		syscall(SYS_setresgid, 0, 0, 0) == 0 &&
		syscall(SYS_setresuid, 0, 0, 0) == 0 &&
		prctl(PR_SET_PDEATHSIG, SIGKILL) == 0,
	    "ids");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	need(fd != -1 && ioctl(fd, SIOCSIFFLAGS, &r) == 0, "lo");
	close(fd);
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		need(prctl(PR_CAPBSET_DROP, cap) == 0, "bounding set");
}

static int
run_slot(void *arg)
{
	int pidfd = -1;
	long pid;
	char c;

	(void)arg;
	/* We hold its descriptors: nobody would see that it is gone. */
	need(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && read(f.go[0], &c, 1) == 1,
	    "map");
	prepare_slot();
	while (write(f.said[1], "x", 1) == 1 && read(f.go[0], &c, 1) == 1) {
		pid = start_init(&pidfd);
		need(pid > 0 && !f.result.failed, "start");
		close(pidfd);
		need(write(f.said[1], "x", 1) == 1, "started");
		need(waitpid((pid_t)pid, NULL, 0) == pid, "wait");
	}
	return 0;
}

static void
write_map(pid_t pid, const char *file)
{
	char path[64], map[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	snprintf(map, sizeof(map), "0 %u 65536\n", FIRST_ID);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	need(fd != -1 && fd_write_full(fd, map, strlen(map)) == 0, path);
	close(fd);
}

static void
open_slot(void)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	char path[64], c;
	pid_t pid;

	need(stack != MAP_FAILED && pipe2(f.go, O_CLOEXEC) == 0 &&
		pipe2(f.said, O_CLOEXEC) == 0,
	    "slot");
	pid = clone(run_slot, stack + STACK,
	    CLONE_FILES | CLONE_NEWUSER | SIGCHLD, NULL);
	need(pid > 0, "slot");
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	f.userns = open(path, O_RDONLY | O_CLOEXEC);
	write_map(pid, "uid_map");
	write_map(pid, "gid_map");
	need(write(f.go[1], "x", 1) == 1 && read(f.said[0], &c, 1) == 1,
	    "slot");
}

static void
add_rlimit(int resource, uint64_t value)
{
	f.child.self.rlimit[f.child.self.nrlimits++] =
	    (struct child_rlimit){ resource, value };
}

/* What every start has in common. */
static void
prepare(struct err *e)
{
	static struct filter_model model;
	static struct filter_program p;
	static struct {
		struct start_filter head;
		struct sock_filter insn[FILTER_INSNS_MAX];
	} block;
	const uint64_t *limit = f.m->grant.limit;

	cgroup_host_probe(&f.cgroups);
	f.mounts.dev = -1;
	need(mount_apply_init(&f.mounts, false, e) == 0 &&
		mount_plan_build(&f.plan, f.m, e) == 0 &&
		groups_model(f.m->grant.groups, !f.m->grant.wx, &model, e) ==
		    0 &&
		filter_compile(&model, &p, e) == 0,
	    "prepare");
	block.head = (struct start_filter){ START_MAGIC, (uint32_t)p.len,
		landlock_flags(landlock_abi()), 0 };
	memcpy(block.insn, p.insn, p.len * sizeof(p.insn[0]));
	f.filter = fd_sealed("filter", &block,
	    sizeof(block.head) + p.len * sizeof(p.insn[0]), e);
	memcpy(f.child.hostname, f.m->hostname, sizeof(f.child.hostname));
	memcpy(f.child.self.cwd, f.m->cwd, sizeof(f.child.self.cwd));
	f.child.self.uid = MACHINE_UID;
	f.child.self.gid = MACHINE_GID;
	f.child.landlock = landlock_abi() > 0;
	f.child.self.core_sched = true;
	f.child.self.optional = UINT32_MAX;
	add_rlimit(RLIMIT_CORE, 0);
	add_rlimit(RLIMIT_FSIZE, limit[GRANT_FSIZE]);
	add_rlimit(RLIMIT_MEMLOCK, limit[GRANT_MEMLOCK]);
	add_rlimit(RLIMIT_MSGQUEUE, 0);
	add_rlimit(RLIMIT_NICE, 0);
	add_rlimit(RLIMIT_NOFILE, limit[GRANT_NOFILE]);
	add_rlimit(RLIMIT_RTPRIO, 0);
	add_rlimit(RLIMIT_SIGPENDING, limit[GRANT_SIGPENDING]);
	add_rlimit(RLIMIT_STACK, limit[GRANT_STACK]);
	f.child.nmounts = f.plan.len;
	for (size_t i = 0; i < f.plan.len; i++)
		memcpy(f.child.target[i], f.plan.step[i].target,
		    sizeof(f.child.target[i]));
}

static void
gather(const struct mount_apply_trees *t, const struct cgroup *g, int null,
    const int out[2], const int err[2], const int status[2])
{
	for (int i = 0; i < START_FD_COUNT; i++)
		f.fds.start[i] = -1;
	f.fds.start[0] = null;
	f.fds.start[1] = out[1];
	f.fds.start[2] = err[1];
	f.fds.start[START_FD_ARGS] = f.args;
	f.fds.start[START_FD_FILTER] = f.filter;
	f.fds.start[START_FD_STATUS] = status[1];
	f.fds.start[START_FD_EXE] = f.init;
	for (int i = 0; i < CHILD_TASKS_MAX; i++)
		f.fds.tasks[i] = g->tasks[i];
	f.fds.cgroup = f.cgroups.backend == CGROUP_V2 ? g->dir[0] : -1;
	f.fds.keep = -1;
	f.fds.root = t->root;
	for (size_t i = 0; i < CHILD_MOUNTS_MAX; i++)
		f.fds.mount[i] = i < MOUNT_PLAN_MAX ? t->tree[i] : -1;
	memset(&f.result, 0, sizeof(f.result));
}

static void
close_pipe(int p[2])
{
	fd_close(&p[0]);
	fd_close(&p[1]);
}

static void
start_one(unsigned n)
{
	const struct mount_apply_owner owner = { FIRST_ID + MACHINE_UID,
		FIRST_ID + MACHINE_GID, f.userns, -1 };
	const struct cgroup_want want = { f.m->grant.limit[GRANT_MEMORY],
		f.m->grant.limit[GRANT_PIDS], f.m->grant.limit[GRANT_CPU] };
	static struct mount_apply_trees trees;
	int out[2], err[2], status[2], null;
	struct start_status said[4];
	struct cgroup_limits limits;
	struct cgroup_usage usage;
	struct cgroup g;
	char name[64], c;
	struct err e;

	snprintf(name, sizeof(name), "cella.%d.%u", getpid(), n);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	need(null != -1 && pipe2(out, O_CLOEXEC) == 0 &&
		pipe2(err, O_CLOEXEC) == 0 && pipe2(status, O_CLOEXEC) == 0 &&
		cgroup_create(&f.cgroups, name, &want, &g, &limits, &e) == 0 &&
		mount_apply(&f.mounts, f.m, &f.plan, &owner, f.source, &trees,
		    &e) == 0,
	    "make");
	if (n == 0)
		landlock_plan(&f.child.rules, f.m, landlock_abi(),
		    trees.top.name, trees.top.len);
	gather(&trees, &g, null, out, err, status);
	need(cgroup_give(&g, FIRST_ID, &e) == 0 &&
		write(f.go[1], "x", 1) == 1 && read(f.said[0], &c, 1) == 1,
	    "go");
	mount_apply_close(&trees);
	need(read(f.said[0], &c, 1) == 1, "end");
	need(read(status[0], said, sizeof(said)) ==
		    2 * (ssize_t)sizeof(said[0]) &&
		said[1].word == START_EXITED && said[1].value == 0,
	    "status");
	need(cgroup_usage(&g, &usage, &e) == 0 && cgroup_remove(&g, &e) == 0,
	    "usage");
	close_pipe(out);
	close_pipe(err);
	close_pipe(status);
	close(null);
}

static void __attribute__((noreturn)) serve(int sock)
{
	struct err e;
	char c;

	need(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "start");
	need(unshare(CLONE_NEWNS) == 0, "mounts");
	prepare(&e);
	open_slot();
	for (unsigned n = 0; read(sock, &c, 1) == 1; n++) {
		start_one(n);
		need(write(sock, "x", 1) == 1, "answer");
	}
	_exit(0);
}

void
floor_open(struct floor *out, const struct resident *r)
{
	char path[4096];
	int pair[2];
	struct err e;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		resident_die("floor", NULL);
	f.m = &r->assembly.machine;
	f.source = r->assembly.source;
	f.args = r->assembly.args;
	if (spawn_find("cella-init", path, sizeof(path), &e) == -1)
		resident_die("floor", &e);
	f.init = open(path, O_RDONLY | O_CLOEXEC);
	if (f.init == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		resident_die("floor", NULL);
	out->sock = pair[0];
	out->pid = fork();
	if (out->pid == 0)
		serve(pair[1]);
	close(pair[1]);
}

void
floor_start(struct floor *x)
{
	char c;

	if (write(x->sock, "x", 1) != 1 || read(x->sock, &c, 1) != 1)
		resident_die("floor", NULL);
}

void
floor_close(struct floor *x)
{
	close(x->sock);
	kill(x->pid, SIGKILL);
	waitpid(x->pid, NULL, 0);
}
