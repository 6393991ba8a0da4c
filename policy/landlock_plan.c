#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/abi.h"
#include "policy/landlock_plan.h"
#include "policy/mount_plan.h"

/*
 * REFER: renames and links between directories of one mount.  None leaves it:
 * the kernel moves nothing from one mount to another.
 */
#define READ (ABI_LANDLOCK_READ_FILE | ABI_LANDLOCK_READ_DIR)
#define WRITE                                                  \
	(ABI_LANDLOCK_WRITE_FILE | ABI_LANDLOCK_REMOVE_DIR |   \
	    ABI_LANDLOCK_REMOVE_FILE | ABI_LANDLOCK_MAKE_DIR | \
	    ABI_LANDLOCK_MAKE_REG | ABI_LANDLOCK_MAKE_SYM |    \
	    ABI_LANDLOCK_REFER | ABI_LANDLOCK_TRUNCATE)
/* Sockets and pipes are made in /tmp and nowhere else. */
#define SCRATCH (WRITE | ABI_LANDLOCK_MAKE_SOCK | ABI_LANDLOCK_MAKE_FIFO)

static void
add(struct landlock_plan *p, const char *path, uint64_t access)
{
	struct landlock_rule *r = &p->rule[p->nrules];

	invariant(p->nrules < LANDLOCK_RULES_MAX);
	invariant(str_copy(r->path, sizeof(r->path), path));
	r->access = access & p->handled_fs;
	p->nrules++;
}

static uint64_t
mount_access(const struct machine_mount *v)
{
	return READ | (v->writable ? WRITE : 0) |
	    (v->executable ? ABI_LANDLOCK_EXECUTE : 0);
}

void
landlock_plan(struct landlock_plan *p, const struct machine *m, int abi,
    const char (*top)[64], size_t ntop)
{
	char path[MACHINE_PATH_MAX];

	memset(p, 0, sizeof(*p));
	p->handled_fs = (ABI_LANDLOCK_MAKE_SYM << 1) - 1;
	if (abi >= 2)
		p->handled_fs |= ABI_LANDLOCK_REFER;
	if (abi >= 3)
		p->handled_fs |= ABI_LANDLOCK_TRUNCATE;
	if (abi >= 5)
		p->handled_fs |= ABI_LANDLOCK_IOCTL_DEV;
	/* No port is granted in a machine without a network. */
	if (abi >= 4 && m->grant.net == GRANT_NET_NONE)
		p->handled_net =
		    ABI_LANDLOCK_BIND_TCP | ABI_LANDLOCK_CONNECT_TCP;
	if (abi >= 6)
		p->scoped =
		    ABI_LANDLOCK_SCOPE_ABSTRACT | ABI_LANDLOCK_SCOPE_SIGNAL;

	add(p, "/", ABI_LANDLOCK_READ_DIR);
	for (size_t i = 0; i < ntop; i++) {
		snprintf(path, sizeof(path), "/%s", top[i]);
		add(p, path, READ | ABI_LANDLOCK_EXECUTE);
	}
	for (size_t i = 1; i < m->nmounts; i++)
		add(p,
		    m->mount[i].replaced ? MOUNT_PLAN_STATES
					 : m->mount[i].target,
		    mount_access(&m->mount[i]));
	/* Writing to /proc/self/mem would go around W^X. */
	add(p, "/proc", READ | (m->grant.wx ? ABI_LANDLOCK_WRITE_FILE : 0));
	add(p, "/dev", READ | ABI_LANDLOCK_WRITE_FILE);
	add(p, "/tmp", READ | SCRATCH);
	if (m->grant.limit[GRANT_SHM] > 0)
		add(p, "/dev/shm", READ | SCRATCH);
}
