#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "sandbox/mount_dev.h"
#include "sandbox/mount_fs.h"

static const struct {
	const char *name;
	unsigned minor;
} nodes[] = { { "null", 3 }, { "zero", 5 }, { "full", 7 }, { "random", 8 },
	{ "urandom", 9 } };

/* Nodes of our own; without that privilege, the host's, bound. */
static int
make_nodes(int dev, bool rootless, struct err *e)
{
	char path[32];

	for (size_t i = 0; i < nitems(nodes); i++) {
		fd_auto int fd = -1, tree = -1;

		if (!rootless) {
			if (mknodat(dev, nodes[i].name, S_IFCHR | 0666,
				makedev(1, nodes[i].minor)) == -1 ||
			    fchmodat(dev, nodes[i].name, 0666, 0) == -1)
				return err_sys(e, "/dev/%s", nodes[i].name);
			continue;
		}
		snprintf(path, sizeof(path), "/dev/%s", nodes[i].name);
		tree = open_tree(AT_FDCWD, path,
		    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		fd = openat(dev, nodes[i].name,
		    O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
		if (tree == -1 || fd == -1 ||
		    move_mount(tree, "", dev, nodes[i].name,
			MOVE_MOUNT_F_EMPTY_PATH) == -1)
			return err_sys(e, "%s", path);
	}
	return 0;
}

static int
make_links(int dev, struct err *e)
{
	static const char *const links[][2] = { { "/proc/self/fd", "fd" },
		{ "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" },
		{ "/proc/self/fd/2", "stderr" } };

	for (size_t i = 0; i < nitems(links); i++)
		if (symlinkat(links[i][0], dev, links[i][1]) == -1)
			return err_sys(e, "/dev/%s", links[i][1]);
	return mkdirat(dev, "shm", 0755) == -1 ? err_sys(e, "/dev/shm") : 0;
}

int
mount_dev(const char *path, bool rootless, struct err *e)
{
	fd_auto int tree = mount_fs_tmpfs(64 << 10, 64, 0755, NULL,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, e);
	fd_auto int dev = -1;

	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };

	if (tree == -1)
		return -1;
	if (mkdir(path, 0755) == -1 ||
	    move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return err_sys(e, "%s", path);
	dev = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dev == -1)
		return err_sys(e, "%s", path);
	if (make_nodes(dev, rootless, e) == -1 || make_links(dev, e) == -1)
		return -1;
	if (mount_setattr(dev, "", AT_EMPTY_PATH, &ro, sizeof(ro)) == -1)
		return err_sys(e, "%s: read-only", path);
	return fd_take(&dev);
}
