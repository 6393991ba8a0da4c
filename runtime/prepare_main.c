/*
 * cella-prepare: reads messages and unpacks what they refer to, for core.
 * Theory of operation:
 *
 * The monitor starts it with its socket to core (descriptor 3), the one to the
 * launcher that core relays (4), the store (5), and the admin's policy file or
 * nothing (6).  Messages are strangers' bytes, so it has no privilege; the
 * archives that they name it does not read itself, machines do (unpack.h).  It
 * owns no socket but these, and makes none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/problems.h"
#include "policy/ceiling.h"
#include "policy/groups.h"
#include "runtime/confine.h"
#include "runtime/policy_file.h"
#include "runtime/prepare.h"
#include "runtime/spawn.h"
#include "runtime/store.h"

enum { FD_CORE = 3, FD_LAUNCHER, FD_STORE, FD_POLICY };

/* mkfs makes persistent volumes: it may start programs, and write files. */
#define GROUPS (GROUPS_STRICT)

static int
run(struct err *e)
{
	static const struct confine closed = { .id = SPAWN_CORE_ID,
		.root = -1,
		.groups = GROUPS,
		.writes = true,
		.forks = true };
	static struct ceiling ceiling;
	static struct problems problems;
	struct store store = { .dir = FD_STORE, .path = str_dup("the store") };
	struct stat s;
	int policy;

	if (fstat(FD_CORE, &s) == -1 || !S_ISSOCK(s.st_mode))
		return err_set(e, ERR_INVALID,
		    "descriptor %d is not a socket; cellad starts this program",
		    FD_CORE);
	for (int fd = FD_CORE; fd <= FD_POLICY; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	policy = fstat(FD_POLICY, &s) == 0 ? FD_POLICY : -1;
	if (confine(&closed, e) == -1 ||
	    policy_file_read(policy, "policy", &ceiling, &problems, e) == -1)
		return -1;
	store_remember(&store);
	return prepare_serve(FD_CORE, FD_LAUNCHER, &store, &ceiling, e);
}

int
main(void)
{
	struct err e;

	if (run(&e) == 0)
		return 0;
	fprintf(stderr, "cella-prepare: %s\n", e.text);
	return 1;
}
