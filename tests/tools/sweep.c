/*
 * Calls every system call number in a child of its own, with arguments that
 * reach no object (bad pointers, bad descriptors), and prints what came back:
 * one line a number, "nr answer".  Runs inside a machine; the answer is held
 * against the model.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD (-1L)

static void
try(long nr)
{
	int status, p[2];
	char answer[32] = "";
	ssize_t n;
	pid_t pid;

	if (pipe(p) == -1)
		return;
	pid = fork();
	if (pid == 0) {
		const char *name;
		long r;

		alarm(1);
		r = syscall(nr, BAD, BAD, BAD, BAD, BAD, BAD);
		name = r == -1 ? strerrorname_np(errno) : "OK";
		(void)!write(p[1], name, strlen(name));
		_exit(0);
	}
	close(p[1]);
	waitpid(pid, &status, 0);
	n = read(p[0], answer, sizeof(answer) - 1);
	close(p[0]);
	answer[n > 0 ? n : 0] = '\0';
	if (WIFSIGNALED(status))
		printf("%ld SIG%s\n", nr, sigabbrev_np(WTERMSIG(status)));
	else
		printf("%ld %s\n", nr, answer);
	fflush(stdout);
}

int
main(void)
{
	static const long skipped[] = { SYS_exit, SYS_exit_group, SYS_fork,
		SYS_vfork, SYS_clone, SYS_rt_sigreturn, SYS_pause, SYS_write,
		SYS_kill };
	size_t i;

	for (long nr = 0; nr < 600; nr++) {
		for (i = 0; i < sizeof(skipped) / sizeof(skipped[0]); i++)
			if (skipped[i] == nr)
				break;
		if (i == sizeof(skipped) / sizeof(skipped[0]))
			try(nr);
	}
	return 0;
}
