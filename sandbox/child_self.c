#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/control.h"
#include "base/err.h"
#include "base/str.h"
#include "sandbox/child_self.h"

/* Above every number that init uses, so that moving down never collides. */
#define HIGH_FD 128

int
child_self_enter_cgroups(const int tasks[CHILD_TASKS_MAX])
{
	for (size_t i = 0; i < CHILD_TASKS_MAX; i++)
		if (tasks[i] != -1 && write(tasks[i], "0", 1) != 1)
			return -1;
	return 0;
}

/* A directory that is not below the root reads "(unreachable)...". */
int
child_self_enter_cwd(const struct child_self *p)
{
	char path[MACHINE_PATH_MAX + 32];

	if (chdir(p->cwd) == -1 ||
	    syscall(SYS_getcwd, path, sizeof(path)) == -1)
		return -1;
	if (path[0] != '/') {
		errno = EXDEV;
		return -1;
	}
	return 0;
}

/* First out of the way, all of them, then to their places. */
static int
place_fds(int start[START_FD_COUNT])
{
	for (int i = 0; i < START_FD_COUNT; i++)
		if (start[i] != -1) {
			start[i] = fcntl(start[i], F_DUPFD_CLOEXEC, HIGH_FD);
			if (start[i] == -1)
				return -1;
		}
	for (int i = 0; i < START_FD_COUNT; i++) {
		if (start[i] == -1) {
			close(i);
			continue;
		}
		/* init itself is closed by its own execution. */
		if (dup3(start[i], i, i == START_FD_EXE ? O_CLOEXEC : 0) == -1)
			return -1;
	}
	return CONTROL(7)
	    ? (int)syscall(SYS_close_range, START_FD_COUNT, ~0U, 0)
	    : 0;
}

static int
drop_ids(const struct child_self *p)
{
	/* Raw: the library's wrappers would signal other threads. */
	if ((!p->keep_groups && CONTROL(17) &&
		syscall(SYS_setgroups, 0, NULL) == -1) ||
	    syscall(SYS_setresgid, p->gid, p->gid, p->gid) == -1 ||
	    syscall(SYS_setresuid, p->uid, p->uid, p->uid) == -1)
		return -1;
	return 0;
}

/* The bounding set is empty already and the securebits are locked: slot.c. */
static int
drop_caps(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
		0 };
	struct __user_cap_data_struct data[2];

	if (!CONTROL(18))
		return 0;
	memset(data, 0, sizeof(data));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 ||
	    syscall(SYS_capset, &head, data) == -1 ||
	    syscall(SYS_capget, &head, data) == -1)
		return -1;
	for (int i = 0; i < 2; i++)
		if ((data[i].effective | data[i].permitted |
			data[i].inheritable) != 0) {
			errno = EPERM;
			return -1;
		}
	if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

static int
set_rlimits(const struct child_self *p, struct child_result *r)
{
	struct rlimit64 want, got;

	for (r->index = 0; r->index < p->nrlimits; r->index++) {
		want.rlim_cur = want.rlim_max = p->rlimit[r->index].value;
		if (prlimit64(0, p->rlimit[r->index].resource, &want, NULL) ==
			-1 ||
		    prlimit64(0, p->rlimit[r->index].resource, NULL, &got) ==
			-1)
			return -1;
		if (got.rlim_max != want.rlim_max) {
			errno = EINVAL;
			return -1;
		}
	}
	return 0;
}

/* Missing: told if it may be, else the end. */
static int
miss(const struct child_self *p, struct child_result *r, enum machine_control c)
{
	r->missing |= MACHINE_CONTROL_BIT(c);
	return (p->optional & MACHINE_CONTROL_BIT(c)) != 0 ? 0 : -1;
}

int
child_self_share_core(const struct child_self *p, struct child_result *r,
    pid_t with)
{
	if (!p->core_sched ||
	    prctl(PR_SCHED_CORE,
		with == 0 ? PR_SCHED_CORE_CREATE : PR_SCHED_CORE_SHARE_FROM,
		with, PR_SCHED_CORE_SCOPE_THREAD_GROUP, 0) == 0)
		return 0;
	return miss(p, r, MACHINE_CORE_SCHED);
}

/*
 * Spectre v2 and v4 (kernel: Documentation/userspace-api/spec_ctrl.rst).  A CPU
 * that is not affected answers as if it were done; one whose mitigations are
 * off, or whose kernel has no such control, ENXIO, EPERM or ENODEV.
 */
int
child_self_forbid_speculation(const struct child_self *p,
    struct child_result *r)
{
	static const unsigned long kinds[] = { PR_SPEC_STORE_BYPASS,
		PR_SPEC_INDIRECT_BRANCH };

	if (!p->no_speculation || !CONTROL(50))
		return 0;
	for (size_t i = 0; i < nitems(kinds); i++)
		if (prctl(PR_SET_SPECULATION_CTRL, kinds[i],
			PR_SPEC_FORCE_DISABLE, 0, 0) == -1)
			return miss(p, r, MACHINE_SPECULATION);
	return 0;
}

/* ENOSYS: a kernel without keyrings has none to share. */
int
child_self_new_keyring(void)
{
	if (!CONTROL(23) ||
	    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) != -1)
		return 0;
	return errno == ENOSYS ? 0 : -1;
}

int
child_self_confine(const struct child_self *p, int start[START_FD_COUNT],
    struct child_result *r)
{
	r->step = CHILD_FDS;
	if (place_fds(start) == -1)
		return -1;
	r->step = CHILD_RLIMIT;
	if (set_rlimits(p, r) == -1)
		return -1;
	r->step = CHILD_IDS;
	if (drop_ids(p) == -1)
		return -1;
	/* Changing ids cleared it. */
	r->step = CHILD_PDEATHSIG;
	if (CONTROL(47) && prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return -1;
	r->step = CHILD_CAPS;
	if (drop_caps() == -1)
		return -1;
	r->step = CHILD_NO_NEW_PRIVS;
	return CONTROL(19) ? prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : 0;
}
