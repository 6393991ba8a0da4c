#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "guest/start_block.h"
#include "sandbox/slot_join.h"

void
slot_join_init(struct slot_joins *all, struct join_result *result)
{
	for (size_t i = 0; i < SLOT_JOINS_MAX; i++)
		all->item[i] =
		    (struct slot_join){ 0, -1, -1, false, false, result + i };
}

/* Who does not listen misses it; a pipe's reader cannot make us a signal. */
void
slot_join_say(int status, enum start_word word, uint32_t value, uint32_t step)
{
	const struct start_status s = { word, value, step };

	(void)send(status, &s, sizeof(s), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
forget(struct slot_join *j)
{
	fd_close(&j->pidfd);
	fd_close(&j->status);
	j->pid = 0;
}

/* ---- the start ---- */

void
slot_join_start(struct slot_joins *all, const struct child_self *self,
    pid_t init, const struct join_fds *f, int status)
{
	struct slot_join *j = all->item;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.exit_signal = SIGCHLD,
	};
	long pid;

	while (j < all->item + SLOT_JOINS_MAX && j->pid != 0)
		j++;
	if (j == all->item + SLOT_JOINS_MAX) {
		slot_join_say(status, START_NO_START, EBUSY, CHILD_CLONE);
		fd_close(&status);
		return;
	}
	memset(j->result, 0, sizeof(*j->result));
	args.pidfd = (uint64_t)(uintptr_t)&j->pidfd;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		join_run(self, init, f, j->result);
	if (pid == -1) {
		slot_join_say(status, START_NO_START, (uint32_t)errno,
		    CHILD_CLONE);
		fd_close(&status);
		j->pidfd = -1;
		return;
	}
	j->pid = (pid_t)pid;
	j->status = status;
	j->in = j->given = false;
}

/* ---- what becomes of it ---- */

size_t
slot_join_watch(const struct slot_joins *all,
    struct pollfd p[2 * SLOT_JOINS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < SLOT_JOINS_MAX; i++) {
		if (all->item[i].pid == 0)
			continue;
		p[n++] = (struct pollfd){ all->item[i].pidfd, POLLIN, 0 };
		/* An end that was told is told again at every turn. */
		if (!all->item[i].given)
			p[n++] = (struct pollfd){ all->item[i].status, 0, 0 };
	}
	return n;
}

static bool
is_told(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) == 1;
}

/* The program, and those of its process group; it is our child, so that its
 * number is nobody else's. */
static void
kill_program(const struct slot_join *j)
{
	if (j->result->program <= 0)
		return;
	kill(-j->result->program, SIGKILL);
	kill(j->result->program, SIGKILL);
}

static void
give_up(struct slot_join *j)
{
	j->given = true;
	if (!j->in)
		kill(j->pid, SIGKILL);
	kill_program(j);
}

static void
say_failed(const struct slot_join *j)
{
	const struct child_result *r = &j->result->child;

	slot_join_say(j->status,
	    j->result->no_exec ? START_NO_EXEC : START_NO_START,
	    (uint32_t)r->sys, r->step);
}

/* The joiner has ended; killed, if it left neither a program nor a reason. */
static void
follow_program(struct slot_join *j)
{
	fd_close(&j->pidfd);
	j->pid = j->result->program;
	j->in = true;
	if (j->pid == 0) {
		if (!j->result->child.failed)
			j->result->child.sys = ECHILD;
		say_failed(j);
		forget(j);
		return;
	}
	/* It is our child, and there until we have waited for it. */
	j->pidfd = (int)syscall(SYS_pidfd_open, j->pid, 0);
	if (j->pidfd == -1) {
		kill_program(j);
		waitpid(j->pid, NULL, 0);
		forget(j);
		return;
	}
	if (j->given)
		kill_program(j);
	else if (!j->result->child.failed)
		slot_join_say(j->status, START_RUNNING, 0, 0);
}

static void
end_program(struct slot_join *j, int status)
{
	if (j->result->child.failed)
		say_failed(j);
	else if (WIFEXITED(status))
		slot_join_say(j->status, START_EXITED,
		    (uint32_t)WEXITSTATUS(status), 0);
	else
		slot_join_say(j->status, START_SIGNALED,
		    (uint32_t)WTERMSIG(status), 0);
	forget(j);
}

static void
look(struct slot_join *j)
{
	int status;

	if (!j->given && is_told(j->status, 0))
		give_up(j);
	if (!is_told(j->pidfd, POLLIN))
		return;
	waitpid(j->pid, &status, 0);
	if (j->in)
		end_program(j, status);
	else
		follow_program(j);
}

void
slot_join_turn(struct slot_joins *all)
{
	for (size_t i = 0; i < SLOT_JOINS_MAX; i++)
		if (all->item[i].pid != 0)
			look(&all->item[i]);
}

/*
 * The last process of a pid namespace waits for the others to be reaped, so
 * that programs are; a joiner is in none.
 */
void
slot_join_end(struct slot_joins *all)
{
	int status;

	for (size_t i = 0; i < SLOT_JOINS_MAX; i++) {
		struct slot_join *j = &all->item[i];

		if (j->pid != 0)
			kill(j->pid, SIGKILL);
		if (j->pid != 0 && !j->in) {
			waitpid(j->pid, NULL, 0);
			follow_program(j);
		}
		if (j->pid != 0) {
			waitpid(j->pid, &status, 0);
			end_program(j, status);
		}
	}
}
