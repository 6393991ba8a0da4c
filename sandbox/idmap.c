#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "sandbox/idmap.h"

int
idmap_write(pid_t pid, const char *file, const char *text, struct err *e)
{
	char path[64];
	fd_auto int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1 || fd_write_full(fd, text, strlen(text)) == -1)
		return err_sys(e, "id map: %s", path);
	return 0;
}

static int
map_and_open(pid_t pid, const char *map, struct err *e)
{
	char path[64];
	int ns;

	if (idmap_write(pid, "uid_map", map, e) == -1 ||
	    idmap_write(pid, "gid_map", map, e) == -1)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	return ns == -1 ? err_sys(e, "id map: %s", path) : ns;
}

int
idmap_open(uint32_t disk, uint32_t host, struct err *e)
{
	struct clone_args args = { .flags = CLONE_NEWUSER,
		.exit_signal = SIGCHLD };
	char map[64];
	pid_t pid;
	int ns;

	snprintf(map, sizeof(map), "%u %u 1\n", disk, host);
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == -1)
		return err_sys(e, "id map: clone3");
	if (pid == 0) { /* its namespace is all that is wanted of it */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	ns = map_and_open(pid, map, e);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return ns;
}

int
idmap_set(int tree, int map, struct err *e)
{
	struct mount_attr idmap = { .attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)map };

	if (mount_setattr(tree, "", AT_EMPTY_PATH, &idmap, sizeof(idmap)) == -1)
		return err_sys(e, "idmap");
	return 0;
}
