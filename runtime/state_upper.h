/*
 * What an input made of a state volume: the upper layer of an overlay
 * (Documentation/filesystems/overlayfs.rst; mounted with userxattr, with
 * which redirect_dir and metacopy are off) becomes a plan, and that a tree.
 *
 * Nothing of the tree changes while the plan is made: what was written is
 * copied to a staging directory as it is hashed, so that what is committed is
 * what was hashed, whoever still writes.  state_plan.h carries the plan out.
 */
#ifndef RUNTIME_STATE_UPPER_H
#define RUNTIME_STATE_UPPER_H

#include "messages/manifest.h"

struct buf;
struct err;

/*
 * The manifest becomes that of the tree with the layer over it, and plan gets
 * what is to be done; staging is empty, and of the tree's file system.
 * ERR_GUEST: something that has no place in a manifest; manifest and plan are
 * then of no use.
 */
int state_upper_take(int upper, int staging, struct manifest *,
    struct buf *plan, struct err *);

#endif
