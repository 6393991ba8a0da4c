#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/launch_msgs.h"
#include "sandbox/idmap.h"
#include "sandbox/mount_apply.h"
#include "sandbox/mount_fs.h"
#include "sandbox/mount_state.h"

/* The layer's own: its root, what the overlay takes, where that works. */
#define INODES_OWN 4

struct places {
	char lower[64], layer[64], upper[80], work[80];
};

static void
find_places(struct places *p, const char *where)
{
	snprintf(p->lower, sizeof(p->lower), "%s/state.lower", where);
	snprintf(p->layer, sizeof(p->layer), "%s/state.layer", where);
	snprintf(p->upper, sizeof(p->upper), "%s/upper", p->layer);
	snprintf(p->work, sizeof(p->work), "%s/work", p->layer);
}

int
mount_state_init(const char *where, struct err *e)
{
	struct places p;

	find_places(&p, where);
	if (mkdir(p.lower, 0700) == -1 || mkdir(p.layer, 0700) == -1)
		return err_sys(e, "mkdir in %s", where);
	return 0;
}

static int
attach(int tree, const char *path, struct err *e)
{
	if (move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return err_sys(e, "attach at %s", path);
	return 0;
}

/* Of the state's own mode, since the overlay takes its from there. */
static int
make_dirs(int layer, int tree, const struct mount_apply_owner *o, struct err *e)
{
	const uid_t owner = o->files == -1 ? (uid_t)-1 : LAUNCH_FILES_ID;
	struct stat s;

	if (fstat(tree, &s) == -1 || mkdirat(layer, "upper", 0700) == -1 ||
	    mkdirat(layer, "work", 0700) == -1 ||
	    fchmodat(layer, "upper", s.st_mode & 0777, 0) == -1 ||
	    fchownat(layer, "upper", owner, owner, 0) == -1 ||
	    fchownat(layer, "work", owner, owner, 0) == -1)
		return err_sys(e, "layer");
	return 0;
}

/*
 * The layer stands at its place, as the machine's id sees it; the directory in
 * it, as it is on the disk, is the result.
 */
static int
make_layer(const struct mount_state_layer *l, const struct places *p, int tree,
    const struct mount_apply_owner *o, struct err *e)
{
	const struct mount_apply_owner files = { LAUNCH_FILES_ID,
		LAUNCH_FILES_ID, -1, -1 };
	fd_auto int layer = mount_fs_tmpfs(l->bytes,
	    l->inodes == 0 ? 0 : l->inodes + INODES_OWN, 0700,
	    o->files == -1 ? NULL : &files,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
	fd_auto int upper = -1, clone = -1;

	if (layer == -1 || make_dirs(layer, tree, o, e) == -1 ||
	    attach(layer, p->layer, e) == -1)
		return -1;
	upper = open(p->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (upper == -1)
		return err_sys(e, "layer");
	if (o->files == -1)
		return fd_take(&upper);
	clone =
	    open_tree(AT_FDCWD, p->layer, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (clone == -1)
		return err_sys(e, "layer");
	if (idmap_set(clone, o->files, e) == -1)
		return e->sys == EINVAL
		    ? err_set(e, ERR_DENIED,
			  "layer: this kernel maps no ids in memory; Linux "
			  "6.6 does")
		    : -1;
	umount2(p->layer, MNT_DETACH);
	return attach(clone, p->layer, e) == -1 ? -1 : fd_take(&upper);
}

/*
 * The overlay works with the rights of who makes it: those of the machine's
 * id, which owns all of the two layers as it is seen here, and the few that
 * the overlay's own directory asks for.  No root is needed in the map for it.
 */
static int
become(uint32_t uid, uint32_t gid, cap_t caps, struct err *e)
{
	setfsgid(gid);
	setfsuid(uid);
	if ((uint32_t)setfsuid((uid_t)-1) != uid ||
	    (uint32_t)setfsgid((gid_t)-1) != gid || cap_set_proc(caps) == -1)
		return err_sys(e, "overlay: the machine's id");
	return 0;
}

static int
create(int fs, const struct mount_apply_owner *o, struct err *e)
{
	cap_t caps = cap_get_proc();
	struct err ignored;
	int r;

	if (caps == NULL)
		return err_sys(e, "capabilities");
	r = o->files == -1 ? 0 : become(o->uid, o->gid, caps, e);
	if (r == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == -1)
		r = err_sys(e, "overlay: create");
	/* Nobody must go on as who he is not. */
	if (o->files != -1)
		invariant(become(0, 0, caps, &ignored) == 0);
	cap_free(caps);
	return r;
}

/* userxattr: core's side reads which directories hide those below them; it
 * also keeps redirects off, which would. */
static int
overlay(const struct places *p, const struct mount_apply_owner *o,
    struct err *e)
{
	const char *const options[][2] = { { "lowerdir", p->lower },
		{ "upperdir", p->upper }, { "workdir", p->work } };
	fd_auto int fs = fsopen("overlay", FSOPEN_CLOEXEC), tree = -1;
	struct statvfs s;

	if (fs == -1)
		return err_sys(e, "overlay");
	for (size_t i = 0; i < 3; i++)
		if (fsconfig(fs, FSCONFIG_SET_STRING, options[i][0],
			options[i][1], 0) == -1)
			return err_sys(e, "overlay: %s", options[i][0]);
	if (fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) == -1)
		return err_sys(e, "overlay: userxattr");
	if (create(fs, o, e) == -1)
		return -1;
	tree =
	    fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (tree == -1 || fstatvfs(tree, &s) == -1)
		return err_sys(e, "overlay");
	/* It mounts what it cannot write to all the same. */
	if ((s.f_flag & ST_RDONLY) != 0)
		return err_set(e, ERR_SYSTEM, "overlay: it is read-only");
	return fd_take(&tree);
}

int
mount_state(int tree, const struct mount_state_layer *l,
    const struct mount_apply_owner *o, int *upper, struct err *e)
{
	fd_auto int lower = tree, layer = -1;
	struct places p;
	int state = -1;

	find_places(&p, l->where);
	layer = make_layer(l, &p, lower, o, e);
	if (layer != -1 &&
	    (o->files == -1 || idmap_set(lower, o->files, e) == 0) &&
	    attach(lower, p.lower, e) == 0) {
		state = overlay(&p, o, e);
		umount2(p.lower, MNT_DETACH);
	}
	umount2(p.layer, MNT_DETACH);
	if (state == -1)
		return err_in(e, "state");
	*upper = fd_take(&layer);
	return state;
}
