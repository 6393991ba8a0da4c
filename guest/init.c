/*
 * PID 1 of every machine.  Theory of operation:
 *
 * The launcher's child executes this program from a sealed file in memory,
 * with every privilege already gone.  It starts the program (Landlock, then
 * the system call filter, then execve: in that order, as late as can be),
 * gives up what it does not need itself, reaps whatever is left to it, and
 * says on the status pipe how the program ended.  When it ends, the kernel
 * kills everything that is left in the machine.
 *
 * There is no C library here: its start would cost more than all of this.
 */
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/start_block.h"
#include "guest/start_read.h"
#include "guest/sys.h"

#define EINVAL 22
#define EINTR 4
#define SIGKILL 9
#define SIGCHLD 17
#define CLONE_VM 0x100
#define CLONE_VFORK 0x4000
#define PROT_READ 1
#define MAP_PRIVATE 2
#define PR_SET_PDEATHSIG 1
#define PR_SET_DUMPABLE 4
#define WNOTHREAD_ALL 0x40000000 /* __WALL */

static const char *strings[START_STRINGS_MAX + 2];

/* Written by the child, which shares this memory until it executes. */
static volatile struct start_status failure;

static void
say(uint32_t word, uint32_t value, uint32_t step)
{
	struct start_status s = { word, value, step };

	sys3(__NR_write, START_FD_STATUS, (long)&s, sizeof(s));
}

static void __attribute__((noreturn)) leave(int status)
{
	for (;;)
		sys1(__NR_exit_group, status);
}

static void __attribute__((noreturn)) fail(long negative, uint32_t step)
{
	say(START_NO_START, (uint32_t)-negative, step);
	leave(125);
}

/* Maps a whole sealed file; the sizes are checked against the head's own. */
static const void *
map(int fd, uint64_t *len, uint32_t step)
{
	uint64_t stat[32] = { 0 };
	long r = sys2(__NR_fstat, fd, (long)stat);

	if (r < 0)
		fail(r, step);
	*len = stat[6]; /* st_size, at byte 48 on both architectures */
	if (*len < 16 || *len > START_BYTES_MAX + 4096)
		fail(-EINVAL, step);
	r = sys6(__NR_mmap, 0, (long)*len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (r < 0 && r > -4096)
		fail(r, step);
	return (const void *)r;
}

/* Returns where envp begins. */
static uint32_t
read_args(void)
{
	uint64_t len;
	const struct start_args *a = map(START_FD_ARGS, &len, 1);
	uint32_t envp = start_read(a, len, strings);

	if (envp == 0)
		fail(-EINVAL, 1);
	return envp;
}

struct start {
	uint32_t envp; /* index into strings */
	const struct start_filter *filter;
	struct sock_fprog prog;
};

/*
 * Runs in the child.  The filter comes last: after it only what the program
 * itself may call is left.
 */
static void __attribute__((noreturn)) become_program(const struct start *s)
{
	long r = START_CONTROL(s->filter, 47)
	    ? sys2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL)
	    : 0;

	failure.step = 10;
	if (r == 0)
		r = sys0(__NR_setsid) < 0 ? -EINVAL : 0;
	failure.step = 11;
	if (r == 0 && s->filter->landlock_flags != UINT32_MAX)
		r = sys2(__NR_landlock_restrict_self, START_FD_LANDLOCK,
		    s->filter->landlock_flags);
	if (r == 0 && !START_CONTROL(s->filter, 31)) /* too early */
		r = sys3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0,
		    (long)&s->prog);
	failure.step = 12;
	if (r == 0 && START_CONTROL(s->filter, 7))
		r = sys3(__NR_close_range,
		    START_CHANNEL(s->filter) ? START_FD_ARGS
					     : START_FD_CHANNEL_IN,
		    UINT32_MAX, 0);
	failure.step = 13;
	if (r == 0)
		r = sys3(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
		    START_CONTROL(s->filter, 32) ? SECCOMP_FILTER_FLAG_LOG : 0,
		    (long)&s->prog);
	if (r == 0) {
		failure.step = 0;
		r = sys3(__NR_execve, (long)strings[0], (long)strings,
		    (long)(strings + s->envp));
	}
	failure.value = (uint32_t)-r;
	failure.word = failure.step == 0 ? START_NO_EXEC : START_NO_START;
	leave(127);
}

/*
 * A child that shares our memory and suspends us until it executes or ends.
 * It returns here on our own stack, as vfork(2) does, so it must not return
 * from this function: become_program() never does.
 */
static long __attribute__((noinline)) start_program(const struct start *s)
{
	long pid =
	    sys5(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		become_program(s);
	return pid;
}

#define ALLOW(nr)                                      \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), \
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

/* init waits, writes one word and leaves; anything else kills the machine. */
static void
confine_self(void)
{
	static struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		ALLOW(__NR_wait4),
		ALLOW(__NR_write),
		ALLOW(__NR_exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog prog = { sizeof(insn) / sizeof(insn[0]), insn };
	long r = sys3(__NR_close_range, 0, START_FD_STATUS - 1, 0);

	if (r == 0)
		r = sys3(__NR_close_range, START_FD_STATUS + 1, UINT32_MAX, 0);
	if (r == 0)
		r = sys3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&prog);
	if (r < 0)
		fail(r, 20);
}

/* Until the program itself ends; what it left behind dies with us. */
static void __attribute__((noreturn)) reap(long program)
{
	int status;
	long pid;

	for (;;) {
		pid = sys4(__NR_wait4, -1, (long)&status, WNOTHREAD_ALL, 0);
		if (pid == -EINTR)
			continue;
		if (pid < 0)
			fail(pid, 21);
		if (pid != program)
			continue;
		if ((status & 0x7f) == 0)
			say(START_EXITED, (uint32_t)(status >> 8) & 0xff, 0);
		else
			say(START_SIGNALED, (uint32_t)status & 0x7f, 0);
		leave(0);
	}
}

void __attribute__((noreturn)) init_main(void);

void
init_main(void)
{
	struct start s;
	uint64_t len;
	long pid;

	s.envp = read_args();
	s.filter = map(START_FD_FILTER, &len, 2);
	if (s.filter->magic != START_MAGIC ||
	    sizeof(*s.filter) + 8ULL * s.filter->len != len)
		fail(-EINVAL, 2);
	if (START_CONTROL(s.filter, 8))
		sys2(__NR_prctl, PR_SET_DUMPABLE, 0);
	s.prog.len = (unsigned short)s.filter->len;
	s.prog.filter = (struct sock_filter *)(uintptr_t)(s.filter + 1);
	pid = start_program(&s);
	if (pid < 0)
		fail(pid, 3);
	if (failure.word != 0) {
		say(failure.word, failure.value, failure.step);
		leave(125);
	}
	say(START_RUNNING, 0, 0);
	confine_self();
	reap(pid);
}

/* The kernel enters with the stack aligned and nothing else promised. */
#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tand $-16, %rsp\n"
	"\tcall init_main\n\thlt\n");
#else
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tbl init_main\n");
#endif
