#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "base/err.h"
#include "base/fd.h"
#include "sandbox/idmap.h"
#include "sandbox/mount_apply.h"
#include "sandbox/mount_fs.h"

static int
set_option(int fs, const char *key, const char *value, struct err *e)
{
	if (fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) == -1)
		return err_sys(e, "option %s=%s", key, value);
	return 0;
}

static int
set_number(int fs, const char *key, uint64_t value, struct err *e)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return set_option(fs, key, text, e);
}

static int
finish(int fs, uint64_t attr, struct err *e)
{
	int tree;

	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == -1)
		return err_sys(e, "create");
	tree = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attr);
	return tree == -1 ? err_sys(e, "fsmount") : tree;
}

int
mount_fs_tmpfs(uint64_t bytes, uint64_t inodes, uint32_t mode,
    const struct mount_apply_owner *o, uint64_t attr, struct err *e)
{
	fd_auto int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	char text[16];

	snprintf(text, sizeof(text), "%o", mode);
	if (fs == -1)
		return err_sys(e, "tmpfs");
	if ((CONTROL(40) && set_number(fs, "size", bytes, e) == -1) ||
	    (CONTROL(40) && inodes != 0 &&
		set_number(fs, "nr_inodes", inodes, e) == -1) ||
	    set_option(fs, "mode", text, e) == -1 ||
	    (o != NULL &&
		(set_number(fs, "uid", o->uid, e) == -1 ||
		    set_number(fs, "gid", o->gid, e) == -1)))
		return err_in(e, "tmpfs");
	return finish(fs, attr, e);
}

/*
 * Kernels before 6.12 mount erofs from block devices only.  The loop device
 * frees itself with its last user.
 */
static int
open_loop(int image, bool writable, struct err *e)
{
	fd_auto int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = { .fd = (uint32_t)image,
		.info.lo_flags =
		    LO_FLAGS_AUTOCLEAR | (writable ? 0 : LO_FLAGS_READ_ONLY) };
	char path[32];
	int n, loop;

	if (control == -1)
		return err_sys(e, "/dev/loop-control");
	for (int tries = 0; tries < 64; tries++) {
		n = ioctl(control, LOOP_CTL_GET_FREE);
		if (n == -1)
			return err_sys(e, "loop device");
		snprintf(path, sizeof(path), "/dev/loop%d", n);
		loop = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
		if (loop == -1)
			return err_sys(e, "%s", path);
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
			return loop;
		close(loop);
		if (errno != EBUSY) /* somebody was faster */
			return err_sys(e, "%s", path);
	}
	return err_set(e, ERR_BUSY, "loop devices: all are in use");
}

static int
try_erofs(int source, struct err *e)
{
	fd_auto int fs = fsopen("erofs", FSOPEN_CLOEXEC);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", source);
	if (fs == -1)
		return err_sys(e, "erofs");
	if (set_option(fs, "source", path, e) == -1)
		return -1;
	/* Else a block device would be opened for writing. */
	if (fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) == -1)
		return err_sys(e, "erofs: ro");
	return finish(fs,
	    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);
}

/* Core says what is mounted: never a device of the host's. */
static int
check_regular(int image, struct err *e)
{
	struct stat s;

	if (fstat(image, &s) == -1)
		return err_sys(e, "stat");
	return S_ISREG(s.st_mode) ? 0
				  : err_set(e, ERR_DENIED, "no regular file");
}

int
mount_fs_image(int image, const struct mount_apply_owner *o, struct err *e)
{
	fd_auto int tree = -1, loop = -1;

	if (check_regular(image, e) == -1)
		return err_in(e, "image");
	tree = try_erofs(image, e);
	if (tree == -1 && e->sys == ENOTBLK) {
		loop = open_loop(image, false, e);
		tree = loop == -1 ? -1 : try_erofs(loop, e);
	}
	if (tree == -1)
		return err_in(e, "image");
	/* root's files of the image are root's of the machine. */
	if (o->userns != -1 && idmap_set(tree, o->userns, e) == -1)
		return err_in(e, "image");
	return fd_take(&tree);
}

/*
 * A file system that this node made and that only ever we mounted.  Its files
 * belong to the ids that the machine sees, whatever range the machine has.
 */
int
mount_fs_disk(int image, const struct mount_apply_owner *o, struct err *e)
{
	fd_auto int loop = -1, fs = -1, tree = -1;
	char path[32];

	if (o->userns == -1)
		return err_set(e, ERR_DENIED,
		    "disk: the kernel mounts none for an ordinary user");
	if (check_regular(image, e) == -1)
		return err_in(e, "disk");
	loop = open_loop(image, true, e);
	if (loop == -1)
		return err_in(e, "disk");
	fs = fsopen("ext4", FSOPEN_CLOEXEC);
	if (fs == -1)
		return err_sys(e, "disk: ext4");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", loop);
	if (set_option(fs, "source", path, e) == -1 ||
	    set_option(fs, "errors", "remount-ro", e) == -1)
		return err_in(e, "disk");
	tree = finish(fs,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
	if (tree == -1 || idmap_set(tree, o->userns, e) == -1)
		return err_in(e, "disk");
	return fd_take(&tree);
}

/* Two layers, none writable: the mount points above the image. */
int
mount_fs_overlay(const char *lowers, struct err *e)
{
	fd_auto int fs = fsopen("overlay", FSOPEN_CLOEXEC);

	if (fs == -1)
		return err_sys(e, "overlay");
	if (set_option(fs, "lowerdir", lowers, e) == -1)
		return err_in(e, "overlay");
	return finish(fs,
	    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);
}
