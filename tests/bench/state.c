/*
 * "make bench-state": what a new machine hash costs when 4 KiB of a volume were
 * changed: the layer is read, copied and hashed, and the manifest's root
 * follows. Beside it the floor: the changed file copied, synced with nobody,
 * and not hashed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/keccak4.h"
#include "messages/manifest.h"
#include "runtime/state_plan.h"
#include "runtime/state_scan.h"
#include "runtime/state_upper.h"

#define TURNS 31
#define DRIVE UINT64_C(0x4400000)

static char *content;
static size_t file_size;

static void
must(int r, const char *what)
{
	if (r == -1) {
		perror(what);
		exit(1);
	}
}

static void
must_not(int r, const struct err *e)
{
	if (r == -1) {
		fprintf(stderr, "%s\n", e->text);
		exit(1);
	}
}

static void
write_file(int dir, const char *name)
{
	fd_auto int fd =
	    openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd, name);
	must(fd_write_full(fd, content, file_size), name);
}

static int
make_directory(int at, const char *name)
{
	int fd;

	must(mkdirat(at, name, 0755), name);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(fd, name);
	return fd;
}

static int
by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double
median_ms(uint64_t *ns)
{
	qsort(ns, TURNS, sizeof(*ns), by_size);
	return (double)ns[TURNS / 2] / 1e6;
}

/* One file of the volume, with another page in it. */
static void
change(int work, unsigned turn, struct manifest *m, uint64_t *took,
    uint64_t *floor)
{
	fd_auto int upper = make_directory(work, "upper");
	fd_auto int staging = make_directory(work, "staging");
	buf_auto struct buf plan = { 0 };
	struct merkle_hash root;
	struct err e;
	char name[32];

	snprintf(name, sizeof(name), "%u", turn * 7);
	memset(content, (int)turn, 4096);
	write_file(upper, name);
	*floor = clock_mono_ns();
	write_file(staging, "floor");
	*floor = clock_mono_ns() - *floor;
	*took = clock_mono_ns();
	must_not(state_upper_take(upper, staging, m, &plan, &e), &e);
	must_not(manifest_root(m, DRIVE, 27, &root, &e), &e);
	*took = clock_mono_ns() - *took;
	if (plan.len == 0)
		exit(1);
	dir_remove(work, "upper");
	dir_remove(work, "staging");
}

static void
measure(int work, unsigned files)
{
	uint64_t took[TURNS], floor[TURNS], began;
	struct manifest m = { .len = 0 };
	struct merkle_hash root;
	fd_auto int tree = make_directory(work, "tree");
	struct err e;
	char name[32];
	double all;

	for (unsigned i = 0; i < files; i++) {
		snprintf(name, sizeof(name), "%u", i);
		memcpy(content, &i, sizeof(i));
		write_file(tree, name);
	}
	began = clock_mono_ns();
	must_not(state_scan(tree, &m, &e), &e);
	must_not(manifest_root(&m, DRIVE, 27, &root, &e), &e);
	all = (double)(clock_mono_ns() - began) / 1e6;
	for (unsigned i = 0; i < TURNS; i++)
		change(work, i, &m, &took[i], &floor[i]);
	printf("| %u files of %zu KiB | %.0f | %.2f | %.2f | 5 |\n", files,
	    file_size >> 10, all, median_ms(took), median_ms(floor));
	manifest_fini(&m);
	dir_remove(work, "tree");
}

int
main(int argc, char **argv)
{
	unsigned seed = 1;
	fd_auto int work = -1;

	if (argc != 2)
		return 64;
	work = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(work, argv[1]);
	content = malloc(1 << 20);
	invariant(content != NULL);
	for (int i = 0; i < 1 << 20; i++)
		content[i] = (char)rand_r(&seed);
	printf("four at a time: %s\n", keccak4_is_fast() ? "yes" : "no");
	puts(
	    "| volume | all of it, ms | 4 KiB changed, ms | floor, ms | target "
	    "|");
	puts("|---|---|---|---|---|");
	for (unsigned shift = 20; shift >= 12; shift -= 4) {
		file_size = (size_t)1 << shift;
		measure(work, 1U << (30 - shift));
	}
	return 0;
}
