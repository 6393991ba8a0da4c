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

#define RUNS 200

static uint64_t samples[4][RUNS];
static uint64_t phases[LAUNCH_PHASES][RUNS];
static uint64_t running[RUNS]; /* from the start to the end of the program */

static void
die(const char *what, const struct err *e)
{
	fprintf(stderr, "bench: %s: %s\n", what,
	    e == NULL ? "failed" : e->text);
	exit(1);
}

static uint64_t
time_command(const char *const argv[])
{
	uint64_t began = clock_mono_ns();
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die(argv[0], NULL);
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

/* A launcher that stays, with one slot ready: the machine is decided. */
struct resident {
	struct store store;
	struct spawn spawn;
	struct launcher_link link;
	struct aleph_program program;
	struct decision decision;
	struct ceiling ceiling;
	struct assembly assembly;
};

static void
open_resident(struct resident *r, const char *store, const char *message)
{
	static struct problems problems;
	static const struct assemble_extra none;
	const struct decide_wish wish = { .tier = -1 };
	struct assemble_input in = { .program = &r->program,
		.decision = &r->decision,
		.ceiling = &r->ceiling,
		.extra = &none,
		.store = &r->store,
		.link = &r->link,
		.tenant = 1 };
	struct aleph_envelope n;
	struct value *v;
	struct err e;
	char *data;
	size_t len;
	int fd = open(message, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || fd_read_all(fd, 1 << 20, &data, &len, &e) == -1)
		die(message, NULL);
	v = json_parse(data, len, &e);
	ceiling_default(&r->ceiling);
	if (spawn_launcher(&r->spawn, &e) == -1 ||
	    store_open(&r->store, store, &e) == -1 || v == NULL ||
	    aleph_read(&r->program, &n, v, data, len, -1, &problems) == -1 ||
	    decide(&r->program, &r->ceiling, &wish, &r->decision, &e) == -1 ||
	    launcher_link_open(&r->link, r->spawn.sock, &r->ceiling, 2, &e) ==
		-1 ||
	    assemble(&in, &r->assembly, &e) == -1)
		die("resident launcher", &e);
	/* We have not dropped to the id that core has. */
	for (size_t i = 0; i < r->assembly.machine.nmounts; i++)
		if (r->assembly.machine.mount[i].kind == MACHINE_TREE &&
		    fchown(r->assembly.source[i], SPAWN_CORE_ID,
			SPAWN_CORE_ID) == -1)
			die("tree", NULL);
	free(data);
	close(fd);
}

static uint64_t
time_resident(struct resident *r, size_t n)
{
	const struct timespec pause = { 0, 20000000 };
	struct instance i = INSTANCE_NEW;
	uint64_t began, took;
	struct err e;

	/* As requests come: the slot is made while nobody waits. */
	nanosleep(&pause, NULL);
	began = clock_mono_ns();
	i.machine = &r->assembly.machine;
	i.tenant = 1;
	i.args = r->assembly.args;
	i.source = r->assembly.source;
	i.out.limit = i.err.limit = 1 << 20;
	if (instance_run(&i, &r->link, &e) == -1)
		die("resident run", &e);
	took = clock_mono_ns() - began;
	if (i.exited.end != LAUNCH_END_EXIT || i.exited.code != 0)
		die("resident run", NULL);
	for (int p = 0; p < LAUNCH_PHASES; p++)
		phases[p][n] = i.created.phase_ns[p];
	running[n] = i.exited.wall_ns;
	instance_fini(&i);
	return took;
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
		die(message, NULL);
	for (size_t i = 0; i < RUNS; i++) {
		began = clock_mono_ns();
		ceiling_default(&c);
		if (aleph_read(&program, &n, json_parse(data, len, &e), data,
			len, -1, &problems) == -1 ||
		    decide(&program, &c, &wish, &d, &e) == -1 ||
		    groups_model(d.grant.groups, !d.grant.wx, &model, &e) ==
			-1 ||
		    filter_compile(&model, &filter, &e) == -1)
			die("decision", NULL);
		samples[3][i] = clock_mono_ns() - began;
		aleph_fini(&program);
	}
	free(data);
	close(fd);
}

int
main(int argc, char **argv)
{
	static struct resident r;
	char cella[4096], *bind;
	struct err e;
	double cold, peer, warm;

	if (argc != 4 || geteuid() != 0 ||
	    access("/usr/bin/bwrap", X_OK) == -1) {
		fprintf(stderr,
		    "usage: bench STORE MESSAGE PROGRAM, as root, with bwrap\n");
		return 64;
	}
	if (spawn_find("cella", cella, sizeof(cella), &e) == -1)
		snprintf(cella, sizeof(cella), "%s/cella", BUILD_DIR);
	bind = argv[3];
	const char *const ours[] = { cella, "run", argv[2], "--store", argv[1],
		NULL };
	const char *const bwrap[] = { "/usr/bin/bwrap", "--unshare-all",
		"--ro-bind", bind, "/noop", "--proc", "/proc", "--dev", "/dev",
		"--tmpfs", "/tmp", "/noop", NULL };

	open_resident(&r, argv[1], argv[2]);
	for (size_t i = 0; i < RUNS; i++) {
		samples[0][i] = time_command(bwrap);
		samples[1][i] = time_command(ours);
		samples[2][i] = time_resident(&r, i);
	}
	time_decision(argv[2]);
	peer = median(samples[0]);
	cold = median(samples[1]);
	warm = median(samples[2]);
	printf("| what | median, us | ratio | target |\n|---|---|---|---|\n");
	printf(
	    "| bwrap --unshare-all --ro-bind --proc --dev --tmpfs | %.0f | 1 | |\n",
	    peer);
	printf("| cella run, cold process to exit | %.0f | %.2f | 2 |\n", cold,
	    cold / peer);
	printf(
	    "| launch from a resident launcher, 20 ms gaps | %.0f | %.2f | 0.6 |\n",
	    warm, warm / peer);
	printf("| parse, decide and compile | %.0f us | | 300 us |\n",
	    median(samples[3]));
	print_phases();
	assemble_fini(&r.assembly);
	aleph_fini(&r.program);
	store_close(&r.store);
	spawn_end(&r.spawn);
	return 0;
}
