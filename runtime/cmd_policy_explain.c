#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "policy/listing.h"
#include "policy/query.h"
#include "runtime/cli.h"
#include "runtime/cmd_policy.h"
#include "policy/path_query.h"

static void
print_calls(const struct value *calls, const char *only)
{
	for (size_t i = 0; i < calls->len; i++) {
		const struct value *one = calls->item[i];
		const struct value *rules = value_get(one, "rules");

		if (only != NULL && strcmp(only, calls->key[i]) != 0)
			continue;
		for (size_t k = 0; rules != NULL && k < rules->len; k++)
			printf("%-28s %s\n", calls->key[i],
			    rules->item[k]->text);
		printf("%-28s %s%s\n", calls->key[i],
		    rules != NULL ? "otherwise: " : "",
		    value_get_text(one, "verdict"));
	}
}

/* Where to, and which names; nothing where there is no way out. */
static void
print_egress(const struct value *doc)
{
	const struct value *list = value_get(doc, "egress"), *names;

	for (size_t i = 0; list != NULL && i < list->len; i++)
		printf("reaches  %s %s ports %" PRId64 "-%" PRId64 "\n",
		    value_get_text(list->item[i], "proto"),
		    value_get_text(list->item[i], "cidr"),
		    value_get_int(list->item[i], "first", 0),
		    value_get_int(list->item[i], "last", 0));
	names = value_get(value_get(doc, "dns"), "names");
	for (size_t i = 0; names != NULL && i < names->len; i++)
		printf("names    %s\n", names->item[i]->text);
}

static void
print_mounts(const struct value *doc)
{
	const struct value *list = value_get(doc, "mounts"), *one;

	printf("\n%-24s what\n", "mount");
	for (size_t i = 0; list != NULL && i < list->len; i++) {
		one = list->item[i];
		printf("%-24s %-18s %-10s %s\n", value_get_text(one, "target"),
		    value_get_text(one, "what"),
		    value_get_bool(one, "writable", false) ? "writable"
							   : "read-only",
		    value_get_bool(one, "executable", false) ? "exec"
							     : "noexec");
	}
}

static void
print_human(const struct value *doc, const struct cmd_policy *o)
{
	const struct value *limits = value_get(doc, "limits");
	const struct value *groups = value_get(doc, "groups");
	const struct value *calls =
	    value_get(value_get(doc, "seccomp"), "calls");

	if (o->syscall != NULL) {
		print_calls(calls, o->syscall);
		return;
	}
	printf("tier     %s\nnetwork  %s\n", value_get_text(doc, "tier"),
	    value_get_text(doc, "net"));
	print_egress(doc);
	printf("W^X      %s\ndigest   %s\ngroups  ",
	    value_get_bool(doc, "wx", false) ? "allow" : "deny",
	    value_get_text(doc, "digest"));
	for (size_t i = 0; i < groups->len; i++)
		printf(" %s", groups->item[i]->text);
	printf("\n\n%-14s %20s %-8s %s\n", "limit", "value", "unit", "from");
	for (size_t i = 0; i < limits->len; i++)
		printf("%-14s %20" PRId64 " %-8s %s\n", limits->key[i],
		    value_get_int(limits->item[i], "value", 0),
		    value_get_text(limits->item[i], "unit"),
		    value_get_text(limits->item[i], "from"));
	print_mounts(doc);
	putchar('\n');
	print_calls(calls, NULL);
}

struct answer {
	bool allowed;
	const char *verdict, *layer, *rule, *second;
};

/* Exit status 0: it is allowed; 2: it is not. */
static int
print_answer(const struct cmd_policy *o, const struct answer *a)
{
	value_auto struct value *doc = value_new(VALUE_MAP);

	value_set_bool(doc, "allowed", a->allowed);
	value_set_text(doc, "verdict", a->verdict);
	value_set_text(doc, "layer", a->layer);
	value_set_text(doc, "rule", a->rule);
	value_set_text(doc, "second", a->second);
	if (o->json)
		cli_print(doc);
	else
		printf("%s\n  by    %s: %s\n  then  %s\n", a->verdict, a->layer,
		    a->rule, a->second);
	return a->allowed ? 0 : 2;
}

static int
answer(const struct cmd_policy *o, const struct decision *d, struct err *e)
{
	struct query_answer a;

	if ((o->connect != NULL ? query_net(d, o->connect, &a, e)
				: query_call(d, o->syscall, &a, e)) == -1)
		return -1;
	return print_answer(o,
	    &(struct answer){ a.allowed, a.verdict, a.layer, a.rule,
		a.second });
}

static int
answer_path(const struct cmd_policy *o, const struct decision *d, struct err *e)
{
	static struct machine m;
	struct path_query_answer a;

	if (cmd_policy_machine(d, &m, e) == -1 ||
	    path_query(&m, o->path, o->access, &a, e) == -1)
		return -1;
	return print_answer(o,
	    &(struct answer){ a.allowed, a.verdict, a.layer, a.rule,
		a.second });
}

/* Compiled and proved as the launcher does it. */
static int
print_filter(const struct decision *d, struct err *e)
{
	static struct filter_model m;
	static struct filter_program p;
	buf_auto struct buf b = { 0 };

	if (groups_model(d->grant.groups, !d->grant.wx, &m, e) == -1 ||
	    filter_compile(&m, &p, e) == -1 || filter_check(&m, &p, e) == -1)
		return -1;
	listing(p.insn, p.len, &b);
	fwrite(b.data, 1, b.len, stdout);
	return 0;
}

int
cmd_policy_explain(const struct cmd_policy *o, struct err *e)
{
	static struct machine m;
	value_auto struct value *doc = NULL;
	struct decision d;
	struct ceiling c;

	if (cmd_policy_load(o, &d, &c, e) == -1)
		return -1;
	if (o->filter)
		return print_filter(&d, e);
	if (o->path != NULL)
		return answer_path(o, &d, e);
	if (o->connect != NULL ||
	    (o->syscall != NULL && strchr(o->syscall, '(') != NULL))
		return answer(o, &d, e);
	doc = explain_document(&d, &c, e);
	if (doc == NULL)
		return -1;
	/* One call is answered, whatever the message wants mounted. */
	if (o->syscall == NULL &&
	    (cmd_policy_machine(&d, &m, e) == -1 ||
		explain_mounts(doc, &m, e) == -1))
		return -1;
	if (o->syscall != NULL &&
	    value_get(value_get(value_get(doc, "seccomp"), "calls"),
		o->syscall) == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s: no such system call",
		    o->syscall);
	if (o->json)
		cli_print(doc);
	else
		print_human(doc, o);
	return 0;
}

int
cmd_policy_groups(const struct cmd_policy *o, struct err *e)
{
	value_auto struct value *v = explain_groups();

	(void)e;
	if (o->json) {
		cli_print(v);
		return 0;
	}
	for (size_t i = 0; i < v->len; i++) {
		printf("%s\n", v->key[i]);
		for (size_t k = 0; k < v->item[i]->len; k++)
			printf("\t%s\n", v->item[i]->item[k]->text);
	}
	return 0;
}
