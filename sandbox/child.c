#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/control.h"
#include "base/err.h"
#include "base/str.h"
#include "sandbox/child.h"

/* Above every number that init uses, so that moving down never collides. */
#define HIGH_FD 128

/* Where the new root is attached before it becomes the root. */
#define ATTACH "/sys"

const char *
child_step_name(enum child_step s)
{
	static const char *const names[CHILD_STEPS] = {
		[CHILD_CGROUP] = "enter cgroup",
		[CHILD_CGROUP_NS] = "new cgroup namespace",
		[CHILD_PDEATHSIG] = "set parent death signal",
		[CHILD_PRIVATE] = "make mounts private",
		[CHILD_ROOT] = "attach root",
		[CHILD_MOUNT] = "attach mount",
		[CHILD_PROC] = "mount /proc",
		[CHILD_PIVOT] = "pivot root",
		[CHILD_CWD] = "enter working directory",
		[CHILD_HOSTNAME] = "set host name",
		[CHILD_KEYRING] = "join a new keyring",
		[CHILD_CORE_SCHED] = "core scheduling",
		[CHILD_SPECULATION] = "forbid speculation",
		[CHILD_LANDLOCK] = "landlock ruleset",
		[CHILD_FDS] = "place descriptors",
		[CHILD_RLIMIT] = "set resource limit",
		[CHILD_IDS] = "drop ids",
		[CHILD_CAPS] = "drop capabilities",
		[CHILD_NO_NEW_PRIVS] = "no new privileges",
		[CHILD_EXEC] = "execute init",
	};

	invariant(s < CHILD_STEPS);
	return names[s];
}

static int
enter_cgroups(const struct child_fds *f)
{
	for (size_t i = 0; i < CHILD_TASKS_MAX; i++)
		if (f->tasks[i] != -1 && write(f->tasks[i], "0", 1) != 1)
			return -1;
	return 0;
}

/* Never through a symbolic link, never out of the new root. */
static int
attach(int root, const char *target, int tree)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = CONTROL(1) ? RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS |
			RESOLVE_NO_MAGICLINKS
				      : 0 };
	int at = (int)syscall(SYS_openat2, root, target + 1, &how, sizeof(how));

	return at == -1
	    ? -1
	    : move_mount(tree, "", at, "",
		  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* A fresh one: its pid namespace is ours from the start. */
static int
attach_proc(int root)
{
	int fs = fsopen("proc", FSOPEN_CLOEXEC), tree;

	if (fs == -1 ||
	    (CONTROL(5) &&
		(fsconfig(fs, FSCONFIG_SET_STRING, "hidepid", "invisible", 0) ||
		    fsconfig(fs, FSCONFIG_SET_STRING, "subset", "pid", 0))) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	tree = fsmount(fs, FSMOUNT_CLOEXEC,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return tree == -1 ? -1 : attach(root, "/proc", tree);
}

static int
pivot(void)
{
	if (chdir(ATTACH) == -1 || syscall(SYS_pivot_root, ".", ".") == -1 ||
	    (CONTROL(6) && umount2(".", MNT_DETACH) == -1) || chdir("/") == -1)
		return -1;
	return 0;
}

/* A directory that is not below the root reads "(unreachable)...". */
static int
enter_cwd(const char *cwd)
{
	char path[MACHINE_PATH_MAX + 32];

	if (chdir(cwd) == -1 || syscall(SYS_getcwd, path, sizeof(path)) == -1)
		return -1;
	if (path[0] != '/') {
		errno = EXDEV;
		return -1;
	}
	return 0;
}

/* First out of the way, all of them, then to their places. */
static int
place_fds(struct child_fds *f)
{
	for (int i = 0; i < START_FD_COUNT; i++)
		if (f->start[i] != -1) {
			f->start[i] =
			    fcntl(f->start[i], F_DUPFD_CLOEXEC, HIGH_FD);
			if (f->start[i] == -1)
				return -1;
		}
	for (int i = 0; i < START_FD_COUNT; i++) {
		if (f->start[i] == -1) {
			close(i);
			continue;
		}
		/* init itself is closed by its own execution. */
		if (dup3(f->start[i], i, i == START_FD_EXE ? O_CLOEXEC : 0) ==
		    -1)
			return -1;
	}
	return CONTROL(7)
	    ? (int)syscall(SYS_close_range, START_FD_COUNT, ~0U, 0)
	    : 0;
}

static int
drop_ids(const struct child_plan *p)
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
set_rlimits(const struct child_plan *p, struct child_result *r)
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
miss(const struct child_plan *p, struct child_result *r, enum machine_control c)
{
	r->missing |= MACHINE_CONTROL_BIT(c);
	return (p->optional & MACHINE_CONTROL_BIT(c)) != 0 ? 0 : -1;
}

/* A cookie of its own: no other machine's task shares its core with it. */
static int
core_sched(const struct child_plan *p, struct child_result *r)
{
	if (!p->core_sched ||
	    prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, 1, 0) == 0)
		return 0;
	return miss(p, r, MACHINE_CORE_SCHED);
}

/*
 * Spectre v2 and v4 (kernel: Documentation/userspace-api/spec_ctrl.rst).  A CPU
 * that is not affected answers as if it were done; one whose mitigations are
 * off, or whose kernel has no such control, ENXIO, EPERM or ENODEV.
 */
static int
forbid_speculation(const struct child_plan *p, struct child_result *r)
{
	static const unsigned long kinds[] = { PR_SPEC_STORE_BYPASS,
		PR_SPEC_INDIRECT_BRANCH };

	for (size_t i = 0; i < nitems(kinds); i++)
		if (prctl(PR_SET_SPECULATION_CTRL, kinds[i],
			PR_SPEC_FORCE_DISABLE, 0, 0) == -1)
			return miss(p, r, MACHINE_SPECULATION);
	return 0;
}

static int
attach_all(const struct child_plan *p, const struct child_fds *f,
    struct child_result *r)
{
	int root;

	if (move_mount(f->root, "", AT_FDCWD, ATTACH,
		MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return -1;
	root = open(ATTACH, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		return -1;
	r->step = CHILD_MOUNT;
	for (r->index = 0; r->index < p->nmounts; r->index++)
		if (attach(root, p->target[r->index], f->mount[r->index]) == -1)
			return -1;
	r->step = CHILD_PROC;
	return attach_proc(root);
}

#define STEP(name, call)             \
	do {                         \
		r->step = (name);    \
		if ((call) == -1)    \
			goto failed; \
	} while (0)

/*
 * The order is the point.  The cgroup before anything can be allocated or
 * forked; the mounts before Landlock, which would forbid them; descriptors
 * after the last open; ids before capabilities, which setresuid needs; and
 * no-new-privileges before the filter that init installs.
 */
void
child_run(const struct child_plan *p, struct child_fds *f,
    struct child_result *r)
{
	static char name[] = "cella-init";
	char *const argv[] = { name, NULL };
	char *const envp[] = { NULL };

	r->index = 0;
	if (CONTROL(39))
		STEP(CHILD_CGROUP, enter_cgroups(f));
	/* Not in the clone: the root of the namespace is where we stand now. */
	if (CONTROL(21))
		STEP(CHILD_CGROUP_NS, unshare(CLONE_NEWCGROUP));
	if (CONTROL(47))
		STEP(CHILD_PDEATHSIG, prctl(PR_SET_PDEATHSIG, SIGKILL));
	STEP(CHILD_PRIVATE, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	STEP(CHILD_ROOT, attach_all(p, f, r));
	STEP(CHILD_PIVOT, pivot());
	STEP(CHILD_CWD, enter_cwd(p->cwd));
	STEP(CHILD_HOSTNAME, sethostname(p->hostname, strlen(p->hostname)));
	if (CONTROL(23))
		STEP(CHILD_KEYRING,
		    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) ==
				-1 &&
			    errno != ENOSYS
			? -1
			: 0);
	STEP(CHILD_CORE_SCHED, core_sched(p, r));
	if (p->no_speculation && CONTROL(50))
		STEP(CHILD_SPECULATION, forbid_speculation(p, r));
	if (p->landlock)
		STEP(CHILD_LANDLOCK,
		    f->start[START_FD_LANDLOCK] = landlock_ruleset(&p->rules));
	STEP(CHILD_FDS, place_fds(f));
	STEP(CHILD_RLIMIT, set_rlimits(p, r));
	STEP(CHILD_IDS, drop_ids(p));
	/* Changing ids cleared it. */
	if (CONTROL(47))
		STEP(CHILD_PDEATHSIG, prctl(PR_SET_PDEATHSIG, SIGKILL));
	STEP(CHILD_CAPS, drop_caps());
	if (CONTROL(19))
		STEP(CHILD_NO_NEW_PRIVS,
		    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	(void)umask(022);
	STEP(CHILD_EXEC,
	    syscall(SYS_execveat, START_FD_EXE, "", argv, envp, AT_EMPTY_PATH));
failed:
	r->sys = errno;
	r->failed = true;
	_exit(125);
}
