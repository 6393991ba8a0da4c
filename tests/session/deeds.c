/*
 * A machine that does what its input says, a letter at a time, so that what an
 * input leaves can be compared; deeds.py does the same.
 *
 * - a: appends the input to /state/log
 * - w, u: writes, removes /state/f
 * - d, e: makes a directory /state/d with a file in it, a file in its place
 * - t: says whether /tmp/t or /dev/shm/t is there, and makes both
 * - m: says how many inputs it has counted
 * - g: leaves a process behind that holds the log open
 * - p: says whether it is a copy; s: when the machine was started
 * - n, v: a notice, a voucher, of the input
 * - r, x, q, k: rejects, throws, exits, kills itself
 *
 * An argument keeps a file open, so that no copy can be made.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guest/rollup_io.h"

static unsigned counted;
static char started[32];

static void
put(const char *path, const void *text, size_t len, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);

	if (fd == -1 || write(fd, text, len) != (ssize_t)len ||
	    close(fd) == -1) {
		perror(path);
		exit(1);
	}
}

static void
say(const char *text)
{
	if (rollup_io_report(text, strlen(text)) == -1)
		exit(1);
}

static void
take_temporary(void)
{
	const bool there =
	    access("/tmp/t", F_OK) == 0 || access("/dev/shm/t", F_OK) == 0;

	say(there ? "there" : "clean");
	if (mkdir("/tmp/deep", 0755) == 0)
		put("/tmp/deep/file", "x", 1, 0);
	put("/tmp/t", "x", 1, 0);
	put("/dev/shm/t", "x", 1, 0);
}

static void
leave_process(void)
{
	pid_t pid = fork();

	if (pid > 0)
		return;
	setsid();
	if (fork() == 0 && chdir("/state") == 0) {
		(void)open("log", O_RDONLY);
		for (;;)
			pause();
	}
	_exit(0);
}

static void
count(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", counted);
	say(text);
}

static void
replace_directory(void)
{
	unlink("/state/d/file");
	rmdir("/state/d");
	put("/state/d", "a file", 6, O_TRUNC);
}

static void
make_directory(void)
{
	unlink("/state/d");
	if (mkdir("/state/d", 0755) == 0 || errno == EEXIST)
		put("/state/d/file", "in it", 5, O_TRUNC);
}

static bool
act(char deed, const struct rollup_io_request *r)
{
	switch (deed) {
	case 'a':
		put("/state/log", r->payload, r->len, O_APPEND);
		break;
	case 'w':
		put("/state/f", r->payload, r->len, O_TRUNC);
		break;
	case 'u':
		unlink("/state/f");
		break;
	case 'd':
		make_directory();
		break;
	case 'e':
		if (access("/state/d", F_OK) == 0)
			replace_directory();
		break;
	case 't':
		take_temporary();
		break;
	case 'm':
		count();
		break;
	case 'p':
		say(getppid() == 1 ? "first" : "copy");
		break;
	case 's':
		say(started);
		break;
	case 'g':
		leave_process();
		break;
	case 'n':
		return rollup_io_notice(r->payload, r->len, NULL) == 0;
	case 'v':
		return rollup_io_voucher(r->sender, r->payload, r->len, NULL) ==
		    0;
	case 'x':
		rollup_io_exception(r->payload, r->len);
		exit(0);
	case 'q':
		exit(3);
	case 'k':
		raise(SIGKILL);
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct rollup_io_request r = { .payload = NULL };
	bool accept = true;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(started, sizeof(started), "%lld.%09ld", (long long)now.tv_sec,
	    now.tv_nsec);
	if (argc > 1)
		(void)open(argv[0], O_RDONLY);
	while (rollup_io_finish(accept, &r) == 0) {
		counted++;
		for (size_t i = 0; i < r.len; i++)
			if (!act((char)r.payload[i], &r))
				return 1;
		accept = memchr(r.payload, 'r', r.len) == NULL;
	}
	perror("finish");
	return 1;
}
