/*
 * A state volume on the disk, and its inputs.
 *
 *   tree/          the committed state
 *   next/          what the input that comes next made of it, while that is not
 *                  committed: staged files, and the plan (state_plan.h)
 *   next.plan      number and plan of that input, whole or not at all
 *
 * An input has a number, one more than the one before.  Weighing it changes
 * nothing but next/; keeping puts all of that on the disk; then whoever has the
 * journal writes there that the input was accepted, and only then it is
 * applied. After a kill, opening the volume with the number that the journal
 * has leads to the tree of that input, wherever it was.
 */
#ifndef RUNTIME_STATE_VOLUME_H
#define RUNTIME_STATE_VOLUME_H

#include <stdint.h>

#include "base/buf.h"
#include "messages/manifest.h"

struct err;

struct state_volume {
	int dir, tree, staging;   /* staging: -1: no input is weighed */
	uint64_t number;          /* of the input that the tree is after */
	struct manifest manifest; /* of the tree, or of what was weighed */
	struct buf plan;
};

/*
 * dir, which is borrowed, is a directory that has a tree; number: what the
 * journal says.  Reads all of it.  ERR_CONFLICT: the tree is after another
 * input than the journal says.
 */
int state_volume_open(struct state_volume *, int dir, uint64_t number,
    struct err *);
void state_volume_close(struct state_volume *);

/*
 * What the upper layer made of it: from here on the manifest is that of the
 * next number.  ERR_GUEST as state_upper_take(); then nothing is weighed.
 */
int state_volume_weigh(struct state_volume *, int upper, struct err *);

/* What was weighed is on the disk. */
int state_volume_keep(struct state_volume *, struct err *);

/* It was accepted: the tree is what was weighed and kept. */
int state_volume_apply(struct state_volume *, struct err *);

/* It was not: nothing of it is left. */
void state_volume_discard(struct state_volume *);

#endif
