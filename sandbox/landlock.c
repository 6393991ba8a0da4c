#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "sandbox/abi.h"
#include "sandbox/landlock.h"
#include "sandbox/mount_plan.h"

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

int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    ABI_LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

uint32_t
landlock_missing(int abi)
{
	uint32_t missing = 0;

	for (int c = MACHINE_LANDLOCK; c <= MACHINE_LANDLOCK_LOG; c++)
		if (abi < machine_control_abi((enum machine_control)c))
			missing |= MACHINE_CONTROL_BIT(c);
	return missing;
}

uint32_t
landlock_flags(int abi)
{
	return abi >= 7 ? ABI_LANDLOCK_LOG_NEW_EXEC_ON : 0;
}

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

int
landlock_ruleset(const struct landlock_plan *p)
{
	struct abi_landlock_ruleset attr = { p->handled_fs, p->handled_net,
		p->scoped };
	struct abi_landlock_path_beneath rule;
	/* An older kernel wants the size that it knows. */
	size_t size = p->scoped != 0 ? 24 : p->handled_net != 0 ? 16 : 8;
	fd_auto int set =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);

	if (set == -1)
		return -1;
	for (size_t i = 0; i < p->nrules; i++) {
		fd_auto int fd =
		    open(p->rule[i].path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (fd == -1)
			return -1;
		rule.parent_fd = fd;
		rule.allowed_access = p->rule[i].access;
		if (syscall(SYS_landlock_add_rule, set,
			ABI_LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == -1)
			return -1;
	}
	return fd_take(&set);
}
