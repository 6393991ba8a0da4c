/*
 * How our own processes close themselves in: who they are, where they are, and
 * which system calls they have, from the start to the end of their lives.
 */
#ifndef RUNTIME_CONFINE_H
#define RUNTIME_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "messages/launch_msgs.h"

struct err;

/* Nobody else's: what reads strangers' bytes owns no file. */
#define CONFINE_FRONT_ID (LAUNCH_CORE_ID - 1)
#define CONFINE_DNS_ID (LAUNCH_CORE_ID - 2)
#define CONFINE_FETCH_ID (LAUNCH_CORE_ID - 3)

struct confine {
	uint32_t id;     /* user and group, if root starts us */
	int root;        /* a directory that becomes "/"; -1: as it is */
	uint64_t groups; /* GROUPS_BIT: calls that are left */
	bool writes;     /* regular files */
	bool forks;      /* other programs */
	bool threads;    /* of its own */
	const char *const *reads; /* up to NULL: what of the host's files, by
				   * Landlock; NULL: as its id may */
	bool alone;               /* an empty network */
	bool syncs;               /* syncfs(2) */
	bool locks; /* futex(2): a library has locks, though we no threads */
};

/*
 * For good, and checked; the process dies with its parent.  Whoever is not
 * root stays who he is, and changes root and network in a user namespace of
 * his own, which the launcher needs as well.  Whom a service manager started
 * with CAP_SYS_CHROOT needs none: his network is empty already, or he is
 * refused (ERR_DENIED), and the capability goes.
 */
int confine(const struct confine *, struct err *);

#endif
