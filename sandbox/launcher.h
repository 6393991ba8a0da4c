/*
 * The privileged side of the conversation in messages/launch_msgs.h: a table
 * of requests, when each is allowed, with how many descriptors, and who
 * answers.  It believes nobody; a peer that breaks the rules loses the
 * connection, and every machine dies.
 */
#ifndef SANDBOX_LAUNCHER_H
#define SANDBOX_LAUNCHER_H

#include <stdbool.h>

struct err;

struct launcher_args {
	int core;  /* socket */
	int init;  /* cella-init, an executable file */
	int locks; /* directory of the locks on id ranges; -1: rootless */
	bool rootless;
};

/* Serves until core is gone: 0, or -1 and why. */
int launcher_serve(const struct launcher_args *, struct err *);

#endif
