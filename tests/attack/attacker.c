#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/attacker.h"

void
say(const char *what, long r)
{
	printf("%s: %s\n", what, r == -1 ? strerrorname_np(errno) : "ok");
	fflush(stdout);
}

void
try_call(const char *what, long nr, long a, long b, long c, long d)
{
	say(what, syscall(nr, a, b, c, d, 0L, 0L));
}

void
try_child(const char *what, void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fn();
		_exit(0);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		say(what, -1);
	else if (WIFSIGNALED(status))
		printf("%s: killed by %d\n", what, WTERMSIG(status));
	else
		printf("%s: came back\n", what);
}

static int
run(const struct row *rows, char **argv)
{
	for (; rows->name != NULL; rows++)
		if (strcmp(rows->name, argv[1]) == 0) {
			rows->run(argv + 2);
			return 1;
		}
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return 64;
	if (!run(rows_paths, argv) && !run(rows_creds, argv) &&
	    !run(rows_filter, argv) && !run(rows_resources, argv) &&
	    !run(rows_net, argv) && !run(rows_stress, argv)) {
		printf("%s: no such row\n", argv[1]);
		return 64;
	}
	return 0;
}
