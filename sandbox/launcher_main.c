/*
 * cella-launcher: the only privileged process of Cella.  Theory of operation:
 *
 * It is started by core's parent with a socket to core (descriptor 3), the
 * file of cella-init (4) and, as root, a directory for locks (5).  It parses
 * nothing that a stranger wrote: core sends small typed frames and
 * descriptors.  As root it keeps a short list of capabilities; as an ordinary
 * user it first becomes root of a user namespace of its own, in which one id
 * is mapped, and reports what it cannot enforce.
 *
 * launcher.c is the table of requests, launch.c one machine, slot.c the
 * process that starts it, child.c the straight line into it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/frame.h"
#include "messages/launch_msgs.h"
#include "sandbox/caps.h"
#include "sandbox/launcher.h"

enum { FD_CORE = 3, FD_INIT, FD_LOCKS };

static int
write_file(const char *path, const char *text, struct err *e)
{
	fd_auto int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd == -1 || fd_write_full(fd, text, strlen(text)) == -1)
		return err_sys(e, "%s", path);
	return 0;
}

/* Without a setuid helper one id can be mapped: the caller's. */
static int
become_rootless(struct err *e)
{
	char uid[48], gid[48];

	snprintf(uid, sizeof(uid), "0 %u 1\n", geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1\n", getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
		return err_sys(e, "unshare user namespace");
	if (write_file("/proc/self/setgroups", "deny", e) == -1 ||
	    write_file("/proc/self/uid_map", uid, e) == -1 ||
	    write_file("/proc/self/gid_map", gid, e) == -1)
		return -1;
	return 0;
}

static int
enter_own_namespaces(bool rootless, struct err *e)
{
	if (rootless)
		return become_rootless(e);
	if (unshare(CLONE_NEWNS) == -1)
		return err_sys(e, "unshare mount namespace");
	return 0;
}

static int
check_fds(bool rootless, struct err *e)
{
	struct stat s;

	if (fstat(FD_CORE, &s) == -1 || !S_ISSOCK(s.st_mode))
		return err_set(e, ERR_INVALID,
		    "descriptor %d is not a socket; cella starts this program",
		    FD_CORE);
	if (fstat(FD_INIT, &s) == -1 || !S_ISREG(s.st_mode))
		return err_set(e, ERR_INVALID,
		    "descriptor %d is not cella-init", FD_INIT);
	if (!rootless && (fstat(FD_LOCKS, &s) == -1 || !S_ISDIR(s.st_mode)))
		return err_set(e, ERR_INVALID,
		    "descriptor %d is not a directory", FD_LOCKS);
	for (int fd = FD_CORE; fd <= FD_LOCKS; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

/* Each machine holds ten descriptors; what the host allows is enough. */
static void
raise_nofile(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int
run(struct err *e)
{
	bool rootless = geteuid() != 0;
	struct launcher_args args = { .core = FD_CORE,
		.init = FD_INIT,
		.locks = FD_LOCKS,
		.rootless = rootless };

	if (check_fds(rootless, e) == -1)
		return -1;
	raise_nofile();
	/* A terminal's Ctrl-C is core's to hear: its end is our signal. */
	(void)setsid();
	if ((CONTROL(19) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, "start");
	if (enter_own_namespaces(rootless, e) == -1 ||
	    caps_drop_for_good(rootless, e) == -1)
		return -1;
	return launcher_serve(&args, e);
}

int
main(void)
{
	buf_auto struct buf b = { 0 };
	struct err e, ignored;

	/* Our own end, which takes a while, core need not wait for. */
	if (run(&e) == 0) {
		(void)frame_send(FD_CORE, LAUNCH_DONE, 0, NULL, NULL, 0,
		    &ignored);
		return 0;
	}
	/* Core prints it; our own standard error may be nobody's. */
	launch_msgs_put_error(&b, &e);
	if (frame_send(FD_CORE, LAUNCH_ERROR, 0, &b, NULL, 0, &ignored) == -1)
		fprintf(stderr, "cella-launcher: %s\n", e.text);
	return 1;
}
