/*
 * Machines one after the other in one launcher, which keeps slots: how many
 * networks they had between them.  Each prints the cookie of its own, which no
 * other network of this boot ever has.  With STRICT 1 every fourth machine is
 * of that tier, with a loopback all the same.
 *
 * usage: reuse STORE MESSAGE RUNS TENANTS STRICT
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "runtime/instance.h"
#include "tests/bench/resident.h"

#define RUNS_MAX 200

static char seen[RUNS_MAX][64];

static void
run(struct resident *r, uint32_t tenant, char out[64])
{
	struct instance i = INSTANCE_NEW;
	struct err e;

	i.machine = &r->assembly.machine;
	i.tenant = tenant;
	i.args = r->assembly.args;
	i.source = r->assembly.source;
	i.out.limit = i.err.limit = 1 << 20;
	i.out.keep = true;
	if (instance_run(&i, &r->link, &e) == -1)
		resident_die("run", &e);
	snprintf(out, 64, "%s", buf_text(&i.out.kept));
	if (strncmp(out, "cookie: ", 8) != 0)
		resident_die(out, NULL);
	instance_fini(&i);
}

int
main(int argc, char **argv)
{
	static struct resident r;
	int runs = argc == 6 ? atoi(argv[3]) : 0, tenants, networks = 0,
	    shared = 0, stale = 0, k;
	bool strict;

	tenants = argc == 6 ? atoi(argv[4]) : 0;
	if (runs < 1 || runs > RUNS_MAX || tenants < 1)
		return 64;
	resident_open(&r, argv[1], argv[2]);
	for (int i = 0; i < runs; i++) {
		strict = i % 4 == 3 && atoi(argv[5]) == 1;
		r.assembly.machine.tier =
		    strict ? GRANT_STRICT : GRANT_STANDARD;
		run(&r, 1 + (uint32_t)(i % tenants), seen[i]);
		for (k = 0; k < i && strcmp(seen[k], seen[i]) != 0; k++)
			;
		networks += k == i;
		stale += k < i && strict;
		shared += k < i && k % tenants != i % tenants;
	}
	resident_close(&r);
	printf("%d networks of %d, %d shared by tenants, %d stale in strict\n",
	    networks, runs, shared, stale);
	return 0;
}
