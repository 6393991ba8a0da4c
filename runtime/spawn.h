/*
 * How the command becomes two processes: the launcher keeps the privilege,
 * and the rest gives it up before it parses anything.
 */
#ifndef RUNTIME_SPAWN_H
#define RUNTIME_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "messages/launch_msgs.h"

struct err;

/* The id that parses, decides and owns the store when root starts it. */
#define SPAWN_CORE_ID LAUNCH_CORE_ID

struct spawn {
	int sock;
	pid_t pid;
};

/* Starts cella-launcher; must come before spawn_drop_for_good(). */
int spawn_launcher(struct spawn *, struct err *);

/* Starts cella-dns, as who we are: after the drop. */
int spawn_dns(struct spawn *, struct err *);

/*
 * Starts a program of ours with these descriptors (borrowed) from 3 on, and an
 * empty environment: its process id, or -1.
 */
#define SPAWN_FDS_MAX 12
pid_t spawn_with(const char *name, const int fds[], size_t n, struct err *);

/*
 * The same for descriptors that are ours: they are at 3 and on, not
 * close-on-exec, and a -1 leaves its number closed.  All above are closed.
 */
int spawn_place(const int fds[], size_t n);

/* The launcher, with that end (borrowed) of a conversation: its process id. */
pid_t spawn_launcher_at(int sock, struct err *);

/* Closes the conversation and waits for its end; true if that was clean. */
bool spawn_end(struct spawn *);

/*
 * The same for the launcher: it has cleared up when this returns, and may
 * itself take a moment longer.
 */
bool spawn_end_launcher(struct spawn *);

/* True if nobody with privilege started us: images cannot be mounted then. */
bool spawn_is_rootless(void);

/*
 * Runs a program to its end and expects 0.  directory: where it runs, or -1;
 * out: its standard output, or -1 for ours.
 */
int spawn_program(const char *const argv[], int directory, int out,
    struct err *);

/* As root: becomes that id with no capability; checked.  Else nothing. */
int spawn_become(uint32_t id, struct err *);

/* What a user namespace of our own gave us goes; checked. */
int spawn_drop_caps(struct err *);

/* The same, SPAWN_CORE_ID, and no program ever gives more. */
int spawn_drop_for_good(struct err *);

/*
 * A program or a data file of ours: beside the running one in a build tree,
 * else where it was installed.
 */
int spawn_find(const char *name, char *path, size_t size, struct err *);

#endif
