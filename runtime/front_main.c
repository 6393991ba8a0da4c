/*
 * cella-front: everything that comes from the network.  Theory of operation:
 *
 * The monitor starts it with the descriptors of enum monitor_front, or it joins
 * a monitor and gets them from it.  It makes the empty directory its root
 * and enters an empty network, so that it can open nothing and call nobody,
 * and becomes an id of its own.  What it knows of functions core tells it, a
 * run at a time (front.c).
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/monitor_msgs.h"
#include "policy/groups.h"
#include "runtime/confine.h"
#include "runtime/front.h"
#include "runtime/front_join.h"
#include "runtime/front_tls.h"

/* From FD_CONTROL on as enum front_kind has them. */
enum {
	FD_CORE = 3 + MONITOR_FRONT_CORE,
	FD_EMPTY = 3 + MONITOR_FRONT_EMPTY,
	FD_RULES = 3 + MONITOR_FRONT_RULES,
	FD_CONTROL = 3 + MONITOR_FRONT_CONTROL,
	FD_CERT = 3 + MONITOR_FRONT_CERT,
	FD_KEY = 3 + MONITOR_FRONT_KEY,
};

/* Its network is empty: a socket that it makes reaches nobody. */
#define GROUPS                                                      \
	(GROUPS_BIT(GROUPS_LIFE) | GROUPS_BIT(GROUPS_MEM) |         \
	    GROUPS_BIT(GROUPS_IO) | GROUPS_BIT(GROUPS_FILE) |       \
	    GROUPS_BIT(GROUPS_TIME) | GROUPS_BIT(GROUPS_SIGNAL) |   \
	    GROUPS_BIT(GROUPS_INFO) | GROUPS_BIT(GROUPS_SOCKPAIR) | \
	    GROUPS_BIT(GROUPS_SOCK_LO))

static int
open_signals(struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd == -1 ? err_sys(e, "signalfd") : fd;
}

static int
read_rules(struct front_rules *r, struct err *e)
{
	ssize_t token = (ssize_t)sizeof(r->token) - 1, n;

	memset(r, 0, sizeof(*r));
	if (fd_read_full(FD_RULES, r->token, (size_t)token) != token)
		return err_set(e, ERR_INVALID, "the token is malformed");
	n = fd_read_full(FD_RULES, r->domain, sizeof(r->domain));
	if (n == -1 || n == (ssize_t)sizeof(r->domain))
		return err_set(e, ERR_INVALID, "the domain is malformed");
	return 0;
}

/* join: where the node listens, or NULL: it has started us. */
static int
run(const char *join, struct err *e)
{
	static const struct confine closed = { .id = CONFINE_FRONT_ID,
		.root = FD_EMPTY,
		.groups = GROUPS,
		.writes = true, /* messages, in memory */
		.alone = true,
		.locks = true }; /* GnuTLS */
	struct front_args a = { .core = FD_CORE, .owner = geteuid() };
	struct stat s;

	if (join != NULL && front_join(join, &a.owner, e) == -1)
		return -1;
	if (fstat(FD_CORE, &s) == -1 || !S_ISSOCK(s.st_mode))
		return err_set(e, ERR_INVALID,
		    "descriptor %d is not a socket; cellad starts this program",
		    FD_CORE);
	for (int fd = FD_CORE; fd <= FD_KEY; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	for (int i = 0; i < FRONT_KINDS; i++)
		a.listener[i] =
		    fstat(FD_CONTROL + i, &s) == 0 ? FD_CONTROL + i : -1;
	if (read_rules(&a.rules, e) == -1)
		return -1;
	a.signals = open_signals(e);
	if (a.signals == -1 || confine(&closed, e) == -1)
		return -1;
	close(FD_EMPTY);
	/* Whoever may have broken the files broke us without privilege. */
	if (fstat(FD_CERT, &s) == 0) {
		a.keys = front_tls_read(FD_CERT, FD_KEY, e);
		if (a.keys == NULL)
			return -1;
		close(FD_CERT);
		close(FD_KEY);
	}
	return front_serve(&a, e);
}

int
main(int argc, char **argv)
{
	struct err e;

	if (argc != 1 && (argc != 3 || strcmp(argv[1], "--join") != 0)) {
		fputs("usage: cella-front --join PATH\n", stderr);
		return 64;
	}
	/* No exit handler could do its work here: a search for leaks. */
	if (run(argc == 3 ? argv[2] : NULL, &e) == 0)
		_exit(0);
	fprintf(stderr, "cella-front: %s\n", e.text);
	return 1;
}
