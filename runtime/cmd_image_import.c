#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/problems.h"
#include "policy/ceiling.h"
#include "runtime/cli.h"
#include "runtime/cmd_image_import.h"
#include "runtime/image_import.h"
#include "runtime/launcher_link.h"
#include "runtime/policy_file.h"
#include "runtime/policy_open.h"
#include "runtime/spawn.h"
#include "runtime/unpack.h"

/* One command runs the machines of one tenant. */
#define TENANT 1

static int
import_dropped(const struct cmd_image_import *o, struct store *s, int sock,
    const int fds[2], char digest[SHA256_HEX], struct err *e)
{
	struct image_import what = { o->name, o->source, fds[0], o->ref };
	struct ceiling *c = calloc(1, sizeof(*c));
	struct launcher_link link = { 0 };
	struct unpack_input in = { .store = s,
		.link = &link,
		.tenant = TENANT };
	struct problems problems = { 0 };
	int r;

	invariant(c != NULL);
	r = policy_file_read(fds[1], o->policy, c, &problems, e);
	cli_problems(&problems, o->policy);
	problems_fini(&problems);
	in.ceiling = &c->grant;
	in.optional = c->optional;
	if (r == 0)
		r = launcher_link_open(&link, sock, c, 0, e);
	if (r == 0)
		r = launcher_link_wait_ready(&link, e);
	if (r == 0)
		r = image_import(&what, &in, digest, e);
	free(c);
	return r;
}

int
cmd_image_import(const struct cmd_image_import *o, struct store *s,
    char digest[SHA256_HEX], struct err *e)
{
	struct spawn launcher = { -1, 0 };
	fd_auto int source = -1, policy = -1;
	int r = -1;

	if (image_import_check_name(o->name, e) == -1)
		return -1;
	source = cli_open(o->source, e);
	if (source == -1 ||
	    (o->policy != NULL && (policy = policy_open(o->policy, e)) == -1))
		return -1;
	if (spawn_launcher(&launcher, e) == 0 && spawn_drop_for_good(e) == 0)
		r = import_dropped(o, s, launcher.sock,
		    (int[2]){ source, policy }, digest, e);
	if (launcher.pid != 0 && !spawn_end_launcher(&launcher) && r == 0)
		r = err_set(e, ERR_SYSTEM, "the launcher failed at its end");
	return r;
}
