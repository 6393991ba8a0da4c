/* The capabilities that the launcher itself keeps; see capabilities(7). */
#ifndef SANDBOX_CAPS_H
#define SANDBOX_CAPS_H

#include <stdbool.h>

struct err;

/*
 * Keeps the short list in caps.c of what the process has, gives up the rest
 * for good, and checks that it is gone.
 */
int caps_drop_for_good(bool rootless, struct err *);

/* The right to change networks too, once no machine can have a way out. */
int caps_drop_network(struct err *);

#endif
