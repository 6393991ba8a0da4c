#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "sandbox/cgroup.h"
#include "sandbox/cgroup_parts.h"

/* v2: where those who started us stand, who stood beside us. */
#define LEAF "cella.self"

static const char *const names_v1[CGROUP_CONTROLLERS] = { "memory", "pids",
	"cpu", "cpuacct" };

static int
open_own(const char *cgroups, const char *mountinfo, const char *controller)
{
	char path[4096], *end;

	if (!cgroup_find(cgroups, mountinfo, controller, path, sizeof(path)))
		return -1;
	/* Whoever started us was put there: by a launcher before us. */
	end = strrchr(path, '/');
	if (end != NULL && strcmp(end, "/" LEAF) == 0)
		*end = '\0';
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A dead one that nobody has waited for yet is gone; so is a number that is
 * another program's now. */
static bool
is_live_launcher(unsigned long pid)
{
	char path[64], text[64];
	fd_auto int fd = -1;
	const char *end;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%lu/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd == -1 ? -1 : fd_read_full(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	end = strrchr(text, ')');
	return end != NULL && strstr(text, "(cella-launcher)") != NULL &&
	    strncmp(end, ") Z", 3) != 0 && strncmp(end, ") X", 3) != 0;
}

/*
 * What still stands in it is a machine without a launcher.  False if it is
 * somebody's whom we cannot see: of another pid namespace, that shares this
 * part of the hierarchy and numbers its launchers otherwise.
 */
static bool
kill_members(int dir, const char *name)
{
	char path[96], text[4096], *save = NULL;
	struct err ignored;
	bool ours = true;
	long pid;

	snprintf(path, sizeof(path), "%.64s/cgroup.procs", name);
	if (cgroup_read(dir, path, text, sizeof(text), &ignored) == -1)
		return false;
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		pid = strtol(line, NULL, 10);
		if (pid > 1)
			kill((pid_t)pid, SIGKILL);
		else
			ours = false;
	}
	return ours;
}

/* For all that is stale together: a start must not wait for ever. */
#define STALE_TRIES 100
#define STALE_PAUSE_NS 2000000

/* A directory "cella.<pid>.<n>" whose launcher is gone is ours to remove. */
static int
remove_stale(int dir, const char *name, void *arg)
{
	const struct timespec pause = { 0, STALE_PAUSE_NS };
	int *tries = arg;
	unsigned long pid;
	char *end;

	if (strncmp(name, "cella.", 6) != 0)
		return 0;
	pid = strtoul(name + 6, &end, 10);
	if (*end != '.' || pid == 0 || is_live_launcher(pid))
		return 0;
	while (unlinkat(dir, name, AT_REMOVEDIR) == -1 && errno == EBUSY &&
	    kill_members(dir, name) && --*tries > 0)
		nanosleep(&pause, NULL);
	return 0;
}

static bool
open_hybrid(struct cgroup_host *h, const char *cgroups, const char *mountinfo)
{
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		h->dir[i] = open_own(cgroups, mountinfo, names_v1[i]);
		if (h->dir[i] == -1 || faccessat(h->dir[i], ".", W_OK, 0)) {
			snprintf(h->why, sizeof(h->why),
			    "no writable %s controller", names_v1[i]);
			return false;
		}
	}
	return true;
}

/* Our parent, and what else it has started; name: of whoever is not. */
static bool
is_family(long pid, char *name, size_t size)
{
	char path[64], text[512], *begin, *end;
	fd_auto int fd = -1;
	ssize_t n;

	/* 0: of another pid namespace, whom we cannot see. */
	if (pid <= 0 || getppid() <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd == -1 ? -1 : fd_read_full(fd, text, sizeof(text) - 1);
	if (n == -1)
		return errno == ENOENT || errno == ESRCH; /* it has ended */
	text[n] = '\0';
	begin = strchr(text, '(');
	end = strrchr(text, ')');
	if (begin == NULL || end == NULL)
		return false;
	*end = '\0';
	snprintf(name, size, "%s", begin + 1);
	return pid == getppid() || strtol(end + 3, NULL, 10) == getppid();
}

/*
 * Whether systemd, if it is the one that manages them, has left the cgroup to
 * us: of others it takes away, at any time, what we would rely on ("Control
 * Group APIs and Delegation").
 */
static bool
is_delegated(int dir)
{
	static const char *const marks[] = { "trusted.delegate",
		"user.delegate" };
	char value[2];

	if (access("/run/systemd/system", F_OK) == -1)
		return true;
	for (size_t i = 0; i < nitems(marks); i++)
		if (fgetxattr(dir, marks[i], value, sizeof(value)) == 1 &&
		    value[0] == '1')
			return true;
	return false;
}

/*
 * Those who stand where children are to have controllers, if all belong to us:
 * the shell from which a person started us is not ours to move.
 */
static bool
move_family(struct cgroup_host *h, int dir)
{
	char all[8192], copy[8192], name[32] = "", *save = NULL;
	struct err e;

	if (!is_delegated(dir)) {
		snprintf(h->why, sizeof(h->why),
		    "systemd has not delegated the cgroup: "
		    "systemd-run --scope -p Delegate=yes makes one");
		return false;
	}
	if (cgroup_read(dir, "cgroup.procs", all, sizeof(all), &e) == -1)
		return false;
	memcpy(copy, all, sizeof(copy));
	for (char *p = strtok_r(copy, "\n", &save); p != NULL;
	     p = strtok_r(NULL, "\n", &save))
		if (!is_family(strtol(p, NULL, 10), name, sizeof(name))) {
			snprintf(h->why, sizeof(h->why),
			    "the cgroup is not ours alone, %s (%s) is in it: "
			    "systemd-run --scope -p Delegate=yes makes one",
			    name, p);
			return false;
		}
	if (mkdirat(dir, LEAF, 0755) == -1 && errno != EEXIST)
		return false;
	for (char *p = strtok_r(all, "\n", &save); p != NULL;
	     p = strtok_r(NULL, "\n", &save))
		if (cgroup_write(dir, LEAF "/cgroup.procs", p, &e) == -1 &&
		    e.sys != ESRCH) {
			snprintf(h->why, sizeof(h->why), "%.150s", e.text);
			return false;
		}
	return true;
}

/* Somebody may be born there while we look. */
#define MOVES_MAX 8

static bool
enable_controllers(struct cgroup_host *h, int dir)
{
	static const char file[] = "cgroup.subtree_control";
	struct err e;

	for (int i = 0; i < MOVES_MAX; i++) {
		if (cgroup_write(dir, file, "+memory +pids +cpu", &e) == 0)
			return true;
		snprintf(h->why, sizeof(h->why), "%.150s", e.text);
		if (e.sys != EBUSY || !move_family(h, dir))
			return false;
	}
	return false;
}

/*
 * v2 forbids tasks in a cgroup whose children have controllers, the root
 * excepted: move ourselves into a leaf first, and then who stands beside us.
 * there: this is the hierarchy that has the controllers.
 */
static bool
open_v2(struct cgroup_host *h, const char *cgroups, const char *mountinfo,
    bool *there)
{
	char name[64], text[256];
	struct err e;
	int dir = open_own(cgroups, mountinfo, "");

	*there = false;
	h->dir[0] = dir;
	if (dir == -1 ||
	    cgroup_read(dir, "cgroup.controllers", text, sizeof(text), &e) ==
		-1 ||
	    strstr(text, "memory") == NULL || strstr(text, "pids") == NULL ||
	    strstr(text, "cpu") == NULL) {
		snprintf(h->why, sizeof(h->why),
		    "no cgroup v2 with memory, pids and cpu");
		return false;
	}
	*there = true;
	if (faccessat(dir, "cgroup.type", F_OK, 0) == 0) {
		snprintf(name, sizeof(name), "cella.%d.self", getpid());
		if ((mkdirat(dir, name, 0755) == -1 && errno != EEXIST)) {
			snprintf(h->why, sizeof(h->why), "%s: %m", name);
			return false;
		}
		strcat(name, "/cgroup.procs");
		if (cgroup_write(dir, name, "0", &e) == -1) {
			snprintf(h->why, sizeof(h->why), "%.150s", e.text);
			return false;
		}
	}
	return enable_controllers(h, dir);
}

void
cgroup_host_probe(struct cgroup_host *h)
{
	char *cgroups = NULL, *mountinfo = NULL;
	fd_auto int a = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	fd_auto int b = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	int tries = STALE_TRIES;
	bool there;
	struct err e;
	size_t len;

	*h = (struct cgroup_host){ .dir = { -1, -1, -1, -1 } };
	if (a == -1 || b == -1 ||
	    fd_read_all(a, 64 << 10, &cgroups, &len, &e) == -1 ||
	    fd_read_all(b, 4 << 20, &mountinfo, &len, &e) == -1)
		snprintf(h->why, sizeof(h->why), "/proc/self: not readable");
	else if (open_v2(h, cgroups, mountinfo, &there))
		h->backend = CGROUP_V2;
	else {
		fd_close(&h->dir[0]);
		if (!there && open_hybrid(h, cgroups, mountinfo))
			h->backend = CGROUP_HYBRID;
	}
	free(cgroups);
	free(mountinfo);
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (h->backend == CGROUP_NONE)
			fd_close(&h->dir[i]);
		else if (h->dir[i] != -1)
			dir_each(h->dir[i], remove_stale, &tries, &e);
	}
}

void
cgroup_host_fini(struct cgroup_host *h)
{
	char name[64];

	if (h->backend == CGROUP_V2) {
		/* Ours to leave behind: we still stand in it. */
		snprintf(name, sizeof(name), "cella.%d.self", getpid());
		unlinkat(h->dir[0], name, AT_REMOVEDIR);
		unlinkat(h->dir[0], LEAF, AT_REMOVEDIR);
	}
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		fd_close(&h->dir[i]);
}
