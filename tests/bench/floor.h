/*
 * The same steps as a resident launch in one place: a slot that stays, the
 * machine's trees cloned, limits written and read back, the same first process
 * and the same init, usage read.  No frames, no table, no checks, nothing made
 * ahead but the slot: what the kernel itself takes for what we ask of it.
 */
#ifndef TESTS_BENCH_FLOOR_H
#define TESTS_BENCH_FLOOR_H

#include <sys/types.h>

struct resident;

struct floor {
	int sock; /* a byte there starts, a byte back ends */
	pid_t pid;
};

/* With the machine that the other has decided and assembled. */
void floor_open(struct floor *, const struct resident *);
void floor_start(struct floor *);
void floor_close(struct floor *);

#endif
