#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/control.h"
#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/launch_msgs.h"
#include "sandbox/mount_apply.h"
#include "sandbox/mount_dev.h"
#include "sandbox/mount_fs.h"
#include "sandbox/mount_state.h"

/*
 * Where trees stand while an overlay is made of them.  Ours alone: it covers
 * /sys in the launcher's mount namespace, where nobody keeps a store.
 */
#define WORK "/sys"
#define LOWER WORK "/lower"
#define POINTS WORK "/points"
#define VOLUMES WORK "/volumes"
#define CACHE WORK "/cache"

static int
set_attr(int tree, uint64_t attr, struct err *e)
{
	struct mount_attr a = { .attr_set = attr };

	if (mount_setattr(tree, "", AT_EMPTY_PATH, &a, sizeof(a)) == -1)
		return err_sys(e, "mount_setattr");
	return 0;
}

/* Read the flags back: a mount that is weaker than asked must not be used. */
static int
check_attr(int tree, uint64_t attr, struct err *e)
{
	static const struct {
		uint64_t attr;
		unsigned long flag;
		const char *name;
	} map[] = {
		{ MOUNT_ATTR_RDONLY, ST_RDONLY, "ro" },
		{ MOUNT_ATTR_NOSUID, ST_NOSUID, "nosuid" },
		{ MOUNT_ATTR_NODEV, ST_NODEV, "nodev" },
		{ MOUNT_ATTR_NOEXEC, ST_NOEXEC, "noexec" },
	};
	struct statvfs s;

	if (fstatvfs(tree, &s) == -1)
		return err_sys(e, "statvfs");
	for (size_t i = 0; i < nitems(map); i++)
		if ((attr & map[i].attr) != 0 && (s.f_flag & map[i].flag) == 0)
			return err_set(e, ERR_SYSTEM, "mounted without %s",
			    map[i].name);
	return 0;
}

/*
 * A directory that core opened is on a mount of core's namespace, of which
 * the kernel clones nothing for us.  Ours is a copy of that namespace: find
 * the same directory there, by its path, and prove that it is the same.
 */
static int
open_own_view(int source, uint32_t owner, const struct mount_apply_owner *o,
    struct err *e)
{
	char link[32], path[4096];
	struct stat theirs, ours;
	fd_auto int fd = -1;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", source);
	n = readlink(link, path, sizeof(path) - 1);
	if (n == -1)
		return err_sys(e, "%s", link);
	path[n] = '\0';
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(source, &theirs) == -1 || fstat(fd, &ours) == -1)
		return err_sys(e, "tree");
	if (theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino)
		return err_set(e, ERR_SYSTEM,
		    "tree: it is not where the launcher can see it");
	/* Core hands over what the node made, never a directory of the host's.
	 */
	if (theirs.st_uid != (o->userns == -1 ? 0 : owner))
		return err_set(e, ERR_DENIED, "tree: it is not the node's");
	return fd_take(&fd);
}

static int
open_source(uint8_t kind, int source, const struct mount_apply_owner *o,
    struct err *e)
{
	const unsigned flags =
	    AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	fd_auto int view = -1;
	int tree;

	if (kind == MACHINE_IMAGE)
		return mount_fs_image(source, o, e);
	if (kind == MACHINE_DISK)
		return mount_fs_disk(source, o, e);
	tree = open_tree(source, "", flags); /* a volume of ours */
	if (tree == -1 && errno == EINVAL) {
		view = open_own_view(source,
		    kind == MACHINE_STATE ? LAUNCH_FILES_ID : LAUNCH_CORE_ID, o,
		    e);
		if (view == -1)
			return -1;
		tree = open_tree(view, "", flags);
	}
	return tree == -1 ? err_sys(e, "tree") : tree;
}

/* Makes each directory of a path that is not there yet. */
static int
make_path(int root, const char *path, struct err *e)
{
	char part[MACHINE_PATH_MAX];

	for (const char *p = path + 1; *p != '\0'; p++) {
		p += strcspn(p, "/");
		snprintf(part, sizeof(part), "%.*s", (int)(p - path) - 1,
		    path + 1);
		if (mkdirat(root, part, 0755) == -1 && errno != EEXIST)
			return err_sys(e, "mount point %s", path);
		if (*p == '\0')
			break;
	}
	return 0;
}

/*
 * A mount point that lies under a symbolic link or a file of the image would
 * hide it: refuse instead.
 */
static int
check_against_image(int image, const char *path, struct err *e)
{
	char part[MACHINE_PATH_MAX];
	struct stat s;

	for (const char *p = path + 1; *p != '\0'; p++) {
		p += strcspn(p, "/");
		snprintf(part, sizeof(part), "%.*s", (int)(p - path) - 1,
		    path + 1);
		if (fstatat(image, part, &s, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !CONTROL(1))
			return 0;
		if (!S_ISDIR(s.st_mode))
			return err_set(e, ERR_DENIED,
			    "mount %s: /%s of the image is not a directory",
			    path, part);
		if (*p == '\0')
			break;
	}
	return 0;
}

/* What leads to a state that is replaced. */
static int
make_link(int root, const char *target, struct err *e)
{
	const char *name = strrchr(target, '/');
	char parent[MACHINE_PATH_MAX];

	snprintf(parent, sizeof(parent), "%.*s", (int)(name - target), target);
	if (parent[0] != '\0' && make_path(root, parent, e) == -1)
		return -1;
	if (symlinkat(MOUNT_PLAN_STATE_AT, root, target + 1) == -1)
		return err_sys(e, "link %s", target);
	return 0;
}

static int
make_point(int image, int points, const struct mount_plan_step *s,
    struct err *e)
{
	const char *place = mount_plan_place(s);

	if (check_against_image(image, s->target, e) == -1 ||
	    check_against_image(image, place, e) == -1 ||
	    make_path(points, place, e) == -1)
		return -1;
	return s->replaced ? make_link(points, s->target, e) : 0;
}

static int
make_points(int image, const struct mount_plan *p, struct err *e)
{
	fd_auto int points = mount_fs_tmpfs(1 << 20, 1024, 0755, NULL,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);

	if (points == -1 || make_path(points, "/proc", e) == -1)
		return -1;
	for (size_t i = 0; i < p->len; i++)
		if (p->step[i].parent == -1 &&
		    make_point(image, points, &p->step[i], e) == -1)
			return -1;
	return fd_take(&points);
}

struct top {
	const struct mount_plan *plan;
	struct mount_cache_top *names;
};

/* Names that are hidden by a mount, or that are no directory, do not count. */
static int
add_top(int dir, const char *name, void *arg)
{
	struct top *top = arg;
	struct mount_cache_top *t = top->names;
	struct stat s;

	if (strcmp(name, "proc") == 0 ||
	    strcmp(name, MOUNT_PLAN_STATES + 1) == 0 ||
	    fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISDIR(s.st_mode))
		return 0;
	for (size_t i = 0; i < top->plan->len; i++)
		if (strcmp(top->plan->step[i].target + 1, name) == 0)
			return 0;
	if (t->len == MOUNT_CACHE_TOP_MAX ||
	    !str_copy(t->name[t->len], sizeof(t->name[0]), name))
		return 1;
	t->len++;
	return 0;
}

/* What a program may read and run: the directories at the image's top. */
static int
list_top(int image, const struct mount_plan *p, struct mount_cache_top *t,
    struct err *e)
{
	struct top top = { p, t };
	int r = dir_each(image, add_top, &top, e);

	if (r == 1)
		return err_set(e, ERR_INVALID,
		    "image: too many directories at its root");
	return r;
}

static int
attach(int tree, const char *path, struct err *e)
{
	if (move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return err_sys(e, "attach at %s", path);
	return 0;
}

/* overlayfs takes layers from the caller's own mounts: attach them a while. */
static int
stack_root(int image, int points, struct err *e)
{
	int root = -1;

	if (attach(image, LOWER, e) == -1)
		return -1;
	if (attach(points, POINTS, e) == 0) {
		root = mount_fs_overlay(POINTS ":" LOWER, e);
		umount2(POINTS, MNT_DETACH);
	}
	umount2(LOWER, MNT_DETACH);
	return root;
}

static int
build_root(int image, const struct mount_plan *p, struct mount_cache_top *top,
    struct err *e)
{
	fd_auto int points = -1, root = -1;

	if (list_top(image, p, top, e) == -1)
		return -1;
	points = make_points(image, p, e);
	if (points == -1)
		return -1;
	root = stack_root(image, points, e);
	if (root == -1 ||
	    check_attr(root,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		e) == -1)
		return -1;
	return fd_take(&root);
}

/* The mount points of a plan as one text. */
static char *
list_points(const struct mount_plan *p)
{
	char *text = str_dup(""), *more;

	for (size_t i = 0; i < p->len; i++) {
		if (p->step[i].parent != -1)
			continue;
		more = str_printf("%s%s%s\n", text, p->step[i].target,
		    p->step[i].replaced ? " is a link" : "");
		free(text);
		text = more;
	}
	return text;
}

/* False: what is mounted is no image, so that it may change. */
static bool
make_key(uint8_t kind, int source, const struct mount_apply_owner *o,
    const char *points, struct mount_cache_key *k)
{
	struct stat s;

	if (kind != MACHINE_IMAGE || fstat(source, &s) == -1)
		return false;
	*k = (struct mount_cache_key){ s.st_dev, s.st_ino,
		CONTROL(13) ? o->uid : 0, points };
	return true;
}

static int
keep_and_clone(struct mount_cache *c, const struct mount_cache_key *k, int tree,
    const struct mount_cache_top *top, struct err *e)
{
	int clone;

	if (mount_cache_keep(c, k, tree, top) == -1)
		return fcntl(tree, F_DUPFD_CLOEXEC, 0);
	clone = mount_cache_clone(c, k, NULL);
	return clone == -1 ? err_sys(e, "clone") : clone;
}

static int
make_root(struct mount_apply_host *h, const struct machine *m,
    const struct mount_plan *p, const struct mount_apply_owner *o, int source,
    struct mount_apply_trees *t, struct err *e)
{
	char *points = list_points(p);
	struct mount_cache_key key;
	bool fixed = make_key(m->mount[0].kind, source, o, points, &key);
	fd_auto int image = -1, root = -1;

	if (fixed)
		t->root = mount_cache_clone(&h->cache, &key, &t->top);
	if (t->root == -1) {
		t->top.len = 0;
		image = open_source(m->mount[0].kind, source, o, e);
		if (image != -1)
			root = build_root(image, p, &t->top, e);
		if (root != -1)
			t->root = fixed
			    ? keep_and_clone(&h->cache, &key, root, &t->top, e)
			    : fd_take(&root);
	}
	free(points);
	return t->root == -1 ? -1 : 0;
}

/* An image beside the root: its own cache entry has no mount points. */
static int
open_volume(struct mount_apply_host *h, uint8_t kind, int source,
    const struct mount_apply_owner *o, struct err *e)
{
	struct mount_cache_key key;
	fd_auto int tree = -1;
	int clone;

	if (!make_key(kind, source, o, "", &key))
		return open_source(kind, source, o, e);
	clone = mount_cache_clone(&h->cache, &key, NULL);
	if (clone != -1)
		return clone;
	tree = open_source(kind, source, o, e);
	return tree == -1 ? -1 : keep_and_clone(&h->cache, &key, tree, NULL, e);
}

/* With the flags that its plan gives it. */
static int
flag(int made, uint64_t attr, struct err *e)
{
	fd_auto int tree = made;

	if (!CONTROL(14))
		return fd_take(&tree);
	if (tree == -1 || set_attr(tree, attr, e) == -1 ||
	    check_attr(tree, attr, e) == -1)
		return -1;
	return fd_take(&tree);
}

static int
make_state(const struct mount_plan_step *s, const struct mount_apply_owner *o,
    int source, int *upper, struct err *e)
{
	const struct mount_state_layer layer = { s->bytes, s->inodes, WORK };
	int tree = open_source(MACHINE_STATE, source, o, e);

	return tree == -1 ? -1 : mount_state(tree, &layer, o, upper, e);
}

static int
make_step(struct mount_apply_host *h, const struct machine *m,
    const struct mount_plan_step *s, const struct mount_apply_owner *o,
    const int *sources, struct mount_apply_trees *t, struct err *e)
{
	int tree = -1;

	switch (s->kind) {
	case MOUNT_PLAN_DEV:
		tree = open_tree(h->dev, "",
		    AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE |
			OPEN_TREE_CLOEXEC);
		if (tree == -1)
			return err_sys(e, "clone");
		return tree; /* its flags were set when made */
	case MOUNT_PLAN_TMPFS:
		tree =
		    mount_fs_tmpfs(s->bytes, s->inodes, s->mode, o, s->attr, e);
		break;
	case MOUNT_PLAN_IMAGE:
	case MOUNT_PLAN_TREE:
	case MOUNT_PLAN_DISK:
		tree = open_volume(h, m->mount[s->source].kind,
		    sources[s->source], o, e);
		break;
	case MOUNT_PLAN_STATE:
		tree = make_state(s, o, sources[s->source], &t->upper, e);
		break;
	}
	return flag(tree, s->attr, e);
}

int
mount_apply_state(const struct mount_plan_step *s,
    const struct mount_apply_owner *o, int source, int *upper, struct err *e)
{
	int tree;

	*upper = -1;
	tree = flag(make_state(s, o, source, upper, e), s->attr, e);
	if (tree == -1)
		fd_close(upper);
	return tree;
}

int
mount_apply(struct mount_apply_host *h, const struct machine *m,
    const struct mount_plan *p, const struct mount_apply_owner *o,
    const int *sources, struct mount_apply_trees *t, struct err *e)
{
	const struct mount_plan_step *s;

	t->root = t->upper = -1;
	t->top.len = 0;
	for (size_t i = 0; i < MOUNT_PLAN_MAX; i++)
		t->tree[i] = -1;
	if (make_root(h, m, p, o, sources[0], t, e) == -1) {
		mount_apply_close(t);
		return err_in(e, "root");
	}
	for (size_t i = 0; i < p->len; i++) {
		s = &p->step[i];
		t->tree[i] = make_step(h, m, s, o, sources, t, e);
		if (t->tree[i] == -1 ||
		    (s->parent != -1 &&
			p->step[s->parent].kind == MOUNT_PLAN_TMPFS &&
			make_path(t->tree[s->parent],
			    s->target + strlen(p->step[s->parent].target),
			    e) == -1)) {
			mount_apply_close(t);
			return err_in(e, "mount %s", s->target);
		}
	}
	return 0;
}

void
mount_apply_close(struct mount_apply_trees *t)
{
	fd_close(&t->root);
	fd_close(&t->upper);
	for (size_t i = 0; i < MOUNT_PLAN_MAX; i++)
		fd_close(&t->tree[i]);
}

static void
volume_path(char out[64], unsigned number)
{
	snprintf(out, 64, VOLUMES "/%u", number);
}

int
mount_apply_volume(unsigned number, uint64_t bytes, uint64_t inodes,
    const struct mount_apply_owner *o, struct err *e)
{
	fd_auto int tree = mount_fs_tmpfs(bytes, inodes, 0755, o,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
	char path[64];
	int volume;

	volume_path(path, number);
	if (tree == -1)
		return -1;
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return err_sys(e, "%s", path);
	if (attach(tree, path, e) == -1)
		return -1;
	volume = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return volume == -1 ? err_sys(e, "%s", path) : volume;
}

/* Machines have clones of their own: what they hold goes with them. */
int
mount_apply_free_volume(unsigned number, struct err *e)
{
	char path[64];

	volume_path(path, number);
	if (umount2(path, MNT_DETACH) == -1 || rmdir(path) == -1)
		return err_sys(e, "%s", path);
	return 0;
}

int
mount_apply_init(struct mount_apply_host *h, bool rootless, struct err *e)
{
	h->rootless = rootless;
	h->cache = (struct mount_cache){ .dir = CACHE };
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		return err_sys(e, "mounts: make private");
	if (mount("tmpfs", WORK, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		"size=1m,mode=0711") == -1)
		return err_sys(e, "mount tmpfs at " WORK);
	if (mkdir(LOWER, 0700) == -1 || mkdir(POINTS, 0700) == -1 ||
	    mkdir(VOLUMES, 0700) == -1 || mkdir(CACHE, 0700) == -1)
		return err_sys(e, "mkdir in " WORK);
	if (mount_state_init(WORK, e) == -1)
		return -1;
	h->dev = mount_dev(WORK "/dev", rootless, e);
	return h->dev == -1 ? err_in(e, "/dev") : 0;
}

void
mount_apply_fini(struct mount_apply_host *h)
{
	fd_close(&h->dev);
	mount_cache_fini(&h->cache);
}
