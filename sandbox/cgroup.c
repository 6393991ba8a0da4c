#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "sandbox/cgroup.h"
#include "sandbox/cgroup_parts.h"

#define PERIOD_US 100000U

int
cgroup_read(int dir, const char *file, char *out, size_t size, struct err *e)
{
	fd_auto int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : fd_read_full(fd, out, size - 1);

	if (n == -1)
		return err_sys(e, "%s", file);
	out[n] = '\0';
	return 0;
}

int
cgroup_write(int dir, const char *file, const char *text, struct err *e)
{
	fd_auto int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	if (fd == -1 || fd_write_full(fd, text, strlen(text)) == -1)
		return err_sys(e, "%s = %s", file, text);
	return 0;
}

static int
read_number(int dir, const char *file, uint64_t *out, struct err *e)
{
	char text[64], *end;

	if (cgroup_read(dir, file, text, sizeof(text), e) == -1)
		return -1;
	if (strcmp(text, "max\n") == 0) {
		*out = UINT64_MAX;
		return 0;
	}
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno != 0 || end == text)
		return err_set(e, ERR_SYSTEM, "%s: not a number", file);
	return 0;
}

/* The number after "key " in a file of such lines; 0 if there is none. */
static uint64_t
read_field(int dir, const char *file, const char *key)
{
	char text[4096], *line;
	size_t len = strlen(key);
	struct err e;

	if (cgroup_read(dir, file, text, sizeof(text), &e) == -1)
		return 0;
	for (line = text; line != NULL && *line != '\0';) {
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return strtoull(line + len + 1, NULL, 10);
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	return 0;
}

/* Writes, reads back, compares; the kernel rounds bytes down to pages. */
static int
set_number(int dir, const char *file, uint64_t value, uint64_t *got,
    struct err *e)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	*got = value;
	if (!CONTROL(41) && strcmp(file, "pids.max") == 0)
		return 0;
	if (!CONTROL(38))
		return cgroup_write(dir, file, text, e);
	if (cgroup_write(dir, file, text, e) == -1 ||
	    read_number(dir, file, got, e) == -1)
		return -1;
	if (*got != value && *got != value / page * page)
		return err_set(e, ERR_SYSTEM,
		    "%s: wrote %" PRIu64 ", read back %" PRIu64, file, value,
		    *got);
	return 0;
}

/* Swap would let a machine outgrow its memory unseen. */
static int
forbid_swap_v1(int dir, uint64_t memory, struct err *e)
{
	uint64_t got;
	char text[512];
	fd_auto int fd = -1;
	ssize_t n;

	if (faccessat(dir, "memory.memsw.limit_in_bytes", F_OK, 0) == 0)
		return set_number(dir, "memory.memsw.limit_in_bytes", memory,
		    &got, e);
	/* Not accounted: then the host must not have any. */
	fd = open("/proc/swaps", O_RDONLY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return 0;
	n = fd == -1 ? -1 : fd_read_full(fd, text, sizeof(text) - 1);
	if (n == -1)
		return err_sys(e, "/proc/swaps");
	text[n] = '\0';
	if (strchr(text, '\n') != NULL && strchr(text, '\n')[1] != '\0')
		return err_set(e, ERR_SYSTEM,
		    "swap is on and this kernel does not account it");
	return 0;
}

static int
set_v1(const struct cgroup *c, const struct cgroup_want *w,
    struct cgroup_limits *got, struct err *e)
{
	uint64_t quota = w->cpu * (PERIOD_US / 100);

	if (set_number(c->dir[CGROUP_MEMORY], "memory.limit_in_bytes",
		w->memory, &got->memory, e) == -1 ||
	    forbid_swap_v1(c->dir[CGROUP_MEMORY], got->memory, e) == -1 ||
	    set_number(c->dir[CGROUP_PIDS], "pids.max", w->pids, &got->pids,
		e) == -1 ||
	    set_number(c->dir[CGROUP_CPU], "cpu.cfs_period_us", PERIOD_US,
		&got->cpu_period_us, e) == -1 ||
	    set_number(c->dir[CGROUP_CPU], "cpu.cfs_quota_us", quota,
		&got->cpu_quota_us, e) == -1)
		return -1;
	return 0;
}

static int
set_v2(const struct cgroup *c, const struct cgroup_want *w,
    struct cgroup_limits *got, struct err *e)
{
	char text[64], back[64];
	int dir = c->dir[0];
	uint64_t swap;

	got->cpu_period_us = PERIOD_US;
	got->cpu_quota_us = w->cpu * (PERIOD_US / 100);
	snprintf(text, sizeof(text), "%" PRIu64 " %u\n", got->cpu_quota_us,
	    PERIOD_US);
	if (set_number(dir, "memory.max", w->memory, &got->memory, e) == -1 ||
	    set_number(dir, "pids.max", w->pids, &got->pids, e) == -1 ||
	    cgroup_write(dir, "memory.oom.group", "1", e) == -1 ||
	    cgroup_write(dir, "cpu.max", text, e) == -1 ||
	    cgroup_read(dir, "cpu.max", back, sizeof(back), e) == -1)
		return -1;
	if (strcmp(text, back) != 0)
		return err_set(e, ERR_SYSTEM, "cpu.max: read back %s", back);
	if (faccessat(dir, "memory.swap.max", F_OK, 0) == 0)
		return set_number(dir, "memory.swap.max", 0, &swap, e);
	return 0; /* a kernel without swap */
}

static int
make(int parent, const char *name, int *dir, struct err *e)
{
	if (mkdirat(parent, name, 0755) == -1)
		return err_sys(e, "mkdir");
	*dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir == -1) {
		err_sys(e, "open");
		unlinkat(parent, name, AT_REMOVEDIR);
		return -1;
	}
	return 0;
}

/* Who may start a task in it with CLONE_INTO_CGROUP: cgroups(7). */
int
cgroup_give(const struct cgroup *c, uid_t owner, struct err *e)
{
	if (c->host->backend != CGROUP_V2)
		return 0;
	if (fchownat(c->host->dir[0], "cgroup.procs", owner, (gid_t)-1, 0) ==
		-1 ||
	    fchownat(c->dir[0], "cgroup.procs", owner, (gid_t)-1, 0) == -1)
		return err_sys(e, "cgroup.procs: owner");
	return 0;
}

int
cgroup_open_tasks(const struct cgroup *c, int tasks[CGROUP_CONTROLLERS],
    struct err *e)
{
	bool v2 = c->host->backend == CGROUP_V2;
	const char *file = v2 ? "cgroup.procs" : "tasks";

	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		tasks[i] = -1;
		if (c->dir[i] == -1)
			continue;
		tasks[i] = openat(c->dir[i], file, O_WRONLY | O_CLOEXEC);
		if (tasks[i] == -1)
			return err_sys(e, "%s", file);
	}
	return 0;
}

static int
fill(struct cgroup *c, const struct cgroup_want *w, struct cgroup_limits *got,
    struct err *e)
{
	size_t n = c->host->backend == CGROUP_V2 ? 1 : CGROUP_CONTROLLERS;

	for (size_t i = 0; i < n; i++)
		if (make(c->host->dir[i], c->name, &c->dir[i], e) == -1)
			return -1;
	if (c->host->backend == CGROUP_V2)
		return set_v2(c, w, got, e);
	if (cgroup_open_tasks(c, c->tasks, e) == -1)
		return -1;
	return set_v1(c, w, got, e);
}

static uint64_t
count_oom_kills(const struct cgroup *c)
{
	if (c->host->backend == CGROUP_NONE)
		return 0;
	return read_field(c->dir[CGROUP_MEMORY],
	    c->host->backend == CGROUP_V2 ? "memory.events"
					  : "memory.oom_control",
	    "oom_kill");
}

int
cgroup_create(const struct cgroup_host *h, const char *name,
    const struct cgroup_want *w, struct cgroup *out,
    struct cgroup_limits *read_back, struct err *e)
{
	struct cgroup c = { .host = h,
		.dir = { -1, -1, -1, -1 },
		.tasks = { -1, -1, -1, -1 } };
	struct cgroup_limits got = { 0 };
	struct err ignored;

	invariant(str_copy(c.name, sizeof(c.name), name));
	if (h->backend != CGROUP_NONE && fill(&c, w, &got, e) == -1) {
		cgroup_remove(&c, &ignored);
		return err_in(e, "cgroup %s", name);
	}
	c.oom_kills = count_oom_kills(&c);
	*out = c;
	*read_back = got;
	return 0;
}

void
cgroup_started(struct cgroup *c)
{
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		fd_close(&c->tasks[i]);
}

int
cgroup_cpu_ns(const struct cgroup *c, uint64_t *ns, struct err *e)
{
	*ns = 0;
	if (c->host->backend == CGROUP_V2)
		*ns = 1000 * read_field(c->dir[0], "cpu.stat", "usage_usec");
	else if (c->host->backend == CGROUP_HYBRID)
		return read_number(c->dir[CGROUP_CPUACCT], "cpuacct.usage", ns,
		    e);
	return 0;
}

int
cgroup_open_cpu(const struct cgroup *c, struct err *e)
{
	const bool v2 = c->host->backend == CGROUP_V2;
	int fd;

	if (c->host->backend == CGROUP_NONE)
		return err_set(e, ERR_DENIED,
		    "meter: this host has no cgroups for it");
	fd = openat(c->dir[v2 ? 0 : CGROUP_CPUACCT],
	    v2 ? "cpu.stat" : "cpuacct.usage", O_RDONLY | O_CLOEXEC);
	return fd == -1 ? err_sys(e, "meter") : fd;
}

bool
cgroup_oomed(const struct cgroup *c)
{
	return count_oom_kills(c) > c->oom_kills;
}

int
cgroup_usage(const struct cgroup *c, struct cgroup_usage *u, struct err *e)
{
	int memory = c->dir[CGROUP_MEMORY];
	struct err ignored;

	*u = (struct cgroup_usage){ 0 };
	if (cgroup_cpu_ns(c, &u->cpu_ns, e) == -1)
		return -1;
	u->oom_kills = count_oom_kills(c) - c->oom_kills;
	switch (c->host->backend) {
	case CGROUP_V2:
		u->throttled_ns =
		    1000 * read_field(memory, "cpu.stat", "throttled_usec");
		/* memory.peak is younger than 5.19, pids.peak than 6.10. */
		(void)read_number(memory, "memory.peak", &u->memory_peak,
		    &ignored);
		(void)read_number(memory, "pids.peak", &u->pids_peak, &ignored);
		return 0;
	case CGROUP_HYBRID:
		u->throttled_ns = read_field(c->dir[CGROUP_CPU], "cpu.stat",
		    "throttled_time");
		(void)read_number(c->dir[CGROUP_PIDS], "pids.peak",
		    &u->pids_peak, &ignored);
		return read_number(memory, "memory.max_usage_in_bytes",
		    &u->memory_peak, e);
	case CGROUP_NONE:
		break;
	}
	return 0;
}

bool
cgroup_is_empty(const struct cgroup *c)
{
	char text[16];
	struct err e;

	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		if (c->dir[i] != -1 &&
		    (cgroup_read(c->dir[i], "cgroup.procs", text, sizeof(text),
			 &e) == -1 ||
			text[0] != '\0'))
			return false;
	return true;
}

int
cgroup_remove(struct cgroup *c, struct err *e)
{
	int r = 0;

	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		fd_close(&c->tasks[i]);
		if (c->dir[i] == -1)
			continue;
		fd_close(&c->dir[i]);
		if (unlinkat(c->host->dir[i], c->name, AT_REMOVEDIR) == -1)
			r = err_sys(e, "cgroup %s: rmdir", c->name);
	}
	return r;
}
