#include "messages/child_step.h"

const char *
child_step_name(unsigned step)
{
	static const char *const names[CHILD_STEPS] = {
		[CHILD_CGROUP] = "enter cgroup",
		[CHILD_CGROUP_NS] = "new cgroup namespace",
		[CHILD_PDEATHSIG] = "set parent death signal",
		[CHILD_PRIVATE] = "make mounts private",
		[CHILD_ROOT] = "attach root",
		[CHILD_MOUNT] = "attach mount",
		[CHILD_PROC] = "mount /proc",
		[CHILD_PIVOT] = "pivot root",
		[CHILD_CWD] = "enter working directory",
		[CHILD_HOSTNAME] = "set host name",
		[CHILD_KEYRING] = "join a new keyring",
		[CHILD_CORE_SCHED] = "core scheduling",
		[CHILD_SPECULATION] = "forbid speculation",
		[CHILD_LANDLOCK] = "landlock ruleset",
		[CHILD_KEEP] = "keep the landlock ruleset",
		[CHILD_FDS] = "place descriptors",
		[CHILD_RLIMIT] = "set resource limit",
		[CHILD_IDS] = "drop ids",
		[CHILD_CAPS] = "drop capabilities",
		[CHILD_NO_NEW_PRIVS] = "no new privileges",
		[CHILD_EXEC] = "execute init",
		[CHILD_NAMESPACES] = "enter the machine's namespaces",
		[CHILD_ARGS] = "read its arguments",
		[CHILD_RESTRICT] = "landlock",
		[CHILD_CLONE] = "clone",
		[CHILD_SESSION] = "new session",
		[CHILD_FILTER] = "load the filter",
	};

	return step < CHILD_STEPS ? names[step] : "start";
}
