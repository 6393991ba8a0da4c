#include <errno.h>
#include <string.h>

#include "base/control.h"
#include "base/err.h"
#include "base/str.h"
#include "policy/filter.h"
#include "policy/groups.h"

/*
 * The calls of each group.  A call whose arguments matter stands in ruled[]
 * below as well; what no rule there allows gets the answer in mismatch[].
 */
static const struct {
	const char *name, *members;
} groups[GROUPS_COUNT] = {
	[GROUPS_LIFE] = { "life",
	    "exit exit_group execve execveat wait4 waitid getpid getppid "
	    "gettid getpgid getpgrp getsid setsid setpgid getuid geteuid "
	    "getgid getegid getresuid getresgid getgroups set_tid_address "
	    "set_robust_list get_robust_list rseq restart_syscall arch_prctl "
	    "umask" },
	[GROUPS_MEM] = { "mem",
	    "brk mmap munmap mprotect pkey_alloc pkey_free pkey_mprotect "
	    "mremap madvise msync membarrier mlock munlock mlock2" },
	[GROUPS_IO] = { "io",
	    "read write readv writev pread64 pwrite64 preadv preadv2 pwritev "
	    "pwritev2 lseek dup dup2 dup3 close close_range pipe pipe2 poll "
	    "ppoll select pselect6 epoll_create epoll_create1 epoll_ctl "
	    "epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 sendfile "
	    "copy_file_range readahead fadvise64" },
	[GROUPS_SPLICE] = { "splice", "splice tee vmsplice" },
	[GROUPS_FILE] = { "file",
	    "open openat openat2 creat stat lstat fstat newfstatat statx "
	    "statfs fstatfs access faccessat faccessat2 readlink readlinkat "
	    "getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir "
	    "unlink unlinkat rename renameat renameat2 link linkat symlink "
	    "symlinkat chmod fchmod fchmodat fchmodat2 chown fchown lchown "
	    "fchownat utime utimes futimesat utimensat truncate ftruncate "
	    "fallocate fsync fdatasync sync_file_range getxattr lgetxattr "
	    "fgetxattr listxattr llistxattr flistxattr fcntl" },
	[GROUPS_LOCK] = { "lock", "flock fcntl" },
	[GROUPS_WATCH] = { "watch",
	    "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch" },
	[GROUPS_TIME] = { "time",
	    "clock_gettime clock_getres gettimeofday time times nanosleep "
	    "clock_nanosleep timerfd_create timerfd_settime timerfd_gettime "
	    "timer_create timer_settime timer_gettime timer_getoverrun "
	    "timer_delete getitimer setitimer alarm pause" },
	[GROUPS_SIGNAL] = { "signal",
	    "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending "
	    "rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo rt_sigsuspend "
	    "sigaltstack kill tkill tgkill signalfd signalfd4" },
	[GROUPS_PIDFD] = { "pidfd", "pidfd_open pidfd_send_signal" },
	[GROUPS_THREAD] = { "thread",
	    "clone fork vfork futex futex_waitv futex_wake futex_wait "
	    "futex_requeue sched_yield sched_getaffinity sched_getparam "
	    "sched_getscheduler sched_get_priority_max "
	    "sched_get_priority_min getpriority" },
	[GROUPS_INFO] = { "info",
	    "getrandom uname sysinfo getrlimit getrusage getcpu capget "
	    "prlimit64 prctl ioctl personality memfd_create" },
	/* What every socket needs stands here: the sock- groups add to it. */
	[GROUPS_SOCKPAIR] = { "sock-pair",
	    "socketpair sendto recvfrom sendmsg recvmsg shutdown getsockopt "
	    "getsockname getpeername setsockopt" },
	[GROUPS_SOCK_LOCAL] = { "sock-local",
	    "socket bind connect listen accept accept4" },
	[GROUPS_SOCK_LO] = { "sock-lo",
	    "socket bind connect listen accept accept4 sendmmsg recvmmsg" },
	[GROUPS_SOCK_INET] = { "sock-inet",
	    "socket bind connect listen accept accept4 sendmmsg recvmmsg" },
	[GROUPS_NETLINK_ROUTE] = { "netlink-route", "socket bind" },
	[GROUPS_SYSV_MQ] = { "sysv-mq",
	    "shmget shmat shmdt shmctl semget semop semtimedop semctl msgget "
	    "msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend "
	    "mq_timedreceive mq_notify mq_getsetattr" },
	[GROUPS_SCHED] = { "sched",
	    "setpriority sched_setaffinity sched_setscheduler sched_setparam "
	    "sched_setattr sched_getattr ioprio_set ioprio_get mbind "
	    "set_mempolicy get_mempolicy" },
	[GROUPS_LANDLOCK] = { "landlock",
	    "landlock_create_ruleset landlock_add_rule "
	    "landlock_restrict_self" },
};

/* Known, and refused at every tier: EPERM, not the ENOSYS of the unknown. */
static const char never[] =
    "mount umount2 pivot_root chroot open_tree open_tree_attr move_mount "
    "fsopen fsconfig fsmount fspick mount_setattr statmount listmount unshare "
    "setns listns ptrace process_vm_readv process_vm_writev process_madvise "
    "process_mrelease kcmp pidfd_getfd bpf perf_event_open userfaultfd keyctl "
    "add_key request_key open_by_handle_at name_to_handle_at fanotify_init "
    "fanotify_mark quotactl quotactl_fd acct syslog lookup_dcookie modify_ldt "
    "memfd_secret map_shadow_stack seccomp setuid setgid setreuid setregid "
    "setresuid setresgid setfsuid setfsgid setgroups capset mknod mknodat "
    "setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr "
    "fremovexattr removexattrat clock_settime settimeofday adjtimex "
    "clock_adjtime sethostname setdomainname vhangup move_pages migrate_pages "
    "lsm_get_self_attr lsm_set_self_attr lsm_list_modules uretprobe uprobe";

/* No honest program calls these: the machine dies. */
static const char deadly[] =
    "init_module finit_module delete_module kexec_load kexec_file_load reboot "
    "swapon swapoff iopl ioperm";

#define EQ(arg, value)                 \
	{                              \
		arg, UINT32_MAX, value \
	}
#define CLEAR(arg, mask)     \
	{                    \
		arg, mask, 0 \
	}
#define ALL(arg, mask)          \
	{                       \
		arg, mask, mask \
	}
#define ALLOW                   \
	{                       \
		FILTER_ALLOW, 0 \
	}
#define FAIL(sys)                 \
	{                         \
		FILTER_ERRNO, sys \
	}

/* clone(2): every CLONE_NEW*, NEWTIME's bit among them. */
#define NEW_NAMESPACES 0x7e020080U
#define SUID_BITS 06000U
#define SOCK_TYPE 0xfU
#define PROT_WX 6U
#define PROT_X 4U

/* When a rule is in the model. */
enum when { ALWAYS, WX_DENY };

/*
 * Argument rules, per group; the first that fits decides.  Constants stand as
 * numbers where the headers of Debian 12 do not have them all.
 */
static const struct ruled {
	uint8_t group, when;
	const char *call;
	uint8_t nconds;
	struct filter_cond cond[FILTER_CONDS_MAX];
	struct filter_verdict then;
} ruled[] = {
#include "policy/groups_rules.h"
};

/* The answer when no rule of a ruled call fits. */
static const struct {
	const char *call;
	struct filter_verdict otherwise;
} mismatch[] = {
	{ "arch_prctl", FAIL(EINVAL) },
	{ "chmod", FAIL(EPERM) },
	{ "clone", FAIL(EPERM) },
	{ "fchmod", FAIL(EPERM) },
	{ "fchmodat", FAIL(EPERM) },
	{ "fchmodat2", FAIL(EPERM) },
	{ "fcntl", FAIL(EINVAL) },
	{ "ioctl", FAIL(ENOTTY) },
	{ "memfd_create", FAIL(EPERM) },
	{ "personality", FAIL(EPERM) },
	{ "prctl", FAIL(EINVAL) },
	{ "prlimit64", FAIL(EPERM) },
	{ "setsockopt", FAIL(ENOPROTOOPT) },
	{ "socket", FAIL(EAFNOSUPPORT) },
	{ "socketpair", FAIL(EAFNOSUPPORT) },
};

const char *
groups_name(enum groups_id g)
{
	invariant(g < GROUPS_COUNT);
	return groups[g].name;
}

int
groups_find(const char *name)
{
	for (int g = 0; g < GROUPS_COUNT; g++)
		if (strcmp(groups[g].name, name) == 0)
			return g;
	return -1;
}

const char *
groups_members(enum groups_id g)
{
	invariant(g < GROUPS_COUNT);
	return groups[g].members;
}

/* Gives every call of the list the same answer. */
static int
answer(struct filter_model *m, const char *list, struct filter_verdict v,
    struct err *e)
{
	char name[40];
	size_t len;
	int nr;

	for (; *list != '\0'; list += len + (list[len] == ' ')) {
		len = strcspn(list, " ");
		invariant(len < sizeof(name));
		memcpy(name, list, len);
		name[len] = '\0';
		nr = syscalls_number(SYSCALLS_NATIVE, name);
		if (nr == SYSCALLS_UNKNOWN)
			return err_set(e, ERR_INVALID,
			    "system call groups: %s: no such call", name);
		if (nr != SYSCALLS_ABSENT)
			m->otherwise[nr] = v;
	}
	return 0;
}

static int
add_rule(struct filter_model *m, const struct ruled *r, struct err *e)
{
	int nr = syscalls_number(SYSCALLS_NATIVE, r->call);
	struct filter_rule *to;
	uint16_t *link;

	if (nr == SYSCALLS_UNKNOWN)
		return err_set(e, ERR_INVALID,
		    "system call rules: %s: no such call", r->call);
	if (nr == SYSCALLS_ABSENT)
		return 0;
	if (m->nrules == FILTER_RULES_MAX)
		return err_set(e, ERR_INVALID,
		    "system call rules: more than %d", FILTER_RULES_MAX);
	to = &m->rule[m->nrules++];
	/* First match decides: behind the call's other ones. */
	link = &m->ruled[nr];
	while (*link != 0)
		link = &m->rule[*link - 1].next;
	*link = (uint16_t)m->nrules;
	to->nr = (uint16_t)nr;
	to->next = 0;
	to->nconds = r->nconds;
	memcpy(to->cond, r->cond, sizeof(to->cond));
	to->then = r->then;
	/* A rule that denies stands before an allowing rest. */
	if (r->then.act == FILTER_ALLOW)
		for (size_t i = 0; i < nitems(mismatch); i++)
			if (strcmp(mismatch[i].call, r->call) == 0)
				m->otherwise[nr] = mismatch[i].otherwise;
	return 0;
}

#ifdef LEAVE_OUT
/* Calls that the named control refuses, for base/control.h. */
static const struct {
	int control;
	const char *calls;
} freed[] = {
	{ 15, "fcntl" },
	{ 20, "unshare clone" },
	{ 23, "socket keyctl add_key request_key" },
	{ 29, "clone3" },
	{ 30, "seccomp" },
};

static int
leave_out(struct filter_model *m, struct err *e)
{
	struct filter_verdict mark = { FILTER_ALLOW, 4095 };

	for (size_t i = 0; i < nitems(freed); i++)
		if (!CONTROL(freed[i].control) &&
		    answer(m, freed[i].calls, mark, e) == -1)
			return -1;
	for (size_t nr = 0; nr < SYSCALLS_NR_MAX; nr++) {
		if (m->otherwise[nr].sys == mark.sys) {
			m->otherwise[nr].sys = 0;
			m->ruled[nr] = 0;
		}
		if (!CONTROL(26) && m->otherwise[nr].sys == ENOSYS)
			m->otherwise[nr].sys = EPERM;
	}
	if (!CONTROL(26))
		m->unknown.sys = EPERM;
	return 0;
}
#endif

int
groups_model(uint64_t set, bool wx_deny, struct filter_model *m, struct err *e)
{
	struct filter_verdict enosys = FAIL(ENOSYS);

	wx_deny = wx_deny && CONTROL(36);
	memset(m, 0, sizeof(*m));
	m->unknown = enosys;
	for (size_t i = 0; i < SYSCALLS_NR_MAX; i++)
		m->otherwise[i] = enosys;
	if (answer(m, never, (struct filter_verdict)FAIL(EPERM), e) == -1 ||
	    answer(m, deadly, (struct filter_verdict){ FILTER_KILL, 0 }, e) ==
		-1 ||
	    answer(m, "socket", (struct filter_verdict)FAIL(EAFNOSUPPORT), e) ==
		-1)
		return -1;
	for (size_t g = 0; g < GROUPS_COUNT; g++)
		if ((set & GROUPS_BIT(g)) != 0 &&
		    answer(m, groups[g].members, (struct filter_verdict)ALLOW,
			e) == -1)
			return -1;
	for (size_t i = 0; i < nitems(ruled); i++)
		if ((set & GROUPS_BIT(ruled[i].group)) != 0 &&
		    (ruled[i].when == ALWAYS || wx_deny) &&
		    add_rule(m, &ruled[i], e) == -1)
			return -1;
#ifdef LEAVE_OUT
	return leave_out(m, e);
#else
	return 0;
#endif
}
