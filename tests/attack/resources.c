/* Memory, tasks, time, disk, output: each bounded, should nothing stop it. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/attack/attacker.h"

/* So many and no more, whatever the limit is. */
#define FORKS 400
#define SECONDS 3

static void
fork_bomb(char **argv)
{
	int n = 0, sys = 0;

	(void)argv;
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		if (pid == -1) {
			sys = errno;
			break;
		}
		n++;
	}
	printf("stopped: %s\n", sys == 0 ? "never" : strerrorname_np(sys));
	printf("children: %s\n", n < 140 ? "bounded" : "many");
}

static void
vfork_bomb(char **argv)
{
	static char stack[1 << 16];
	int n = 0;

	(void)argv;
	for (int i = 0; i < FORKS; i++) {
		long pid = syscall(SYS_clone, SIGCHLD | 0x100, /* VM */
		    stack + sizeof(stack) - 64, 0, 0, 0);

		if (pid == 0)
			for (;;)
				syscall(SYS_pause);
		if (pid == -1)
			break;
		n++;
	}
	printf("children: %s\n", n < 140 ? "bounded" : "many");
}

static void
eat_memory(char **argv)
{
	size_t mib = (size_t)strtoul(argv[0], NULL, 10);

	for (size_t i = 0; i < mib; i++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			break;
		memset(p, 1, 1 << 20);
	}
	puts("eaten: ok");
}

/* Where pages hide from a careless account.  argv: which, MiB. */
static void
hide_memory(char **argv)
{
	static char data[1 << 20];
	size_t mib = (size_t)strtoul(argv[1], NULL, 10), done = 0;
	int fd = -1, p[2];

	memset(data, 1, sizeof(data));
	if (strcmp(argv[0], "tmp") == 0)
		fd = open("/tmp/x", O_CREAT | O_WRONLY, 0600);
	if (strcmp(argv[0], "shm") == 0)
		fd = open("/dev/shm/x", O_CREAT | O_WRONLY, 0600);
	if (strcmp(argv[0], "memfd") == 0)
		fd = memfd_create("x", 0);
	if (strcmp(argv[0], "pipes") == 0) {
		while (pipe2(p, O_NONBLOCK) == 0) {
			fcntl(p[1], F_SETPIPE_SZ, 1 << 20);
			while (write(p[1], data, sizeof(data)) > 0)
				;
			done++;
		}
		printf("pipes: %s\n", strerrorname_np(errno));
		return;
	}
	if (strcmp(argv[0], "sockets") == 0) {
		while (
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) == 0)
			while (write(p[1], data, sizeof(data)) > 0)
				;
		printf("sockets: %s\n", strerrorname_np(errno));
		return;
	}
	signal(SIGXFSZ, SIG_IGN);
	while (done < mib && write(fd, data, sizeof(data)) == sizeof(data))
		done++;
	printf("%s: %s\n", argv[0],
	    done == mib ? "ok" : strerrorname_np(errno));
}

static void
spin(char **argv)
{
	int n = atoi(argv[0]);
	time_t end = time(NULL) + SECONDS;

	for (int i = 1; i < n; i++)
		if (fork() == 0)
			break;
	while (time(NULL) < end)
		;
}

/* Many short lives: each below any poll. */
static void
spin_children(char **argv)
{
	time_t end = time(NULL) + SECONDS;

	(void)argv;
	while (time(NULL) < end) {
		pid_t pid = fork();

		if (pid == 0) {
			for (volatile int i = 0; i < 1000000; i++)
				;
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

/* argv: how it waits. */
static void
hang(char **argv)
{
	char c;

	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	alarm(0);
	if (strcmp(argv[0], "read") == 0) {
		int p[2];

		(void)!pipe(p);
		/* Bounded: poll first. */
		struct pollfd f = { p[0], POLLIN, 0 };
		poll(&f, 1, SECONDS * 1000);
		return;
	}
	if (strcmp(argv[0], "stop") == 0) {
		pid_t pid = fork();

		if (pid == 0) {
			sleep(SECONDS);
			kill(getppid(), SIGCONT);
			_exit(0);
		}
		raise(SIGSTOP);
		return;
	}
	if (strcmp(argv[0], "vfork") == 0) {
		if (vfork() == 0) {
			sleep(SECONDS);
			_exit(0);
		}
		return;
	}
	sleep(SECONDS);
	(void)!read(0, &c, 1);
}

static void
realtime(char **argv)
{
	struct sched_param p = { .sched_priority = 10 };
	cpu_set_t set;

	(void)argv;
	say("fifo", sched_setscheduler(0, SCHED_FIFO, &p));
	say("rr", sched_setscheduler(0, SCHED_RR, &p));
	say("nice", setpriority(PRIO_PROCESS, 0, -20));
	try_call("ioprio", SYS_ioprio_set, 1, 0, 1 << 13, 0);
	try_call("sched_setattr", SYS_sched_setattr, 0, (long)&p, 0, 0);
	memset(&set, 0xff, sizeof(set));
	say("affinity", sched_setaffinity(0, sizeof(set), &set));
}

static void
fill_disk(char **argv)
{
	static char data[1 << 16];
	char path[256], what[64];
	int n = 0, fd;

	snprintf(path, sizeof(path), "%s/x", argv[0]);
	signal(SIGXFSZ, SIG_IGN);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	for (int i = 0; i < 4096 && write(fd, data, sizeof(data)) > 0; i++)
		n++;
	printf("written: %s\n", n < 4096 ? strerrorname_np(errno) : "all");
	say("fallocate", fallocate(fd, 0, 0, 1LL << 34));
	unlink(path);
	for (n = 0; n < 20000; n++) {
		snprintf(what, sizeof(what), "%s/f%d", argv[0], n);
		fd = open(what, O_CREAT | O_WRONLY, 0600);
		if (fd == -1)
			break;
		close(fd);
	}
	printf("files: %s\n", n < 20000 ? strerrorname_np(errno) : "all");
}

/* argv: MiB. */
static void
flood(char **argv)
{
	static char data[1 << 16];
	int fd = atoi(argv[1]);
	size_t n = (size_t)strtoul(argv[0], NULL, 10) * 16;

	memset(data, 'x', sizeof(data));
	while (n-- > 0)
		if (write(fd, data, sizeof(data)) == -1)
			return;
}

static void
exhaust_fds(char **argv)
{
	int n = 0;

	(void)argv;
	while (n < 100000 && open("/dev/null", O_RDONLY) != -1)
		n++;
	printf("open: %s\nmany: %s\n", strerrorname_np(errno),
	    n < 2048 ? "bounded" : "yes");
}

static void
lock_memory(char **argv)
{
	void *p;

	(void)argv;
	say("mlockall", mlockall(MCL_CURRENT | MCL_FUTURE));
	p = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	say("hugetlb", p == MAP_FAILED ? -1 : 0);
	p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	say("locked", p == MAP_FAILED ? -1 : 0);
}

static void
nest_epoll(char **argv)
{
	struct epoll_event e = { .events = EPOLLIN };
	int last = epoll_create1(0), next, depth = 0;

	(void)argv;
	for (; depth < 64; depth++) {
		next = epoll_create1(0);
		if (next == -1 ||
		    epoll_ctl(next, EPOLL_CTL_ADD, last, &e) == -1)
			break;
		last = next;
	}
	printf("depth: %s\n", depth < 10 ? "bounded" : "deep");
}

static void
kill_self(char **argv)
{
	(void)argv;
	raise(SIGKILL);
}

static void
forge_log(char **argv)
{
	(void)argv;
	fputs("}\n{\"verdict\": \"ok\"}\n\033[2J\033]0;title\a\x9b\xff\xfe\n",
	    stdout);
	fputs("cella: denied: nothing\n\033[2Jx\r\n", stderr);
}

/* A server that leaves what it can, and tells what it found: one visit a line.
 */
static void
warm_state(char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(8080),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM, 0), c, visits = 0, on = 1;
	char in[4096], out[256];
	bool file, set;
	mode_t mask;

	(void)argv;
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(s, 16) == -1) {
		say("listen", -1);
		return;
	}
	while ((c = accept(s, NULL, NULL)) != -1) {
		if (read(c, in, sizeof(in)) <= 0) {
			close(c);
			continue;
		}
		file = access("/tmp/left", F_OK) == 0;
		set = getenv("LEFT") != NULL;
		mask = umask(0123);
		snprintf(out, sizeof(out),
		    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
		    "visit %d file %d env %d umask %d\n",
		    ++visits, file, set, mask == 0123);
		close(open("/tmp/left", O_CREAT | O_WRONLY, 0600));
		setenv("LEFT", "1", 1);
		if (write(c, out, strlen(out)) == -1)
			say("write", -1);
		close(c);
	}
}

const struct row rows_resources[] = {
	{ "fork-bomb", fork_bomb },
	{ "vfork-bomb", vfork_bomb },
	{ "eat-memory", eat_memory },
	{ "hide-memory", hide_memory },
	{ "spin", spin },
	{ "spin-children", spin_children },
	{ "hang", hang },
	{ "realtime", realtime },
	{ "fill-disk", fill_disk },
	{ "flood", flood },
	{ "exhaust-fds", exhaust_fds },
	{ "lock-memory", lock_memory },
	{ "nest-epoll", nest_epoll },
	{ "kill-self", kill_self },
	{ "forge-log", forge_log },
	{ "warm-state", warm_state },
	{ NULL, NULL },
};
