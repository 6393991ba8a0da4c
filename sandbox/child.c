#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/control.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "sandbox/child.h"
#include "sandbox/landlock.h"

/* Where the new root is attached before it becomes the root. */
#define ATTACH "/sys"

int
child_attach(int root, const char *target, int tree)
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
	return tree == -1 ? -1 : child_attach(root, "/proc", tree);
}

static int
pivot(void)
{
	if (chdir(ATTACH) == -1 || syscall(SYS_pivot_root, ".", ".") == -1 ||
	    (CONTROL(6) && umount2(".", MNT_DETACH) == -1) || chdir("/") == -1)
		return -1;
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
		if (child_attach(root, p->target[r->index],
			f->mount[r->index]) == -1)
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
 * forked; the mounts before Landlock, which would forbid them; and what is left
 * in the order of child_self.h, before the filter that init installs.
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
		STEP(CHILD_CGROUP, child_self_enter_cgroups(f->tasks));
	/* Not in the clone: the root of the namespace is where we stand now. */
	if (CONTROL(21))
		STEP(CHILD_CGROUP_NS, unshare(CLONE_NEWCGROUP));
	if (CONTROL(47))
		STEP(CHILD_PDEATHSIG, prctl(PR_SET_PDEATHSIG, SIGKILL));
	STEP(CHILD_PRIVATE, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	STEP(CHILD_ROOT, attach_all(p, f, r));
	STEP(CHILD_PIVOT, pivot());
	STEP(CHILD_CWD, child_self_enter_cwd(&p->self));
	STEP(CHILD_HOSTNAME, sethostname(p->hostname, strlen(p->hostname)));
	STEP(CHILD_KEYRING, child_self_new_keyring());
	STEP(CHILD_CORE_SCHED, child_self_share_core(&p->self, r, 0));
	STEP(CHILD_SPECULATION, child_self_forbid_speculation(&p->self, r));
	if (p->landlock) {
		STEP(CHILD_LANDLOCK,
		    f->start[START_FD_LANDLOCK] = landlock_ruleset(&p->rules));
		if (f->keep != -1)
			STEP(CHILD_KEEP,
			    fd_send(f->keep, f->start[START_FD_LANDLOCK]));
	}
	if (child_self_confine(&p->self, f->start, r) == -1)
		goto failed;
	(void)umask(022);
	STEP(CHILD_EXEC,
	    syscall(SYS_execveat, START_FD_EXE, "", argv, envp, AT_EMPTY_PATH));
failed:
	r->sys = errno;
	r->failed = true;
	_exit(125);
}
