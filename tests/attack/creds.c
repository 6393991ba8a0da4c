/* Namespaces, credentials, other processes, objects of the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/attacker.h"

static const struct {
	const char *name;
	unsigned long flag;
} namespaces[] = { { "user", 0x10000000 }, { "mnt", 0x00020000 },
	{ "pid", 0x20000000 }, { "net", 0x40000000 }, { "ipc", 0x08000000 },
	{ "uts", 0x04000000 }, { "cgroup", 0x02000000 },
	{ "time", 0x00000080 } };

static void
unshare_all(char **argv)
{
	char what[64], path[64];
	long pid;

	(void)argv;
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]);
	     i++) {
		snprintf(what, sizeof(what), "unshare %s", namespaces[i].name);
		try_call(what, SYS_unshare, (long)namespaces[i].flag, 0, 0, 0);
		if (namespaces[i].flag == 0x80)
			continue; /* clone(2) takes it for a signal */
		snprintf(what, sizeof(what), "clone %s", namespaces[i].name);
		fflush(stdout);
		pid = syscall(SYS_clone, namespaces[i].flag | SIGCHLD, 0, 0, 0,
		    0);
		if (pid == 0)
			_exit(0);
		say(what, pid);
	}
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]);
	     i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s",
		    namespaces[i].name);
		snprintf(what, sizeof(what), "setns %s", namespaces[i].name);
		try_call(what, SYS_setns, open(path, O_RDONLY), 0, 0, 0);
	}
}

static void *
thread(void *arg)
{
	return arg;
}

static void
clone3_sizes(char **argv)
{
	static char args[8192];
	pthread_t t;

	(void)argv;
	args[3] = 0x10; /* CLONE_NEWUSER */
	for (long size = 0; size <= 4096; size = size == 0 ? 64 : size * 8)
		try_call("clone3", SYS_clone3, (long)args, size, 0, 0);
	say("thread",
	    pthread_create(&t, NULL, thread, NULL) == 0 &&
		    pthread_join(t, NULL) == 0
		? 0
		: -1);
}

static void
print_status(const char *prefix)
{
	static const char *const wanted[] = { "Uid:", "Gid:", "Groups:",
		"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:",
		"NoNewPrivs:", "Seccomp:" };
	char line[512];
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0) {
				for (char *p = line; *p != '\0'; p++)
					if (*p == '\t' || *p == '\n')
						*p = ' ';
				printf("%s%s\n", prefix, line);
			}
	fflush(stdout);
}

/* Here, in a child, and after executing itself again. */
static void
caps(char **argv)
{
	if (*argv != NULL) {
		print_status("exec ");
		return;
	}
	print_status("");
	if (fork() == 0) {
		print_status("fork ");
		_exit(0);
	}
	wait(NULL);
	execl("/proc/self/exe", "attacker", "caps", "again", NULL);
}

static void
regain(char **argv)
{
	(void)argv;
	say("setuid", setuid(0));
	try_call("setresuid", SYS_setresuid, -1, 0, -1, 0);
	try_call("setfsuid", SYS_setfsuid, 0, 0, 0, 0);
	try_call("setgroups", SYS_setgroups, 0, 0, 0, 0);
	say("securebits", prctl(PR_SET_SECUREBITS, 0));
	say("keepcaps", prctl(PR_SET_KEEPCAPS, 1));
	say("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
	say("bounding", prctl(PR_CAPBSET_DROP, 0));
	printf("uid: %d %d\n", getuid(), geteuid());
}

static void
others(char **argv)
{
	int seen = 0, killed = 0;

	(void)argv;
	signal(SIGTERM, SIG_IGN);
	for (int pid = 3; pid < 65536; pid++) {
		seen += kill(pid, 0) == 0;
		killed += pid != getpid() && kill(pid, SIGKILL) == 0;
	}
	printf("pid: %d\nparent: %d\nseen: %d\nkilled: %d\n", getpid(),
	    getppid(), seen, killed);
	say("kill init", kill(1, SIGKILL));
	say("stop init", kill(1, SIGSTOP));
	say("init is there", kill(1, 0));
	try_call("pidfd_open", SYS_pidfd_open, 1, 0, 0, 0);
	try_call("tgkill", SYS_tgkill, 1, 1, SIGTERM, 0);
}

static void
trace_init(char **argv)
{
	char data[8];

	(void)argv;
	say("attach", ptrace(PTRACE_ATTACH, 1, 0, 0));
	say("seize", ptrace(PTRACE_SEIZE, 1, 0, 0));
	say("traceme", ptrace(PTRACE_TRACEME, 0, 0, 0));
	try_call("readv", SYS_process_vm_readv, 1, (long)data, 0, 0);
	try_call("writev", SYS_process_vm_writev, 1, (long)data, 0, 0);
	try_call("kcmp", SYS_kcmp, 1, 1, 0, 0);
	try_call("pidfd_getfd", SYS_pidfd_getfd, 0, 0, 0, 0);
	try_call("process_madvise", SYS_process_madvise, 0, 0, 0, 0);
	say("mem", open("/proc/1/mem", O_RDWR));
}

static void
ipc_objects(char **argv)
{
	(void)argv;
	say("shmget", shmget(0x43454c, 4096, IPC_CREAT | 0666));
	say("msgget", msgget(0x43454c, IPC_CREAT | 0666));
	say("mq_open", mq_open("/cella", O_CREAT | O_RDWR, 0666, NULL));
}

/* argv: a name in the host's abstract namespace. */
static void
abstract(char **argv)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char data[256];
	ssize_t n;

	strcpy(to.sun_path + 1, argv[0]);
	say("connect",
	    connect(fd, (struct sockaddr *)&to,
		(socklen_t)(3 + strlen(argv[0]))));
	n = read(fd, data, sizeof(data));
	if (n > 0)
		(void)!write(1, data, (size_t)n);
}

static void
keyring(char **argv)
{
	(void)argv;
	try_call("add_key", SYS_add_key, (long)"user", (long)"cella", (long)"x",
	    1);
	try_call("request_key", SYS_request_key, (long)"user", (long)"cella", 0,
	    0);
	for (long ring = -1; ring >= -5; ring--)
		try_call("keyctl", SYS_keyctl, 0, ring, 1, 0);
}

static void
host_wide(char **argv)
{
	struct timeval tv = { 1, 0 };
	struct timex tx = { .modes = ADJ_TICK };

	(void)argv;
	say("sethostname", sethostname("evil", 4));
	say("setdomainname", setdomainname("evil", 4));
	say("settimeofday", settimeofday(&tv, NULL));
	try_call("clock_settime", SYS_clock_settime, 0, (long)&tv, 0, 0);
	say("adjtimex", adjtimex(&tx));
	say("nice", setpriority(PRIO_PROCESS, 0, -20));
}

static void
limits(char **argv)
{
	static const struct {
		const char *name;
		int resource;
	} all[] = { { "core", RLIMIT_CORE }, { "nice", RLIMIT_NICE },
		{ "rtprio", RLIMIT_RTPRIO }, { "msgqueue", RLIMIT_MSGQUEUE },
		{ "memlock", RLIMIT_MEMLOCK }, { "nofile", RLIMIT_NOFILE },
		{ "fsize", RLIMIT_FSIZE }, { "sigpending", RLIMIT_SIGPENDING },
		{ "stack", RLIMIT_STACK } };
	struct rlimit r, more;

	(void)argv;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		getrlimit((__rlimit_resource_t)all[i].resource, &r);
		printf("%s: %lld\n", all[i].name, (long long)r.rlim_max);
		more = (struct rlimit){ r.rlim_max + 1, r.rlim_max + 1 };
		if (setrlimit((__rlimit_resource_t)all[i].resource, &more) == 0)
			printf("%s: raised\n", all[i].name);
	}
}

static void
cgroup_view(char **argv)
{
	char line[512];
	FILE *f = fopen("/proc/self/cgroup", "r");
	const char *path;
	int outside = 0;

	(void)argv;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		path = strrchr(line, ':');
		/* What the machine has no cgroup of its own in is "/..". */
		outside += path == NULL || strstr(path, "cella") != NULL ||
		    strstr(path, "process") != NULL;
	}
	printf("names of the host: %d\n", outside);
	say("cgroupfs", open("/sys/fs/cgroup", O_RDONLY));
}

/* Its children outlive it, in a session of their own. */
static void
daemons(char **argv)
{
	(void)argv;
	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			setsid();
			signal(SIGTERM, SIG_IGN);
			signal(SIGHUP, SIG_IGN);
			for (;;)
				pause();
		}
	puts("left: 8");
}

static void
sleeper(char **argv)
{
	(void)argv;
	puts("sleeping: ok");
	fflush(stdout);
	/* Bounded, for the build that does not end it. */
	sleep(20);
}

static void
speculation(char **argv)
{
	char line[512];
	FILE *f = fopen("/proc/self/status", "r");

	(void)argv;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "Speculation", 11) == 0)
			fputs(line, stdout);
	say("set", prctl(PR_SET_SPECULATION_CTRL, 0, 2, 0, 0));
	say("core", prctl(PR_SCHED_CORE, 1, 0, 0, 0));
}

/* Those that exist are met; what can be had of one is a line. */
static int
ambush_one(pid_t pid)
{
	static const struct {
		const char *name;
		int flags;
	} files[] = { { "mem", O_RDWR }, { "environ", O_RDONLY },
		{ "fd/0", O_RDONLY }, { "root", O_PATH }, { "exe", O_RDONLY } };
	char path[64];
	int fd;

	if (kill(pid, 0) == -1 && errno == ESRCH)
		return 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i].name);
		fd = open(path, files[i].flags);
		if (fd != -1)
			say(files[i].name, 0);
		close(fd);
	}
	return 1;
}

/* Whoever comes into the machine after us, until somebody says stop. */
static void
ambush(char **argv)
{
	long met = 0;

	(void)argv;
	while (access("/tmp/stop", F_OK) == -1)
		for (pid_t pid = getpid() + 1; pid < getpid() + 600; pid++)
			met += ambush_one(pid);
	printf("met: %s\n", met > 0 ? "some" : "nobody");
}

/* The positive end of it: what joins can leave something behind. */
static void
stop(char **argv)
{
	(void)argv;
	say("stop", open("/tmp/stop", O_CREAT | O_WRONLY, 0600));
}

const struct row rows_creds[] = {
	{ "ambush", ambush },
	{ "stop", stop },
	{ "unshare", unshare_all },
	{ "clone3", clone3_sizes },
	{ "caps", caps },
	{ "regain", regain },
	{ "others", others },
	{ "trace-init", trace_init },
	{ "ipc", ipc_objects },
	{ "abstract", abstract },
	{ "keyring", keyring },
	{ "host-wide", host_wide },
	{ "limits", limits },
	{ "cgroup-view", cgroup_view },
	{ "daemons", daemons },
	{ "sleeper", sleeper },
	{ "speculation", speculation },
	{ NULL, NULL },
};
