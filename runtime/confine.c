#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "runtime/confine.h"
#include "runtime/spawn.h"

static int
set_limits(const struct confine *c, struct err *e)
{
	static const struct rlimit nothing = { 0, 0 };
	struct rlimit r;

	/* A few descriptors for each machine and each caller. */
	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return err_sys(e, "limits");
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1 ||
	    (!c->forks && setrlimit(RLIMIT_NPROC, &nothing) == -1) ||
	    (!c->writes && setrlimit(RLIMIT_FSIZE, &nothing) == -1) ||
	    setrlimit(RLIMIT_CORE, &nothing) == -1)
		return err_sys(e, "limits");
	return 0;
}

static int
set_filter(const struct confine *c, struct err *e)
{
	static struct filter_model model;
	static struct filter_program p;
	struct sock_fprog prog;

	if (groups_model(c->groups, true, &model, e) == -1)
		return -1;
	if (c->locks)
		model.otherwise[SYS_futex] =
		    (struct filter_verdict){ FILTER_ALLOW, 0 };
	if (filter_compile(&model, &p, e) == -1 ||
	    filter_check(&model, &p, e) == -1)
		return -1;
	prog = (struct sock_fprog){ (unsigned short)p.len, p.insn };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == -1)
		return err_sys(e, "filter");
	return 0;
}

static int
close_in(const struct confine *c, struct err *e)
{
	/* A terminal's Ctrl-C is for whoever started us. */
	(void)setsid();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, "confine");
	if (set_limits(c, e) == -1)
		return -1;
	return set_filter(c, e);
}

static int
write_map(const char *path, unsigned id, struct err *e)
{
	fd_auto int fd = open(path, O_WRONLY | O_CLOEXEC);
	char text[48];

	snprintf(text, sizeof(text), "%u %u 1\n", id, id);
	if (fd == -1 || fd_write_full(fd, text, strlen(text)) == -1)
		return err_sys(e, "confine: %s", path);
	return 0;
}

/* With privilege over nothing but itself. */
static int
enter_own_userns(struct err *e)
{
	unsigned uid = geteuid();

	if (unshare(CLONE_NEWUSER) == -1)
		return err_sys(e, "confine: user namespace");
	return write_map("/proc/self/uid_map", uid, e);
}

static int
change_place(const struct confine *c, struct err *e)
{
	if (c->root != -1 &&
	    (fchdir(c->root) == -1 || chroot(".") == -1 || chdir("/") == -1))
		return err_sys(e, "confine: root");
	if (c->alone && unshare(CLONE_NEWNET) == -1)
		return err_sys(e, "confine: network");
	return 0;
}

int
confine(const struct confine *c, struct err *e)
{
	bool moves = c->root != -1 || c->alone;
	bool own = moves && geteuid() != 0;

	if ((own && enter_own_userns(e) == -1) ||
	    (moves && change_place(c, e) == -1) ||
	    spawn_become(c->id, e) == -1 || (own && spawn_drop_caps(e) == -1))
		return -1;
	return close_in(c, e);
}
