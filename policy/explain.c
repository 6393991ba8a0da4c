#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "policy/mount_plan.h"

const char *
explain_errno(int sys)
{
	const char *name = strerrorname_np(sys);

	return name == NULL ? "unknown" : name;
}

static void
put_verdict(struct buf *b, struct filter_verdict v)
{
	switch ((enum filter_act)v.act) {
	case FILTER_ALLOW:
		buf_add_str(b, "allow");
		return;
	case FILTER_ERRNO:
		buf_printf(b, "errno:%s", explain_errno(v.sys));
		return;
	case FILTER_KILL:
		buf_add_str(b, "kill");
		return;
	}
}

static void
put_rule(struct buf *b, const struct filter_rule *r)
{
	const struct filter_cond *c;

	for (size_t i = 0; i < r->nconds; i++) {
		c = &r->cond[i];
		buf_add_str(b, i == 0 ? "" : " and ");
		if (c->mask == UINT32_MAX)
			buf_printf(b, "arg%u == 0x%x", c->arg, c->value);
		else
			buf_printf(b, "arg%u & 0x%x == 0x%x", c->arg, c->mask,
			    c->value);
	}
	buf_add_str(b, ": ");
	put_verdict(b, r->then);
}

static void
add_call(struct value *calls, const struct filter_model *m, int nr,
    const char *name)
{
	buf_auto struct buf b = { 0 };
	struct value *one = value_set_map(calls, name), *rules = NULL;

	value_set_int(one, "nr", nr);
	put_verdict(&b, m->otherwise[nr]);
	value_set_text(one, "verdict", buf_text(&b));
	for (size_t i = 0; i < m->nrules; i++) {
		if (m->rule[i].nr != nr)
			continue;
		if (rules == NULL)
			rules = value_set_list(one, "rules");
		buf_reset(&b);
		put_rule(&b, &m->rule[i]);
		value_add_text(rules, buf_text(&b));
	}
}

static int
add_calls(struct value *doc, const struct decision *d, struct err *e)
{
	static struct filter_model m;
	static struct filter_program p;
	struct value *filter = value_set_map(doc, "seccomp"), *calls;
	const char *name;
	int nr;

	if (groups_model(d->grant.groups, !d->grant.wx, &m, e) == -1 ||
	    filter_compile(&m, &p, e) == -1 || filter_check(&m, &p, e) == -1)
		return -1;
	value_set_int(filter, "instructions", (int64_t)p.len);
	value_set_text(filter, "unknown", "errno:ENOSYS");
	value_set_text(filter, "foreign_architecture", "kill");
	calls = value_set_map(filter, "calls");
	for (size_t i = 0; (name = syscalls_at(i)) != NULL; i++) {
		nr = syscalls_number(SYSCALLS_NATIVE, name);
		if (nr >= 0)
			add_call(calls, &m, nr, name);
	}
	return 0;
}

struct value *
explain_document(const struct decision *d, const struct ceiling *c,
    struct err *e)
{
	struct value *doc = decide_document(d, c);
	char digest[65];

	decide_digest(doc, digest);
	value_set_text(doc, "digest", digest);
	value_set_text(doc, "ceiling", c->from_file ? "file" : "built-in");
	value_set_text(doc, "audit_on_full",
	    c->node.audit_drops ? "drop" : "stop");
	if (add_calls(doc, d, e) == 0)
		return doc;
	value_free(doc);
	return NULL;
}

struct value *
explain_groups(void)
{
	struct value *v = value_new(VALUE_MAP), *list;
	char *copy, *save;

	for (int g = 0; g < GROUPS_COUNT; g++) {
		list = value_set_list(v, groups_name((enum groups_id)g));
		copy = str_dup(groups_members((enum groups_id)g));
		save = NULL;
		for (char *w = strtok_r(copy, " ", &save); w != NULL;
		     w = strtok_r(NULL, " ", &save))
			value_add_text(list, w);
		free(copy);
	}
	return v;
}

static const char *
mount_name(const struct mount_plan_step *s)
{
	static const char *const names[] = { [MOUNT_PLAN_DEV] = "devices",
		[MOUNT_PLAN_TMPFS] = "memory",
		[MOUNT_PLAN_IMAGE] = "image",
		[MOUNT_PLAN_TREE] = "directory",
		[MOUNT_PLAN_DISK] = "disk",
		[MOUNT_PLAN_STATE] = "state" };

	return names[s->kind];
}

static void
add_mount(struct value *list, const char *target, const char *what,
    uint64_t attr, uint64_t bytes)
{
	struct value *one = value_add(list, value_new(VALUE_MAP));

	value_set_text(one, "target", target);
	value_set_text(one, "what", what);
	value_set_bool(one, "writable", (attr & MOUNT_ATTR_RDONLY) == 0);
	value_set_bool(one, "executable", (attr & MOUNT_ATTR_NOEXEC) == 0);
	if (bytes > 0)
		value_set_int(one, "bytes",
		    bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes);
}

int
explain_mounts(struct value *doc, const struct machine *m, struct err *e)
{
	static struct mount_plan plan;
	const struct mount_plan_step *s;
	struct value *list;

	if (mount_plan_build(&plan, m, e) == -1)
		return -1;
	list = value_set_list(doc, "mounts");
	add_mount(list, "/", "image", MOUNT_ATTR_RDONLY, 0);
	add_mount(list, "/proc", "its own processes", MOUNT_ATTR_NOEXEC, 0);
	for (size_t i = 0; i < plan.len; i++) {
		s = &plan.step[i];
		add_mount(list, s->target, mount_name(s), s->attr, s->bytes);
	}
	return 0;
}
