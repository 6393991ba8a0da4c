#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/lint.h"
#include "runtime/cli.h"
#include "runtime/cmd_policy.h"
#include "runtime/policy_file.h"
#include "runtime/spawn.h"

static void
print(const struct problems *p, const char *file)
{
	const struct problem *one;

	for (size_t i = 0; i < p->len; i++) {
		one = &p->item[i];
		printf("%s: line %u, column %u: %s: %s\n", file, one->line,
		    one->column, one->path, one->text);
	}
}

int
cmd_policy_lint(const struct cmd_policy *o, struct err *e)
{
	static struct problems found;
	value_auto struct value *root = NULL, *list = NULL;
	fd_auto int policy = -1;
	struct ceiling c;

	if (cmd_policy_open(o->operand[0], &policy, e) == -1 ||
	    spawn_drop_for_good(e) == -1)
		return -1;
	if (policy_file_parse(policy, o->operand[0], &c, &root, &found, e) ==
	    -1) {
		cli_problems(&found, o->operand[0]);
		return -1;
	}
	if (lint(root, &c, &found, e) == -1)
		return -1;
	if (o->json) {
		list = cli_problem_list(&found);
		cli_print(list);
	} else {
		print(&found, o->operand[0]);
	}
	return found.len > 0 ? 2 : 0;
}
