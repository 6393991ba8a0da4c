/*
 * cella-core: the core of a node.  Theory of operation:
 *
 * The monitor starts it with its own socket (descriptor 3), the launcher's
 * (4), the state directory (5), the admin's policy file or nothing (6), and a
 * socket to the host's journal or nothing (7).  It
 * makes the state directory its root, becomes an id without capabilities, and
 * only then reads: the policy, whose ceiling it tells the launcher, once, and
 * the journal.  Front, cella-dns and the preparers come from the monitor as
 * sockets, when everything else stands (core.c).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "messages/problems.h"
#include "policy/groups.h"
#include "runtime/cli.h"
#include "runtime/confine.h"
#include "runtime/core.h"
#include "runtime/journal.h"
#include "runtime/policy_file.h"
#include "runtime/spawn.h"

#define BOOT_ID 37 /* a UUID and a NUL */

enum { FD_MONITOR = 3, FD_LAUNCHER, FD_STATE, FD_POLICY, FD_JOURNALD };

/* It opens the journal, and makes no socket, no process and no thread. */
#define GROUPS                                                    \
	(GROUPS_BIT(GROUPS_LIFE) | GROUPS_BIT(GROUPS_MEM) |       \
	    GROUPS_BIT(GROUPS_IO) | GROUPS_BIT(GROUPS_FILE) |     \
	    GROUPS_BIT(GROUPS_LOCK) | GROUPS_BIT(GROUPS_TIME) |   \
	    GROUPS_BIT(GROUPS_SIGNAL) | GROUPS_BIT(GROUPS_INFO) | \
	    GROUPS_BIT(GROUPS_SOCKPAIR))

static int
read_policy(struct core *c, struct err *e)
{
	struct problems problems = { 0 };
	struct stat s;
	int fd = fstat(FD_POLICY, &s) == 0 ? FD_POLICY : -1;
	int r = policy_file_read(fd, "policy", &c->ceiling, &problems, e);

	if (r == -1)
		cli_problems(&problems, "policy");
	problems_fini(&problems);
	close(FD_POLICY);
	return r;
}

/*
 * With a policy in the place of the monitor's socket it says whether that is
 * one, and nothing else.
 */
static int
check(struct err *e)
{
	static const struct confine closed = { .id = SPAWN_CORE_ID,
		.root = -1,
		.groups = GROUPS,
		.writes = true }; /* standard error may be a file */
	static struct ceiling ceiling;
	struct problems problems = { 0 };
	int r = confine(&closed, e);

	if (r == 0)
		r = policy_file_read(FD_MONITOR, "policy", &ceiling, &problems,
		    e);
	if (r == -1)
		cli_problems(&problems, "policy");
	problems_fini(&problems);
	/* No exit handler could do its work here: a search for leaks. */
	if (r == 0)
		_exit(0);
	return r;
}

/* Which start of the host this is, for the audit log: random(4). */
static int
read_boot(char boot[BOOT_ID], struct err *e)
{
	fd_auto int fd =
	    open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : fd_read_full(fd, boot, BOOT_ID - 1);

	if (n == -1)
		return err_sys(e, "boot id");
	boot[n] = '\0';
	return 0;
}

static int
run(struct err *e)
{
	static const struct confine closed = { .id = SPAWN_CORE_ID,
		.root = FD_STATE,
		.groups = GROUPS,
		.writes = true };
	static struct core core;
	char boot[BOOT_ID];
	struct stat s;
	int r;

	if (fstat(FD_MONITOR, &s) == 0 && S_ISREG(s.st_mode))
		return check(e);
	if (fstat(FD_MONITOR, &s) == -1 || !S_ISSOCK(s.st_mode))
		return err_set(e, ERR_INVALID,
		    "descriptor %d is not a socket; cellad starts this program",
		    FD_MONITOR);
	core.journald = fstat(FD_JOURNALD, &s) == 0 && S_ISSOCK(s.st_mode)
	    ? FD_JOURNALD
	    : -1;
	for (int fd = FD_MONITOR; fd <= FD_JOURNALD; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	umask(077);
	if (read_boot(boot, e) == -1)
		return -1;
	core.ncpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (fchdir(FD_STATE) == -1)
		return err_sys(e, "state directory");
	if (confine(&closed, e) == -1 || read_policy(&core, e) == -1)
		return -1;
	core.journal = journal_open(e);
	if (core.journal == NULL)
		return -1;
	core.boot = boot;
	r = journal_begin_life(core.journal, clock_real_ns(), &core.life, e);
	if (r == 0)
		r = core_serve(&core, FD_MONITOR, FD_LAUNCHER, e);
	journal_close(core.journal);
	return r;
}

int
main(void)
{
	struct err e;

	if (run(&e) == 0)
		return 0;
	fprintf(stderr, "cella-core: %s\n", e.text);
	return 1;
}
