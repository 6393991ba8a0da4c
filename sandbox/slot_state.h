/* The slot's side of a state that takes the place of another. */
#ifndef SANDBOX_SLOT_STATE_H
#define SANDBOX_SLOT_STATE_H

struct err;

/*
 * In the machine whose first process init, a pidfd, is.  tree is borrowed.  -1:
 * the machine may be without a state now.
 */
int slot_state_replace(int init, int tree, struct err *);

#endif
