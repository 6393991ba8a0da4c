#include <string.h>
#include <sys/mount.h>

#include "base/control.h"
#include "base/err.h"
#include "base/str.h"
#include "policy/mount_plan.h"

#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static struct mount_plan_step *
add(struct mount_plan *p, enum mount_plan_kind kind, const char *target)
{
	struct mount_plan_step *s = &p->step[p->len++];

	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->parent = -1;
	invariant(str_copy(s->target, sizeof(s->target), target));
	return s;
}

/* The deepest mount made so far that the target lies in. */
static int
find_parent(const struct mount_plan *p, const char *target)
{
	int parent = -1;
	size_t best = 0, len;

	for (size_t i = 0; i < p->len; i++) {
		len = strlen(p->step[i].target);
		if (len > best && str_is_within(target, p->step[i].target)) {
			best = len;
			parent = (int)i;
		}
	}
	return parent;
}

static bool
brings_own_tmp(const struct machine *m)
{
	for (size_t i = 1; i < m->nmounts; i++)
		if (strcmp(m->mount[i].target, "/tmp") == 0)
			return true;
	return false;
}

/* What the node itself provides.  A machine cannot move, hide or replace it. */
static void
add_fixed(struct mount_plan *p, const struct machine *m)
{
	struct mount_plan_step *s;

	if (CONTROL(3) || m->grant.limit[GRANT_SHM] > 0) {
		s = add(p, MOUNT_PLAN_DEV, "/dev");
		s->attr =
		    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY;
	}
	if (m->grant.limit[GRANT_SHM] > 0) {
		s = add(p, MOUNT_PLAN_TMPFS, "/dev/shm");
		s->attr = SAFE | MOUNT_ATTR_NOEXEC;
		s->bytes = m->grant.limit[GRANT_SHM];
		s->inodes = m->grant.limit[GRANT_TMP_FILES];
		s->mode = 01777;
		s->parent = 0;
	}
	if (brings_own_tmp(m))
		return;
	s = add(p, MOUNT_PLAN_TMPFS, "/tmp");
	s->attr = SAFE | MOUNT_ATTR_NOEXEC;
	s->bytes = m->grant.limit[GRANT_TMP];
	s->inodes = m->grant.limit[GRANT_TMP_FILES];
	s->mode = 01777;
}

const char *
mount_plan_place(const struct mount_plan_step *s)
{
	return s->replaced ? MOUNT_PLAN_STATE_AT : s->target;
}

static int
add_volume(struct mount_plan *p, const struct machine *m, size_t i,
    struct err *e)
{
	static const enum mount_plan_kind kinds[] = {
		[MACHINE_IMAGE] = MOUNT_PLAN_IMAGE,
		[MACHINE_TREE] = MOUNT_PLAN_TREE,
		[MACHINE_TMPFS] = MOUNT_PLAN_TMPFS,
		[MACHINE_DISK] = MOUNT_PLAN_DISK,
		[MACHINE_STATE] = MOUNT_PLAN_STATE,
	};
	const struct machine_mount *v = &m->mount[i];
	int parent = find_parent(p, v->target);
	struct mount_plan_step *s;

	if (parent != -1 && p->step[parent].kind != MOUNT_PLAN_TMPFS)
		return err_set(e, ERR_DENIED,
		    "mount %s: it lies in the volume at %s", v->target,
		    p->step[parent].target);
	if (parent != -1 && v->replaced)
		return err_set(e, ERR_DENIED,
		    "mount %s: a state that is replaced lies in no mount",
		    v->target);
	s = add(p, kinds[v->kind], v->target);
	s->parent = parent;
	s->source = i;
	s->replaced = v->replaced;
	s->attr = SAFE;
	if (!v->writable)
		s->attr |= MOUNT_ATTR_RDONLY;
	if (!v->executable)
		s->attr |= MOUNT_ATTR_NOEXEC;
	s->bytes = v->bytes;
	s->inodes = v->inodes;
	s->mode = 0755;
	return 0;
}

int
mount_plan_build(struct mount_plan *plan, const struct machine *m,
    struct err *e)
{
	static struct mount_plan p;

	p.len = 0;
	/*
	 * A mount hides what an earlier one put below it, so the order is the
	 * rule: what the node provides, then the volumes with parents before
	 * children.  machine_check() keeps volumes out of /dev and /proc.
	 */
	add_fixed(&p, m);
	for (size_t i = 1; i < m->nmounts; i++)
		if (add_volume(&p, m, i, e) == -1)
			return -1;
	*plan = p;
	return 0;
}
