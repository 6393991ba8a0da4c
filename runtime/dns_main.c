/*
 * cella-dns: answers the resolvers of machines.  Theory of operation:
 *
 * Core starts it with a socket (descriptor 3) and says for which machines to
 * answer (dns_msgs.h).  What it reads comes from strangers at both ends, so it
 * can do nothing but talk: it opens no file, starts no program, has no
 * capability, and a filter of its own kills what else it would try.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "policy/groups.h"
#include "runtime/confine.h"
#include "runtime/dns_serve.h"

enum { FD_CORE = 3 };

#define GROUPS                                                    \
	(GROUPS_BIT(GROUPS_LIFE) | GROUPS_BIT(GROUPS_MEM) |       \
	    GROUPS_BIT(GROUPS_IO) | GROUPS_BIT(GROUPS_TIME) |     \
	    GROUPS_BIT(GROUPS_SIGNAL) | GROUPS_BIT(GROUPS_INFO) | \
	    GROUPS_BIT(GROUPS_SOCKPAIR) | GROUPS_BIT(GROUPS_SOCK_INET))

static int
run(struct err *e)
{
	static const struct confine closed = { .id = CONFINE_DNS_ID,
		.root = -1,
		.groups = GROUPS };
	struct stat s;

	if (fstat(FD_CORE, &s) == -1 || !S_ISSOCK(s.st_mode))
		return err_set(e, ERR_INVALID,
		    "descriptor %d is not a socket; cella starts this program",
		    FD_CORE);
	fcntl(FD_CORE, F_SETFD, FD_CLOEXEC);
	if (confine(&closed, e) == -1)
		return -1;
	return dns_serve(FD_CORE, e);
}

int
main(void)
{
	struct err e;

	/* There is nothing to flush, and the filter lets nobody do more. */
	if (run(&e) == 0)
		_exit(0);
	fprintf(stderr, "cella-dns: %s\n", e.text);
	return 1;
}
