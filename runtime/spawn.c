#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/frame.h"
#include "runtime/spawn.h"

#define LOCKS "/run/cella"

int
spawn_find(const char *name, char *path, size_t size, struct err *e)
{
	static const char *const installed[] = { PKGLIBEXECDIR, BINDIR };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n == -1)
		return err_sys(e, "/proc/self/exe");
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL) {
		*slash = '\0';
		snprintf(path, size, "%s/%s", self, name);
		if (access(path, R_OK) == 0)
			return 0;
	}
	for (size_t i = 0; i < nitems(installed); i++) {
		snprintf(path, size, "%s/%s", installed[i], name);
		if (access(path, R_OK) == 0)
			return 0;
	}
	return err_sys(e, "%s", path);
}

int
spawn_place(const int given[], size_t n)
{
	int fds[SPAWN_FDS_MAX];

	for (size_t i = 0; i < n; i++) {
		fds[i] = given[i];
		if (fds[i] == -1)
			continue;
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3 + SPAWN_FDS_MAX);
		if (fds[i] == -1)
			return -1;
	}
	for (size_t i = 0; i < n; i++)
		if (fds[i] == -1)
			close(3 + (int)i);
		else if (dup2(fds[i], 3 + (int)i) == -1)
			return -1;
	return (int)syscall(SYS_close_range, 3 + (unsigned)n, ~0U, 0);
}

static void __attribute__((noreturn))
become(const char *path, const int given[], size_t n)
{
#ifdef LEAVE_OUT
	char **envp = environ;
#else
	static char *const envp[] = { NULL };
#endif
	char *argv[] = { (char *)(uintptr_t)path, NULL };
	sigset_t none;

	/* Whoever starts it may hear signals by a descriptor. */
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) == -1 ||
	    spawn_place(given, n) == -1)
		_exit(126);
	execve(path, argv, envp);
	_exit(127);
}

pid_t
spawn_with(const char *name, const int fds[], size_t n, struct err *e)
{
	char path[PATH_MAX];
	pid_t pid;

	invariant(n <= SPAWN_FDS_MAX);
	if (spawn_find(name, path, sizeof(path), e) == -1)
		return -1;
	/*
	 * The child shares our memory until it executes, and makes nothing but
	 * system calls: copying the page tables would cost more than that.
	 */
	pid = vfork();
	if (pid == -1)
		return err_sys(e, "vfork");
	if (pid == 0)
		become(path, fds, n);
	return pid;
}

static int
open_locks(struct err *e)
{
	int fd;

	if (mkdir(LOCKS, 0700) == -1 && errno != EEXIST)
		return err_sys(e, LOCKS);
	fd = open(LOCKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd == -1 ? err_sys(e, LOCKS) : fd;
}

static int
open_init(struct err *e)
{
	char path[PATH_MAX];
	int fd;

	if (spawn_find("cella-init", path, sizeof(path), e) == -1)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd == -1 ? err_sys(e, "%s", path) : fd;
}

pid_t
spawn_launcher_at(int sock, struct err *e)
{
	fd_auto int init = open_init(e), locks = -1;

	if (init == -1)
		return -1;
	if (geteuid() == 0) {
		locks = open_locks(e);
		if (locks == -1)
			return -1;
	}
	return spawn_with("cella-launcher", (const int[]){ sock, init, locks },
	    3, e);
}

static pid_t
dns_at(int sock, struct err *e)
{
	return spawn_with("cella-dns", &sock, 1, e);
}

/* Descriptor 3 is the other end of the conversation. */
static int
start(struct spawn *s, pid_t (*start_at)(int, struct err *), struct err *e)
{
	fd_auto int ours = -1, theirs = -1;
	int pair[2];

	if (frame_pair(pair, e) == -1)
		return -1;
	ours = pair[0];
	theirs = pair[1];
	s->pid = start_at(theirs, e);
	if (s->pid == -1)
		return -1;
	s->sock = fd_take(&ours);
	return 0;
}

int
spawn_launcher(struct spawn *s, struct err *e)
{
	return start(s, spawn_launcher_at, e);
}

int
spawn_dns(struct spawn *s, struct err *e)
{
	return start(s, dns_at, e);
}

bool
spawn_end(struct spawn *s)
{
	int status = -1;

	fd_close(&s->sock);
	while (waitpid(s->pid, &status, 0) == -1 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool
spawn_end_launcher(struct spawn *s)
{
	struct frame f;
	struct err e;
	bool done = false;

	/* What is on its way, such as the end of a machine, is nobody's now. */
	if (shutdown(s->sock, SHUT_WR) == 0)
		while (!done && frame_recv(s->sock, &f, &e) == 1) {
			done = f.type == LAUNCH_DONE;
			frame_fini(&f);
		}
	if (!done)
		return spawn_end(s);
	fd_close(&s->sock);
	(void)waitpid(s->pid, NULL, WNOHANG);
	return true;
}

bool
spawn_is_rootless(void)
{
	return geteuid() != 0 && geteuid() != SPAWN_CORE_ID;
}

int
spawn_program(const char *const argv[], int directory, int out, struct err *e)
{
	pid_t pid = fork();
	int status;

	if (pid == -1)
		return err_sys(e, "fork");
	if (pid == 0) {
		if ((directory != -1 && fchdir(directory) == -1) ||
		    (out != -1 && dup2(out, STDOUT_FILENO) == -1))
			_exit(126);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return err_sys(e, "wait");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, ERR_SYSTEM, "%s failed", argv[0]);
	return 0;
}

static int
check_caps(struct err *e)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t has = CAP_SET;

	for (cap_value_t cap = 0; caps != NULL && CAP_IS_SUPPORTED(cap); cap++)
		if (cap_get_flag(caps, cap, CAP_PERMITTED, &has) == -1 ||
		    has == CAP_SET) {
			cap_free(caps);
			return err_set(e, ERR_SYSTEM,
			    "drop: capability %d is still there", cap);
		}
	if (caps == NULL)
		return err_sys(e, "drop: capabilities");
	cap_free(caps);
	return 0;
}

static int
check_dropped(uint32_t id, struct err *e)
{
	uid_t r, f, s;

	if (getresuid(&r, &f, &s) == -1 || r != id || f != id || s != id)
		return err_set(e, ERR_SYSTEM, "drop: the id is another");
	if (check_caps(e) == -1)
		return -1;
	if (setuid(0) == 0)
		return err_set(e, ERR_SYSTEM, "drop: it can be undone");
	return 0;
}

int
spawn_drop_caps(struct err *e)
{
	cap_t none = cap_init();

	if (none == NULL || cap_set_proc(none) == -1) {
		cap_free(none);
		return err_sys(e, "drop: capabilities");
	}
	cap_free(none);
	return check_caps(e);
}

int
spawn_become(uint32_t id, struct err *e)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) == -1 || setresgid(id, id, id) == -1 ||
	    setresuid(id, id, id) == -1)
		return err_sys(e, "drop ids");
	return check_dropped(id, e);
}

int
spawn_drop_for_good(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(e, "no new privileges");
	return spawn_become(SPAWN_CORE_ID, e);
}
