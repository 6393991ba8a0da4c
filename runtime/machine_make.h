/*
 * `cella machine create`: a machine directory (machine_dir.h) from a message.
 * The directory is made with the privilege of whoever asks; reading the
 * message, and writing what it leads to, are two processes' without any.
 */
#ifndef RUNTIME_MACHINE_MAKE_H
#define RUNTIME_MACHINE_MAKE_H

#include <stdbool.h>

struct machine_make {
	const char *message, *dir, *config, *store, *policy;
	bool json, verbose;
};

/* The exit status; what went wrong is told, and nothing is left of it. */
int machine_make(const struct machine_make *);

#endif
