/*
 * What is to be done to a committed tree (state_upper.h), as bytes that a
 * journal can keep.  Carried out from its start any number of times, whatever
 * was done of it before, it leads to the same tree.
 */
#ifndef RUNTIME_STATE_PLAN_H
#define RUNTIME_STATE_PLAN_H

struct buf;
struct err;

/* Each adds one step.  What is there of another kind was removed before. */
void state_plan_remove(struct buf *, const char *path);
void state_plan_directory(struct buf *, const char *path, unsigned mode);
void state_plan_file(struct buf *, const char *path, unsigned staged);
void state_plan_link(struct buf *, const char *path, const char *target);

/* At most so many of its steps; stays in the tree, whatever links are there. */
int state_plan_run(int tree, int staging, const struct buf *plan,
    unsigned steps, struct err *);

/* What it did to the tree is on the disk: of a short plan its directories alone
 * are synced, for the staged files were (fsync(2): a name is its directory's);
 * of a long one, the file system. */
int state_plan_sync(int tree, const struct buf *plan, struct err *);

#endif
