/*
 * How a front that the monitor did not start comes to its descriptors
 * (monitor_msgs.h).
 */
#ifndef RUNTIME_FRONT_JOIN_H
#define RUNTIME_FRONT_JOIN_H

#include <stdint.h>

struct err;

/*
 * Connects to the node that listens there, waits until it needs a front, and
 * puts what it gives where a front expects it, from descriptor 3 on; all others
 * are closed.  owner: the uid that is the node's.  ERR_DENIED: whoever listens
 * is neither root nor who we are.
 */
int front_join(const char *path, uint32_t *owner, struct err *);

#endif
