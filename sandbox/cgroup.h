/*
 * The limits that only cgroups hold: memory, tasks, CPU.  One interface over
 * three back ends, chosen once at start: v2; hybrid, where the controllers are
 * still v1 hierarchies; and none, which holds nothing and says so.
 *
 * v2: the launcher's own cgroup must be its alone, and theirs who started it:
 * they are all moved into leaves of it.  A machine's cgroups are made beneath
 * the launcher's own, named "cella.<pid of the launcher>.<n>".  Limits are
 * written and then read back; a value that the kernel did not take as written
 * is an error.
 *
 * v1: the machine's first task writes "0" to each `tasks` file itself.  Every
 * other way into a v1 cgroup takes a lock whose holder may wait 11 ms for an
 * RCU grace period.  v2: clone3(CLONE_INTO_CGROUP).
 */
#ifndef SANDBOX_CGROUP_H
#define SANDBOX_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

enum cgroup_backend { CGROUP_NONE, CGROUP_HYBRID, CGROUP_V2 };

enum cgroup_controller {
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_CPU,
	CGROUP_CPUACCT,
	CGROUP_CONTROLLERS
};

/* Where our own cgroups are made: one directory, or one for each controller. */
struct cgroup_host {
	enum cgroup_backend backend;
	int dir[CGROUP_CONTROLLERS]; /* v2: only the first */
	char why[160];               /* CGROUP_NONE: what is missing */
};

struct cgroup {
	const struct cgroup_host *host; /* borrowed */
	char name[64];
	int dir[CGROUP_CONTROLLERS];
	int tasks[CGROUP_CONTROLLERS]; /* v1: to write "0" to; else -1 */
	uint64_t oom_kills;            /* when it was made */
};

/* What a machine may use: bytes, tasks, percent of one CPU. */
struct cgroup_want {
	uint64_t memory, pids, cpu;
};

/* What the kernel says it will hold. */
struct cgroup_limits {
	uint64_t memory, pids, cpu_quota_us, cpu_period_us;
};

struct cgroup_usage {
	uint64_t cpu_ns, memory_peak, pids_peak, oom_kills, throttled_ns;
};

/*
 * Finds the hierarchies from /proc/self/cgroup and /proc/self/mountinfo, makes
 * room for children and removes what launchers that are gone left behind.
 * Never fails: without usable cgroups the back end is CGROUP_NONE.
 */
void cgroup_host_probe(struct cgroup_host *);
void cgroup_host_fini(struct cgroup_host *);

/*
 * Where one controller's own directory is, from the text of those two files.
 * Pure; v2 has the controller name "".  False if there is none.
 */
bool cgroup_find(const char *cgroups, const char *mountinfo,
    const char *controller, char *path, size_t size);

/* Makes the cgroups of one machine, sets its limits and reads them back. */
int cgroup_create(const struct cgroup_host *, const char *name,
    const struct cgroup_want *, struct cgroup *,
    struct cgroup_limits *read_back, struct err *);

/*
 * Just before its first task: lets owner start tasks in it (v2).  Whoever else
 * has the same parent must not do this until the task is started.
 */
int cgroup_give(const struct cgroup *, uid_t owner, struct err *);

/* Its first task is in it: closes what only that needs. */
void cgroup_started(struct cgroup *);

/*
 * Where somebody writes "0" who is to be in it: one for each, or -1.  The
 * caller closes them, also on failure.
 */
int cgroup_open_tasks(const struct cgroup *, int tasks[CGROUP_CONTROLLERS],
    struct err *);

int cgroup_usage(const struct cgroup *, struct cgroup_usage *, struct err *);

/* CPU time alone; for polling. */
int cgroup_cpu_ns(const struct cgroup *, uint64_t *, struct err *);

/*
 * The file that it reads, for somebody else: a number of nanoseconds (v1), or
 * lines of which one is "usage_usec" and a number.  -1: there is none.
 */
int cgroup_open_cpu(const struct cgroup *, struct err *);

/* True once the kernel has killed one of its tasks for memory. */
bool cgroup_oomed(const struct cgroup *);

/* True if no task is left in any of them. */
bool cgroup_is_empty(const struct cgroup *);

/* Removes the directories; they must be empty.  The struct is dead after it. */
int cgroup_remove(struct cgroup *, struct err *);

#endif
