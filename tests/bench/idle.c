/*
 * How much memory an idle machine costs: MemAvailable before and after many of
 * them, less what their processes map, by machine; and what the launcher and
 * this process, which stands for core, have come to.
 *
 * usage: cella-bench-idle STORE MESSAGE COUNT SECONDS
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "tests/bench/resident.h"

/* The value of "Key:   n kB" in a file of /proc; 0 if it is not there. */
static uint64_t
read_kib(const char *path, const char *key)
{
	char line[256];
	uint64_t kib = 0;
	FILE *f = fopen(path, "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtoull(line + strlen(key), NULL, 10);
	if (f != NULL)
		fclose(f);
	return kib;
}

/* Of every descendant of the launcher: slots, inits, programs. */
static uint64_t
sum_pss(pid_t parent, unsigned depth)
{
	char path[96];
	uint64_t sum = 0;
	long child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent,
	    parent);
	f = fopen(path, "r");
	while (f != NULL && fscanf(f, "%ld", &child) == 1) {
		snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", child);
		sum += read_kib(path, "Pss:");
		if (depth < 4)
			sum += sum_pss((pid_t)child, depth + 1);
	}
	if (f != NULL)
		fclose(f);
	return sum;
}

static void
start_one(struct resident *r)
{
	int fds[FRAME_FDS_MAX], pidfd, null = open("/dev/null", O_RDWR);
	const struct machine *m = &r->assembly.machine;
	struct launcher_link_given given;
	struct launch_created created;
	uint32_t serial;
	size_t n = 0;
	struct err e;

	for (int i = 0; i < 3; i++)
		fds[n++] = null;
	fds[n++] = r->assembly.args;
	for (size_t i = 0; i < m->nmounts; i++)
		if (machine_has_source(&m->mount[i]))
			fds[n++] = r->assembly.source[i];
	pidfd = launcher_link_create(&r->link, 1, m, fds, n, &serial, &created,
	    &given, &e);
	if (pidfd == -1)
		resident_die("machine", &e);
	close(pidfd);
	close(null);
}

int
main(int argc, char **argv)
{
	static struct resident r;
	uint64_t before, after, pss;
	char status[64];
	long count;

	if (argc != 5 || geteuid() != 0)
		return 64;
	count = strtol(argv[3], NULL, 10);
	resident_open(&r, argv[1], argv[2]);
	start_one(&r); /* what is made once */
	sleep(1);
	before = read_kib("/proc/meminfo", "MemAvailable:");
	for (long i = 0; i < count; i++)
		start_one(&r);
	sleep((unsigned)atoi(argv[4]));
	after = read_kib("/proc/meminfo", "MemAvailable:");
	pss = sum_pss(r.spawn.pid, 0);
	snprintf(status, sizeof(status), "/proc/%d/status", r.spawn.pid);
	printf("| idle machines | kernel KiB each (target 350) | their "
	       "processes' Pss, KiB each | launcher RSS, KiB | core RSS, KiB "
	       "|\n|---|---|---|---|---|\n| %ld | %" PRId64 " | %" PRIu64
	       " | %" PRIu64 " | %" PRIu64 " |\n",
	    count, ((int64_t)before - (int64_t)after - (int64_t)pss) / count,
	    pss / (uint64_t)count, read_kib(status, "VmRSS:"),
	    read_kib("/proc/self/status", "VmRSS:"));
	resident_close(&r);
	return 0;
}
