/*
 * cella-dns: answers the resolvers of machines.  Theory of operation:
 *
 * Core starts it with a socket (descriptor 3) and says for which machines to
 * answer (dns_msgs.h).  What it reads comes from strangers at both ends, so it
 * can do nothing but talk: it opens no file, starts no program, has no
 * capability, and a filter of its own kills what else it would try.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "runtime/dns_serve.h"

enum { FD_CORE = 3 };

#define GROUPS                                                    \
	(GROUPS_BIT(GROUPS_LIFE) | GROUPS_BIT(GROUPS_MEM) |       \
	    GROUPS_BIT(GROUPS_IO) | GROUPS_BIT(GROUPS_TIME) |     \
	    GROUPS_BIT(GROUPS_SIGNAL) | GROUPS_BIT(GROUPS_INFO) | \
	    GROUPS_BIT(GROUPS_SOCKPAIR) | GROUPS_BIT(GROUPS_SOCK_INET))

static int
set_limits(struct err *e)
{
	static const struct rlimit nothing = { 0, 0 };
	struct rlimit r;

	/* A socket for each machine and for each open question. */
	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return err_sys(e, "limits");
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1 ||
	    setrlimit(RLIMIT_NPROC, &nothing) == -1 ||
	    setrlimit(RLIMIT_FSIZE, &nothing) == -1 ||
	    setrlimit(RLIMIT_CORE, &nothing) == -1)
		return err_sys(e, "limits");
	return 0;
}

static int
close_in(struct err *e)
{
	static struct filter_model model;
	static struct filter_program p;
	struct sock_fprog prog;

	if (groups_model(GROUPS, true, &model, e) == -1 ||
	    filter_compile(&model, &p, e) == -1 ||
	    filter_check(&model, &p, e) == -1)
		return -1;
	prog = (struct sock_fprog){ (unsigned short)p.len, p.insn };
	if (prctl(PR_SET_DUMPABLE, 0) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == -1)
		return err_sys(e, "filter");
	return 0;
}

static int
run(struct err *e)
{
	struct stat s;

	if (fstat(FD_CORE, &s) == -1 || !S_ISSOCK(s.st_mode))
		return err_set(e, ERR_INVALID,
		    "descriptor %d is not a socket; cella starts this program",
		    FD_CORE);
	if (geteuid() == 0)
		return err_set(e, ERR_DENIED, "never as root");
	fcntl(FD_CORE, F_SETFD, FD_CLOEXEC);
	/* A terminal's Ctrl-C is core's to hear. */
	(void)setsid();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return err_sys(e, "start");
	if (set_limits(e) == -1 || close_in(e) == -1)
		return -1;
	return dns_serve(FD_CORE, e);
}

int
main(void)
{
	struct err e;

	/* There is nothing to flush, and the filter lets nobody do more. */
	if (run(&e) == 0)
		_exit(0);
	fprintf(stderr, "cella-dns: %s\n", e.text);
	return 1;
}
