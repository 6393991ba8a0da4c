/* The system call filter. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/attack/attacker.h"

#if defined(__x86_64__)
/* By the 32-bit door: eax 20 is getpid there. */
static void
int80(void)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(20L)
			 : "memory", "r8", "r9", "r10", "r11");
	printf("int80: %s\n", r > 0 ? "ok" : "refused");
	fflush(stdout);
}

/* A frame that claims to return to code of ours with a denied call loaded. */
static void
forged_frame(void)
{
	printf("unshare by sigreturn: %s\n",
	    syscall(SYS_unshare, 0x10000000) == -1 ? "refused" : "ok");
	fflush(stdout);
	__asm__ volatile("mov $15, %%eax; xor %%esp, %%esp; syscall" ::
			     : "eax", "rcx", "r11", "memory");
}
#else
static void
int80(void)
{
	puts("int80: refused");
	raise(SIGSYS);
}

static void
forged_frame(void)
{
	raise(SIGSEGV);
}
#endif

static void
foreign(char **argv)
{
	(void)argv;
	try_child("int80", int80);
}

static void
x32(char **argv)
{
	static const int calls[] = { 0, 1, 39, 59, 101, 165, 272, 425 };
	char what[32];

	(void)argv;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		snprintf(what, sizeof(what), "x32 %d", calls[i]);
		try_call(what, calls[i] | 0x40000000, -1, 0, 0, 0);
	}
}

static void
one_x32(void)
{
	syscall(39 | 0x40000000);
}

static void
x32_child(char **argv)
{
	(void)argv;
	try_child("x32", one_x32);
}

static void
unknown(char **argv)
{
	static const long calls[] = { 480, 500, 1000, 2147483648L, 4294967295L,
		-1 };
	char what[32];

	(void)argv;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		snprintf(what, sizeof(what), "call %ld", calls[i]);
		try_call(what, calls[i], 0, 0, 0, 0);
	}
}

static void
surface(char **argv)
{
	static char params[256];

	(void)argv;
	try_call("io_uring_setup", SYS_io_uring_setup, 1, (long)params, 0, 0);
	try_call("io_uring_enter", SYS_io_uring_enter, -1, 1, 0, 0);
	try_call("io_uring_register", SYS_io_uring_register, -1, 0, 0, 0);
	try_call("userfaultfd", SYS_userfaultfd, 0, 0, 0, 0);
	try_call("bpf", SYS_bpf, 0, (long)params, 128, 0);
	try_call("perf_event_open", SYS_perf_event_open, (long)params, 0, -1,
	    -1);
	try_call("quotactl", SYS_quotactl, 0, 0, 0, 0);
	try_call("acct", SYS_acct, 0, 0, 0, 0);
	try_call("syslog", SYS_syslog, 3, (long)params, 256, 0);
	try_call("name_to_handle_at", SYS_name_to_handle_at, -100, (long)"/",
	    (long)params, 0);
	try_call("open_by_handle_at", SYS_open_by_handle_at, -100, (long)params,
	    0, 0);
	try_call("fanotify_init", SYS_fanotify_init, 0, 0, 0, 0);
	try_call("memfd_secret", 447, 0, 0, 0, 0);
	try_call("modify_ldt", 154, 0, (long)params, 16, 0);
	try_call("move_pages", SYS_move_pages, 0, 0, 0, 0);
	try_call("vhangup", SYS_vhangup, 0, 0, 0, 0);
	try_call("setxattr", SYS_setxattr, (long)"/tmp", (long)"user.x",
	    (long)"x", 1);
	try_call("ustat", 136, 0, 0, 0, 0);
	try_call("uselib", 134, 0, 0, 0, 0);
}

static long deadly_call;

static void
deadly(void)
{
	syscall(deadly_call, -1, 0, 0);
}

/* argv: the number of one call that ends the machine. */
static void
kill_call(char **argv)
{
	deadly_call = strtol(argv[0], NULL, 10);
	puts("calling: ok");
	fflush(stdout);
	deadly();
	puts("came back: ok");
}

static void
families(char **argv)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW,
		SOCK_SEQPACKET };
	static const char *const names[] = { "stream", "dgram", "raw",
		"seqpacket" };

	(void)argv;
	/* Only what succeeds; and what is refused with another answer. */
	for (int domain = 0; domain <= 46; domain++)
		for (int t = 0; t < 4; t++)
			for (int proto = 0; proto < 263; proto++) {
				int fd = socket(domain, types[t], proto);

				if (fd != -1) {
					printf("socket %d %s %d: ok\n", domain,
					    names[t], proto);
					close(fd);
				} else if (errno != EAFNOSUPPORT &&
				    errno != EPROTONOSUPPORT) {
					printf("socket %d %s %d: %s\n", domain,
					    names[t], proto,
					    strerrorname_np(errno));
				}
			}
	puts("done: ok");
}

static void
terminals(char **argv)
{
	static const struct {
		const char *name;
		unsigned long nr;
	} calls[] = { { "TIOCSTI", 0x5412 }, { "TIOCLINUX", 0x541c },
		{ "TIOCSETD", 0x5423 }, { "TIOCSCTTY", 0x540e },
		{ "TIOCCONS", 0x541d }, { "SIOCSIFFLAGS", 0x8914 } };
	char what[64];

	(void)argv;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (unsigned long high = 0; high < 2; high++) {
			snprintf(what, sizeof(what), "%s%s", calls[i].name,
			    high ? " with high bits" : "");
			try_call(what, SYS_ioctl, 0,
			    (long)(calls[i].nr | high << 32), (long)"x", 0);
		}
	say("/dev/tty", open("/dev/tty", O_RDWR));
	say("/dev/ptmx", open("/dev/ptmx", O_RDWR));
	say("/dev/console", open("/dev/console", O_RDWR));
}

static void
personalities(char **argv)
{
	(void)argv;
	say("query", personality(0xffffffff));
	say("READ_IMPLIES_EXEC", personality(0x0400000));
	say("ADDR_NO_RANDOMIZE", personality(0x0040000));
	say("PER_LINUX32", personality(8));
	say("MMAP_PAGE_ZERO", personality(0x0100000));
}

static void
prctls(char **argv)
{
	(void)argv;
	for (int op = 1; op <= 80; op++) {
		/* Those that would change us, with arguments that do not. */
		if (prctl(op, 0, 0, 0, 0) != -1 ||
		    (errno != EINVAL && errno != ENOSYS))
			printf("%d\n", op);
	}
	say("SET_MM", prctl(35, 1, 4096, 0, 0));
	say("SET_PTRACER", prctl(0x59616d61, 1, 0, 0, 0));
	say("SCHED_CORE", prctl(62, 1, 0, 0, 0));
	say("SET_TSC", prctl(26, 1, 0, 0, 0));
	say("SYSCALL_USER_DISPATCH", prctl(59, 0, 0, 0, 0));
	say("SET_SECCOMP", prctl(22, 2, 0, 0, 0));
}

static void
wx(char **argv)
{
	void *p;
	int fd;

	(void)argv;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say("mmap wx", p == MAP_FAILED ? -1 : 0);
	try_call("mmap wx with high bits", SYS_mmap, 0, 4096, 7L | 1L << 32,
	    MAP_PRIVATE | MAP_ANONYMOUS);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say("mprotect x", mprotect(p, 4096, PROT_READ | PROT_EXEC));
	fd = memfd_create("x", 0);
	say("memfd", fd);
	fd = memfd_create("x", 0x10);
	say("memfd exec", fd);
	fd = open("/proc/self/mem", O_RDWR);
	say("mem", fd);
}

static void
relax(char **argv)
{
	static struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K,
	    SECCOMP_RET_ALLOW) };
	static struct sock_fprog prog = { 1, all };

	(void)argv;
	try_call("filter", SYS_seccomp, 1, 0, (long)&prog, 0);
	try_call("listener", SYS_seccomp, 1, 8, (long)&prog, 0);
	try_call("tsync", SYS_seccomp, 1, 1, (long)&prog, 0);
	try_call("sizes", SYS_seccomp, 3, 0, (long)&prog, 0);
	say("prctl", prctl(22, 2, &prog, 0, 0));
	/* Whatever was taken: what was refused still is. */
	try_call("unshare", SYS_unshare, 0x10000000, 0, 0, 0);
}

static void
forge_frame(char **argv)
{
	(void)argv;
	try_child("forged frame", forged_frame);
}

/* argv: a file on a shared read-only volume. */
static void
locks(char **argv)
{
	struct flock l = { .l_type = F_RDLCK };
	int fd = open(argv[0], O_RDONLY);

	say("open", fd);
	say("lease", fcntl(fd, F_SETLEASE, F_RDLCK));
	say("notify", fcntl(fd, F_NOTIFY, 1));
	say("setown", fcntl(fd, F_SETOWN, getpid()));
	say("setsig", fcntl(fd, 10, SIGUSR1));
	say("setlk", fcntl(fd, F_SETLK, &l));
	say("flock", flock(fd, LOCK_SH));
}

/* argv: a file that must not change. */
static void
splices(char **argv)
{
	int p[2], fd = open(argv[0], O_RDONLY);
	struct iovec v = { (void *)(uintptr_t) "x", 1 };
	char page[4096] = { 0 };

	say("pipe", pipe(p));
	for (int i = 0; i < 16; i++)
		(void)!write(p[1], page, sizeof(page));
	for (int i = 0; i < 16; i++)
		(void)!read(p[0], page, sizeof(page));
	try_call("splice", SYS_splice, fd, 0, p[1], 0);
	try_call("tee", SYS_tee, p[0], p[1], 1, 0);
	try_call("vmsplice", SYS_vmsplice, p[1], (long)&v, 1, 0);
	(void)!write(p[1], "EVIL", 4);
	say("write", open(argv[0], O_WRONLY));
}

static void
sharing(char **argv)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argv;
	say("MADV_MERGEABLE", madvise(p, 4096, 12));
	say("MADV_HWPOISON", madvise(p, 4096, 100));
	say("MADV_SOFT_OFFLINE", madvise(p, 4096, 101));
	try_call("socketpair inet", SYS_socketpair, 2, 1, 0, (long)p);
}

const struct row rows_filter[] = {
	{ "foreign", foreign },
	{ "x32", x32_child },
	{ "x32-calls", x32 },
	{ "unknown", unknown },
	{ "surface", surface },
	{ "kill-call", kill_call },
	{ "families", families },
	{ "terminals", terminals },
	{ "personalities", personalities },
	{ "prctls", prctls },
	{ "wx", wx },
	{ "relax", relax },
	{ "sigreturn", forge_frame },
	{ "locks", locks },
	{ "splices", splices },
	{ "sharing", sharing },
	{ NULL, NULL },
};
