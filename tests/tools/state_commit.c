/*
 * state_commit DIRECTORY NUMBER [UPPER [HOW [STEPS]]]: opens a state volume
 * after that input, and gives it the next one, what an upper layer made of it.
 *
 * HOW: "weighed", "kept": killed after that; "applied": killed after so many
 * steps; "discarded": it is not accepted.  Prints the root of the manifest.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/state_plan.h"
#include "runtime/state_volume.h"

#define DRIVE UINT64_C(0x4400000)

static int
open_directory(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd == -1 ? err_sys(e, "%s", path) : fd;
}

/* As a kill would: nothing is tidied up. */
static void
die_if(const char *how, const char *now)
{
	if (strcmp(how, now) == 0)
		_exit(9);
}

static int
advance(struct state_volume *v, int upper, const char *how, unsigned steps,
    struct err *e)
{
	struct merkle_hash before;

	/* Known before, so that what follows is what changed. */
	if (manifest_root(&v->manifest, DRIVE, 27, &before, e) == -1 ||
	    state_volume_weigh(v, upper, e) == -1)
		return -1;
	die_if(how, "weighed");
	if (strcmp(how, "discarded") == 0) {
		state_volume_discard(v);
		return 0;
	}
	if (state_volume_keep(v, e) == -1)
		return -1;
	die_if(how, "kept");
	if (strcmp(how, "applied") == 0) {
		if (v->plan.len > 0)
			(void)state_plan_run(v->tree, v->staging, &v->plan,
			    steps, e);
		_exit(9);
	}
	return state_volume_apply(v, e);
}

static int
run(int argc, char **argv, struct merkle_hash *root, struct err *e)
{
	fd_auto int dir = open_directory(argv[1], e), upper = -1;
	struct state_volume v;
	int r;

	if (dir == -1 ||
	    state_volume_open(&v, dir, strtoull(argv[2], NULL, 10), e) == -1)
		return -1;
	r = 0;
	if (argc > 3) {
		upper = open_directory(argv[3], e);
		r = upper == -1
		    ? -1
		    : advance(&v, upper, argc > 4 ? argv[4] : "",
			  argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 0,
			  e);
	}
	if (r == 0)
		r = manifest_root(&v.manifest, DRIVE, 27, root, e);
	state_volume_close(&v);
	return r;
}

int
main(int argc, char **argv)
{
	char text[2 * MERKLE_HASH + 1];
	struct merkle_hash root;
	struct err e;

	if (argc < 3)
		return 64;
	if (run(argc, argv, &root, &e) == -1) {
		fprintf(stderr, "state_commit: %s\n", e.text);
		return 1;
	}
	str_hex(text, root.byte, sizeof(root.byte));
	puts(text);
	return 0;
}
