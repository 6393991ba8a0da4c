#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
	    (!c->forks && !c->threads &&
		setrlimit(RLIMIT_NPROC, &nothing) == -1) ||
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
	if (c->syncs)
		model.otherwise[SYS_syncfs] =
		    (struct filter_verdict){ FILTER_ALLOW, 0 };
	if (filter_compile(&model, &p, e) == -1 ||
	    filter_check(&model, &p, e) == -1)
		return -1;
	prog = (struct sock_fprog){ (unsigned short)p.len, p.insn };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == -1)
		return err_sys(e, "filter");
	return 0;
}

/* landlock(7): what is handled and not allowed is refused. */
static int
allow_reading(int ruleset, const char *path, struct err *e)
{
	fd_auto int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .parent_fd = fd };
	struct stat s;

	if (fd == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	if (fstat(fd, &s) == -1)
		return err_sys(e, "%s", path);
	rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE |
	    (S_ISDIR(s.st_mode) ? LANDLOCK_ACCESS_FS_READ_DIR : 0);
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		&rule, 0) == -1)
		return err_sys(e, "landlock: %s", path);
	return 0;
}

static int
restrict_files(const char *const *paths, struct err *e)
{
	/* Every right of the first version of the interface. */
	const struct landlock_ruleset_attr all = {
		.handled_access_fs = 2 * LANDLOCK_ACCESS_FS_MAKE_SYM - 1
	};
	fd_auto int ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);

	if (ruleset == -1)
		return err_sys(e, "landlock");
	for (; *paths != NULL; paths++)
		if (allow_reading(ruleset, *paths, e) == -1)
			return -1;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) == -1)
		return err_sys(e, "landlock");
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
	if (set_limits(c, e) == -1 ||
	    (c->reads != NULL && restrict_files(c->reads, e) == -1))
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

static bool
may_chroot(void)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t set = CAP_CLEAR;

	if (caps != NULL)
		(void)cap_get_flag(caps, CAP_SYS_CHROOT, CAP_EFFECTIVE, &set);
	cap_free(caps);
	return set == CAP_SET;
}

/* Two lines of headings, then one for each interface, and lo is always there.
 */
#define HEADINGS 2

/* Nothing that leads elsewhere: netdevice(7), the names by proc(5). */
static int
check_alone(struct err *e)
{
	fd_auto int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	FILE *f = fopen("/proc/self/net/dev", "re");
	struct ifreq r;
	char line[512];
	bool alone = true;
	int n = 0;

	if (sock == -1 || f == NULL) {
		if (f != NULL)
			fclose(f);
		return err_sys(e, "confine: network");
	}
	while (alone && fgets(line, sizeof(line), f) != NULL) {
		if (n++ < HEADINGS)
			continue;
		memset(&r, 0, sizeof(r));
		alone = sscanf(line, " %15[^: ]", r.ifr_name) == 1 &&
		    ioctl(sock, SIOCGIFFLAGS, &r) == 0 &&
		    ((r.ifr_flags & IFF_UP) == 0 ||
			(r.ifr_flags & IFF_LOOPBACK) != 0);
	}
	fclose(f);
	if (n <= HEADINGS)
		return err_set(e, ERR_SYSTEM,
		    "confine: /proc/self/net/dev names no interface");
	return alone ? 0
		     : err_set(e, ERR_DENIED,
			   "confine: its network has %s, and it may not leave",
			   r.ifr_name);
}

/* Whoever may not make a network must have been put into an empty one. */
static int
enter_empty_network(struct err *e)
{
	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	return errno == EPERM ? check_alone(e) : err_sys(e, "confine: network");
}

static int
change_place(const struct confine *c, struct err *e)
{
	if (c->alone && enter_empty_network(e) == -1)
		return -1;
	if (c->root != -1 &&
	    (fchdir(c->root) == -1 || chroot(".") == -1 || chdir("/") == -1))
		return err_sys(e, "confine: root");
	return 0;
}

int
confine(const struct confine *c, struct err *e)
{
	bool moves = c->root != -1 || c->alone;
	bool given = geteuid() != 0 && may_chroot();
	bool own = moves && geteuid() != 0 && !given;

	if ((own && enter_own_userns(e) == -1) ||
	    (moves && change_place(c, e) == -1) ||
	    spawn_become(c->id, e) == -1 ||
	    ((own || given) && spawn_drop_caps(e) == -1))
		return -1;
	return close_in(c, e);
}
