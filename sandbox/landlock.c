#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "policy/abi.h"
#include "policy/landlock_plan.h"
#include "policy/machine.h"
#include "sandbox/landlock.h"

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
