/*
 * Between the files of the channel library: a process that waits for an input
 * lets a copy of itself handle it, so that nothing the input does stays in it.
 * docs/channel.md, "Copies".
 *
 * With CELLA_REUSE=zygote in the environment each input is a copy of the
 * process as it first waited; with CELLA_MEMORY=kept the copy that accepts an
 * input goes on, and the process it is a copy of goes on after any other.
 */
#ifndef GUEST_ROLLUP_FORK_H
#define GUEST_ROLLUP_FORK_H

#include <stdbool.h>

/*
 * Whether the process that calls may be copied: one thread, no other process,
 * no volume that can be written, nothing that copies would share (a file's
 * offset, memory), /tmp and /dev/shm empty.  What is in the way is said once on
 * standard error.
 */
bool rollup_fork_may(void);

/*
 * Waits until something comes on descriptor in.  1: here is a copy, which is to
 * take it.  0: the copy is gone, and all that it left.  -1: in is closed, or no
 * copy could be made.  What of a copy cannot be removed ends the machine.
 */
int rollup_fork_copy(int in);

bool rollup_fork_is_copy(void);

/* Whether a copy that accepted an input goes on, in the place of its original.
 */
bool rollup_fork_go_on(void);

/*
 * Of a copy: between the two it is in the middle of a frame, or of its answer,
 * and if it ends there nobody knows where the next one begins.  finished: that
 * was its last.
 */
void rollup_fork_busy(void);
void rollup_fork_not_busy(bool finished);

#endif
