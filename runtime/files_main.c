/*
 * cella-files: the states of machines, and the directories that clients of
 * sessions name.  Theory of operation:
 *
 * The monitor, or a command, starts it with its conversation (descriptor 3),
 * the directory of the states (4) and the one that clients' directories are
 * below (5), or neither.  It has an id of its own, which those belong to, and
 * no capability: what it may not read or make, no client may.  What machines
 * left in their states it reads as the bytes of strangers.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "policy/groups.h"
#include "runtime/confine.h"
#include "runtime/files_serve.h"

enum { FD_CORE = 3, FD_SESSIONS, FD_ROOT };

#define GROUPS                                                    \
	(GROUPS_BIT(GROUPS_LIFE) | GROUPS_BIT(GROUPS_MEM) |       \
	    GROUPS_BIT(GROUPS_IO) | GROUPS_BIT(GROUPS_FILE) |     \
	    GROUPS_BIT(GROUPS_TIME) | GROUPS_BIT(GROUPS_SIGNAL) | \
	    GROUPS_BIT(GROUPS_INFO) | GROUPS_BIT(GROUPS_SOCKPAIR))

/* How clients call the directory; "" is all there is. */
static int
find_prefix(char prefix[PATH_MAX], struct err *e)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", FD_ROOT);
	n = readlink(link, prefix, PATH_MAX - 1);
	if (n == -1)
		return err_sys(e, "session root");
	prefix[n] = '\0';
	if (strcmp(prefix, "/") == 0)
		prefix[0] = '\0';
	return 0;
}

static int
run(struct err *e)
{
	static const struct confine closed = { .id = LAUNCH_FILES_ID,
		.root = -1,
		.groups = GROUPS,
		.writes = true,
		.syncs = true };
	static char prefix[PATH_MAX];
	struct files_serve in = { .core = FD_CORE,
		.sessions = -1,
		.root = -1,
		.prefix = prefix };
	struct stat s;

	if (fstat(FD_CORE, &s) == -1 || !S_ISSOCK(s.st_mode))
		return err_set(e, ERR_INVALID,
		    "descriptor %d is not a socket; cellad starts this program",
		    FD_CORE);
	for (int fd = FD_CORE; fd <= FD_ROOT; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (fstat(FD_SESSIONS, &s) == 0)
		in.sessions = FD_SESSIONS;
	if (fstat(FD_ROOT, &s) == 0) {
		in.root = FD_ROOT;
		if (find_prefix(prefix, e) == -1)
			return -1;
	}
	umask(077);
	return confine(&closed, e) == -1 ? -1 : files_serve(&in, e);
}

int
main(void)
{
	struct err e;

	/* No exit handler could do its work here: a search for leaks. */
	if (run(&e) == 0)
		_exit(0);
	fprintf(stderr, "cella-files: %s\n", e.text);
	return 1;
}
