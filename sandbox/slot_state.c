#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/control.h"
#include "base/err.h"
#include "policy/mount_plan.h"
#include "sandbox/child.h"
#include "sandbox/slot_state.h"

/* In the machine's mount namespace, whose root its processes cannot write.  The
 * exit status is an errno. */
static void __attribute__((noreturn)) replace(int init, int tree)
{
	int root;

	if (CONTROL(47) && prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		_exit(errno);
	if (setns(init, CLONE_NEWNS) == -1)
		_exit(errno);
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* Whoever has a file of it open keeps it, and nothing comes of that. */
	if (root == -1 ||
	    umount2(MOUNT_PLAN_STATE_AT, MNT_DETACH | UMOUNT_NOFOLLOW) == -1 ||
	    child_attach(root, MOUNT_PLAN_STATE_AT, tree) == -1)
		_exit(errno);
	_exit(0);
}

int
slot_state_replace(int init, int tree, struct err *e)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	int status;

	if (pid == 0)
		replace(init, tree);
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return err_sys(e, "state");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
	return err_sys(e, "state: in the machine");
}
