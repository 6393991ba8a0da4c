/*
 * cella-fetch: gets what a node has not, from the servers that its policy
 * names.  Theory of operation:
 *
 * The monitor starts it with a socket to core (descriptor 3) and the admin's
 * policy file or nothing (4).  It has the host's network, an id of its own, and
 * of the host's files what names and certificates need; what it gets it writes
 * into files that core opened, and believes nothing of it (fetch_serve.h).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "messages/problems.h"
#include "policy/ceiling.h"
#include "policy/groups.h"
#include "runtime/confine.h"
#include "runtime/fetch_serve.h"
#include "runtime/policy_file.h"

enum { FD_CORE = 3, FD_POLICY };

/* Names are looked up in threads of the library's. */
#define GROUPS                                                    \
	(GROUPS_BIT(GROUPS_LIFE) | GROUPS_BIT(GROUPS_MEM) |       \
	    GROUPS_BIT(GROUPS_IO) | GROUPS_BIT(GROUPS_FILE) |     \
	    GROUPS_BIT(GROUPS_TIME) | GROUPS_BIT(GROUPS_SIGNAL) | \
	    GROUPS_BIT(GROUPS_THREAD) | GROUPS_BIT(GROUPS_INFO) | \
	    GROUPS_BIT(GROUPS_SOCKPAIR) | GROUPS_BIT(GROUPS_SOCK_INET))

static int
run(struct err *e)
{
	static const char *const reads[] = { "/etc", "/usr", "/lib", "/lib64",
		"/run/systemd/resolve", "/dev/urandom", "/dev/null", NULL };
	static const struct confine closed = { .id = CONFINE_FETCH_ID,
		.root = -1,
		.groups = GROUPS,
		.writes = true, /* core's files */
		.threads = true,
		.reads = reads };
	static struct ceiling ceiling;
	static struct problems problems;
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
	return fetch_serve(FD_CORE, &ceiling.fetch, e);
}

int
main(void)
{
	struct err e;

	if (run(&e) == 0)
		return 0;
	fprintf(stderr, "cella-fetch: %s\n", e.text);
	return 1;
}
