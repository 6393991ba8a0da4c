#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/aleph.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "runtime/assemble_plan.h"
#include "runtime/cli.h"
#include "runtime/cmd_policy.h"
#include "runtime/policy_file.h"
#include "runtime/policy_open.h"
#include "runtime/spawn.h"

static struct aleph_program program;
static struct problems problems;
static bool has_message;

int
cmd_policy_read_message(const struct cmd_policy *o, int fd, struct err *e)
{
	struct aleph_envelope n;
	struct value *root;
	char *data;
	size_t len;
	int r;

	if (fd == -1)
		return 0;
	if (fd_read_all(fd, ALEPH_SIZE_MAX, &data, &len, e) == -1)
		return err_in(e, "%s", o->message);
	root = cli_parse(o->message, data, len, e);
	if (root == NULL) {
		free(data);
		return -1;
	}
	r = aleph_read(&program, &n, root, data, len, -1, &problems);
	free(data);
	if (r == -1) {
		cli_problems(&problems, o->message);
		return err_set(e, ERR_INVALID, "%s: not a message that can run",
		    o->message);
	}
	has_message = true;
	return 0;
}

int
cmd_policy_open(const char *name, int *policy, struct err *e)
{
	*policy = name == NULL ? -1 : policy_open(name, e);
	return name != NULL && *policy == -1 ? -1 : 0;
}

int
cmd_policy_open_message(const struct cmd_policy *o, int *message, struct err *e)
{
	*message = o->message == NULL ? -1 : cli_open(o->message, e);
	return o->message != NULL && *message == -1 ? -1 : 0;
}

int
cmd_policy_read(int policy, const char *name, struct ceiling *c, struct err *e)
{
	int r = policy_file_read(policy, name, c, &problems, e);

	if (r == -1)
		cli_problems(&problems, name);
	return r;
}

int
cmd_policy_machine(const struct decision *d, struct machine *m, struct err *e)
{
	static struct assemble_plan plan;

	memset(m, 0, sizeof(*m));
	strcpy(m->name, "run");
	strcpy(m->hostname, "machine");
	strcpy(m->cwd, "/");
	m->tier = (uint8_t)d->tier;
	m->grant = d->grant;
	m->nmounts = 1;
	m->mount[0] = (struct machine_mount){ .kind = MACHINE_IMAGE,
		.executable = true,
		.target = "/" };
	if (has_message) {
		if (assemble_plan(&plan, &program, d, e) == -1)
			return -1;
		assemble_plan_mounts(&plan, m);
	}
	return machine_check(m, e);
}

int
cmd_policy_decide(const struct ceiling *c, int asked, struct decision *d,
    struct err *e)
{
	const struct decide_wish wish = { .tier = asked };

	if (has_message)
		return decide(&program, c, &wish, d, e);
	d->tier = asked >= 0 ? (enum grant_tier)asked : c->tier;
	d->grant = d->tier == c->tier
	    ? c->grant
	    : grant_meet(&c->grant, grant_of_tier(d->tier));
	for (size_t i = 0; i < GRANT_LIMITS; i++)
		d->origin[i] = (c->set & UINT64_C(1) << i) != 0 ? DECIDE_ADMIN
								: DECIDE_TIER;
	return 0;
}

int
cmd_policy_load(const struct cmd_policy *o, struct decision *d,
    struct ceiling *c, struct err *e)
{
	fd_auto int message = -1, policy = -1;

	return cmd_policy_open_message(o, &message, e) == -1 ||
		cmd_policy_open(o->policy, &policy, e) == -1 ||
		spawn_drop_for_good(e) == -1 ||
		cmd_policy_read_message(o, message, e) == -1 ||
		cmd_policy_read(policy, o->policy, c, e) == -1 ||
		cmd_policy_decide(c, o->tier, d, e) == -1
	    ? -1
	    : 0;
}
