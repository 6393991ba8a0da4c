/*
 * Times what starts a machine, beside what it is compared with, in turns, so
 * that a noisy host is noisy to all.  Medians of RUNS; the ratio is to bwrap
 * with the same root.  Needs root and bwrap, and refuses to start without.
 *
 * usage: bench STORE MESSAGE PROGRAM
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/json.h"
#include "messages/value.h"
#include "policy/decide.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "runtime/assemble.h"
#include "runtime/instance.h"
#include "runtime/launcher_link.h"
#include "runtime/spawn.h"
#include "runtime/store.h"
#include "tests/bench/floor.h"
#include "tests/bench/resident.h"

#define RUNS 200

/* Who starts, back to back and with a pause before. */
enum who { BWRAP, RUNC, COLD, RESIDENT, FLOOR, WHO };
static uint64_t samples[2][WHO][RUNS];
static uint64_t decisions[RUNS];
static double medians[2][WHO], tails[2][WHO];

#define GAP_NS 20000000
static uint64_t phases[LAUNCH_PHASES][RUNS];
static uint64_t running[RUNS]; /* from the start to the end of the program */

static uint64_t
time_command(const char *const argv[], long gap_ns)
{
	const struct timespec pause = { 0, gap_ns };
	uint64_t began;
	int status;
	pid_t pid;

	if (gap_ns > 0)
		nanosleep(&pause, NULL);
	began = clock_mono_ns();
	pid = vfork();
	if (pid == 0) {
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		resident_die(argv[0], NULL);
	return clock_mono_ns() - began;
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double
median(uint64_t *s)
{
	qsort(s, RUNS, sizeof(*s), by_value);
	return (double)s[RUNS / 2] / 1000;
}

/* Of what median() has sorted. */
static double
p99(const uint64_t *s)
{
	return (double)s[RUNS * 99 / 100] / 1000;
}

static uint64_t
time_resident(struct resident *r, size_t n, long gap_ns)
{
	const struct timespec pause = { 0, gap_ns };
	struct instance i = INSTANCE_NEW;
	uint64_t began, took;
	struct err e;

	/* With a pause, as requests come: slots are made meanwhile. */
	if (gap_ns > 0)
		nanosleep(&pause, NULL);
	began = clock_mono_ns();
	i.machine = &r->assembly.machine;
	i.tenant = 1;
	i.args = r->assembly.args;
	i.source = r->assembly.source;
	i.out.limit = i.err.limit = 1 << 20;
	if (instance_run(&i, &r->link, &e) == -1)
		resident_die("resident run", &e);
	took = clock_mono_ns() - began;
	if (i.exited.end != LAUNCH_END_EXIT || i.exited.code != 0)
		resident_die("resident run", NULL);
	for (int p = 0; p < LAUNCH_PHASES && gap_ns > 0; p++)
		phases[p][n] = i.created.phase_ns[p];
	if (gap_ns > 0)
		running[n] = i.exited.wall_ns;
	instance_fini(&i);
	return took;
}

static uint64_t
time_floor(struct floor *bottom, long gap_ns)
{
	const struct timespec pause = { 0, gap_ns };
	uint64_t began;

	if (gap_ns > 0)
		nanosleep(&pause, NULL);
	began = clock_mono_ns();
	floor_start(bottom);
	return clock_mono_ns() - began;
}

static void
print_phases(void)
{
	static const char *const names[LAUNCH_PHASES] = { "slot", "mounts",
		"filter", "start" };

	printf("\n| phase of a resident launch | median, us |\n|---|---|\n");
	for (int p = 0; p < LAUNCH_PHASES; p++)
		printf("| %s | %.0f |\n", names[p], median(phases[p]));
	printf("| start to end of the program | %.0f |\n", median(running));
}

static void
time_decision(const char *message)
{
	static struct aleph_program program;
	static struct problems problems;
	static struct filter_model model;
	static struct filter_program filter;
	const struct decide_wish wish = { .tier = -1 };
	struct aleph_envelope n;
	struct decision d;
	struct ceiling c;
	struct err e;
	char *data;
	size_t len;
	int fd = open(message, O_RDONLY | O_CLOEXEC);
	uint64_t began;

	if (fd == -1 || fd_read_all(fd, 1 << 20, &data, &len, &e) == -1)
		resident_die(message, NULL);
	for (size_t i = 0; i < RUNS; i++) {
		began = clock_mono_ns();
		ceiling_default(&c);
		if (aleph_read(&program, &n, json_parse(data, len, &e), data,
			len, -1, &problems) == -1 ||
		    decide(&program, &c, &wish, &d, &e) == -1 ||
		    groups_model(d.grant.groups, !d.grant.wx, &model, &e) ==
			-1 ||
		    filter_compile(&model, &filter, &e) == -1)
			resident_die("decision", NULL);
		decisions[i] = clock_mono_ns() - began;
		aleph_fini(&program);
	}
	free(data);
	close(fd);
}

/*
 * In blocks that take turns, so that what the machine does besides meets all
 * of them, and back to back means behind one of the same kind.
 */
#define BLOCK 20

static void
measure(struct resident *r, struct floor *bottom,
    const char *const *const argv[COLD + 1])
{
	static const long gaps[2] = { 0, GAP_NS };

	for (size_t at = 0; at < 2 * RUNS; at += BLOCK)
		for (int w = BWRAP; w < WHO; w++)
			for (size_t i = at; i < at + BLOCK; i++) {
				size_t g = i / RUNS, n = i % RUNS;

				samples[g][w][n] = w == FLOOR
				    ? time_floor(bottom, gaps[g])
				    : w == RESIDENT
				    ? time_resident(r, n, gaps[g])
				    : time_command(argv[w], gaps[g]);
			}
}

static void
print_starts(void)
{
	static const struct {
		const char *name, *target;
	} rows[WHO] = {
		[BWRAP] = { "bwrap --unshare-all --die-with-parent --ro-bind "
			    "ROOT / --proc --dev --tmpfs",
		    "" },
		[RUNC] = { "runc run, the same root", "" },
		[COLD] = { "cella run, cold process to exit", "2; 1.3" },
		[RESIDENT] = { "launch from a resident launcher",
		    "0.35 and 0.55; 1.4 of the floor" },
		[FLOOR] = { "floor: the same steps in one file, no frames",
		    "" },
	};

	for (int g = 0; g < 2; g++)
		for (int w = 0; w < WHO; w++) {
			medians[g][w] = median(samples[g][w]);
			tails[g][w] = p99(samples[g][w]);
		}
	printf(
	    "| what | back to back: median, p99, us | ratio | 20 ms gaps: "
	    "median, p99, us | ratio | target |\n|---|---|---|---|---|---|\n");
	for (int w = 0; w < WHO; w++)
		printf("| %s | %.0f, %.0f | %.2f | %.0f, %.0f | %.2f | %s |\n",
		    rows[w].name, medians[0][w], tails[0][w],
		    medians[0][w] / medians[0][BWRAP], medians[1][w],
		    tails[1][w], medians[1][w] / medians[1][BWRAP],
		    rows[w].target);
}

int
main(int argc, char **argv)
{
	static struct resident r;
	struct floor bottom;
	char cella[4096];
	struct err e;

	if (argc != 5 || geteuid() != 0 ||
	    access("/usr/bin/bwrap", X_OK) == -1 ||
	    access("/usr/sbin/runc", X_OK) == -1) {
		fprintf(stderr,
		    "usage: bench STORE MESSAGE ROOT BUNDLE, as root, with "
		    "bwrap and runc\n");
		return 64;
	}
	if (spawn_find("cella", cella, sizeof(cella), &e) == -1)
		snprintf(cella, sizeof(cella), "%s/cella", BUILD_DIR);
	const char *const ours[] = { cella, "run", argv[2], "--store", argv[1],
		NULL };
	const char *const bwrap[] = { "/usr/bin/bwrap", "--unshare-all",
		"--die-with-parent", "--ro-bind", argv[3], "/", "--proc",
		"/proc", "--dev", "/dev", "--tmpfs", "/tmp", "/noop", NULL };
	const char *const runc[] = { "/usr/sbin/runc", "run", "--bundle",
		argv[4], "cella-bench", NULL };
	const char *const *const peers[COLD + 1] = { bwrap, runc, ours };

	resident_open(&r, argv[1], argv[2]);
	floor_open(&bottom, &r);
	measure(&r, &bottom, peers);
	floor_close(&bottom);
	time_decision(argv[2]);
	print_starts();
	printf("\nA resident launch takes %.2f of the floor back to back, %.2f "
	       "with gaps (target 1.4).\n",
	    medians[0][RESIDENT] / medians[0][FLOOR],
	    medians[1][RESIDENT] / medians[1][FLOOR]);
	printf("\nParse, decide and compile: %.0f us (target 300).\n",
	    median(decisions));
	print_phases();
	resident_close(&r);
	return 0;
}
