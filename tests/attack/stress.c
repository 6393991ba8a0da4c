/* Every part of the kernel that a machine reaches, all at once, for a while. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/attack/attacker.h"

static volatile sig_atomic_t signals;

static void
count_signal(int signal)
{
	(void)signal;
	signals++;
}

static void
use_cpu(int round)
{
	volatile unsigned x = (unsigned)round;

	for (int i = 0; i < 1000000; i++)
		x = x * 1664525 + 1013904223;
}

static void
use_memory(int round)
{
	size_t len = (size_t)(1 + round % 8) << 20;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	     *q;

	if (p == MAP_FAILED)
		return;
	for (size_t i = 0; i < len; i += 4096)
		p[i] = (char)round;
	(void)mprotect(p, len / 2, PROT_READ);
	(void)madvise(p + len / 2, len / 2, MADV_DONTNEED);
	(void)munmap(p, len / 2);
	q = mremap(p + len / 2, len / 2, len, MREMAP_MAYMOVE);
	if (q == MAP_FAILED)
		(void)munmap(p + len / 2, len / 2);
	else
		(void)munmap(q, len);
}

static void
use_files(int round)
{
	char from[64], to[64], data[4096] = "";
	int fd;

	for (int i = 0; i < 20; i++) {
		snprintf(from, sizeof(from), "/tmp/f%d.%d", getpid(), i);
		snprintf(to, sizeof(to), "/tmp/g%d.%d", getpid(), round % 50);
		fd = open(from, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		(void)!write(fd, data, sizeof(data));
		(void)ftruncate(fd, 1 << 20);
		(void)fsync(fd);
		close(fd);
		(void)rename(from, to);
		(void)symlink(to, from);
		(void)unlink(from);
	}
	(void)unlink(to);
}

static void
use_pipes(int round)
{
	char data[65536] = "";
	int p[2];

	(void)round;
	if (pipe(p) == -1)
		return;
	for (int i = 0; i < 50; i++)
		if (write(p[1], data, sizeof(data)) > 0)
			(void)!read(p[0], data, sizeof(data));
	close(p[0]);
	close(p[1]);
}

static void
use_signals(int round)
{
	const struct itimerval often = { { 0, 200 }, { 0, 200 } };
	const struct itimerval off = { { 0, 0 }, { 0, 0 } };

	(void)round;
	(void)signal(SIGALRM, count_signal);
	(void)signal(SIGUSR1, count_signal);
	(void)setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 2000; i++)
		(void)raise(SIGUSR1);
	(void)setitimer(ITIMER_REAL, &off, NULL);
}

static void
use_network(int round)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, round % 2 ? SOCK_STREAM : SOCK_DGRAM, 0), c;
	socklen_t len = sizeof(at);
	char data[8192] = "";

	(void)bind(s, (struct sockaddr *)&at, sizeof(at));
	(void)getsockname(s, (struct sockaddr *)&at, &len);
	(void)listen(s, 64);
	for (int i = 0; i < 40; i++) {
		c = socket(AF_INET, round % 2 ? SOCK_STREAM : SOCK_DGRAM, 0);
		(void)connect(c, (struct sockaddr *)&at, sizeof(at));
		(void)send(c, data, sizeof(data), MSG_DONTWAIT);
		close(c);
	}
	close(s);
}

static void
use_tasks(int round)
{
	(void)round;
	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			sched_yield();
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
}

static void
use_polls(int round)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT };
	int poll = epoll_create1(0), pair[2];

	(void)round;
	for (int i = 0; i < 50; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
			break;
		(void)epoll_ctl(poll, EPOLL_CTL_ADD, pair[0], &e);
		(void)epoll_wait(poll, &e, 1, 0);
		close(pair[0]);
		close(pair[1]);
	}
	close(poll);
}

static const struct {
	const char *name;
	void (*use)(int round);
} kinds[] = {
	{ "cpu", use_cpu },
	{ "memory", use_memory },
	{ "files", use_files },
	{ "pipes", use_pipes },
	{ "signals", use_signals },
	{ "network", use_network },
	{ "tasks", use_tasks },
	{ "polls", use_polls },
};

#define KINDS (int)(sizeof(kinds) / sizeof(kinds[0]))

/* argv: seconds.  Says for each kind whether it came round at least once. */
static void
stress(char **argv)
{
	time_t end = time(NULL) + atoi(argv[0]);
	int status;
	pid_t pid[KINDS];

	fflush(stdout);
	for (int k = 0; k < KINDS; k++) {
		pid[k] = fork();
		if (pid[k] != 0)
			continue;
		int round = 0;

		while (time(NULL) < end)
			kinds[k].use(round++);
		_exit(round > 0 ? 0 : 1);
	}
	for (int k = 0; k < KINDS; k++) {
		(void)waitpid(pid[k], &status, 0);
		printf("%s: %s\n", kinds[k].name,
		    WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "ok"
								  : "died");
	}
}

const struct row rows_stress[] = { { "stress", stress }, { NULL, NULL } };
