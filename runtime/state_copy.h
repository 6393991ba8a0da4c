/* A state as a tree of its own: what is copied is read once and not believed.
 */
#ifndef RUNTIME_STATE_COPY_H
#define RUNTIME_STATE_COPY_H

struct err;

/*
 * All below one directory into another one that is empty, which gets its mode.
 * What has no place in a manifest (state_scan.h) is refused with ERR_GUEST.
 */
int state_copy(int from, int to, struct err *);

#endif
