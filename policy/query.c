#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/decide.h"
#include "policy/emulate.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "policy/query.h"
#include "policy/query_layers.h"

#define CALL_ARGS 6
#define CALL_NAME 40

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

struct call {
	char name[CALL_NAME];
	int nr;
	uint64_t arg[CALL_ARGS];
};

/* ---- the question ---- */

static const char *
skip_blanks(const char *p)
{
	while (isblank((unsigned char)*p))
		p++;
	return p;
}

/* Decimal, hexadecimal or octal, as C has them. */
static const char *
read_number(const char *p, uint64_t *to)
{
	const bool negative = *p == '-';
	char *end;

	p += negative;
	if (!isdigit((unsigned char)*p))
		return NULL;
	errno = 0;
	*to = strtoull(p, &end, 0);
	if (errno != 0)
		return NULL;
	if (negative)
		*to = -*to;
	return skip_blanks(end);
}

/* From behind the parenthesis to the end; NULL: it is none. */
static const char *
read_args(const char *p, struct call *c)
{
	p = skip_blanks(p);
	for (size_t i = 0; *p != ')'; i++) {
		if (i > 0 && *p++ != ',')
			return NULL;
		if (i == CALL_ARGS)
			return NULL;
		p = read_number(skip_blanks(p), &c->arg[i]);
		if (p == NULL)
			return NULL;
	}
	return skip_blanks(p + 1);
}

static int
read_call(const char *text, struct call *c, struct err *e)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789");
	const char *rest = skip_blanks(text + n);

	memset(c, 0, sizeof(*c));
	if (n > 0 && n < sizeof(c->name))
		memcpy(c->name, text, n);
	if (*rest == '(')
		rest = read_args(rest + 1, c);
	if (c->name[0] == '\0' || rest == NULL || *rest != '\0')
		return err_set(e, ERR_INVALID,
		    "%s: not a call such as socket(38, 5, 0)", text);
	c->nr = syscalls_number(SYSCALLS_NATIVE, c->name);
	if (c->nr < 0)
		return err_set(e, ERR_NOT_FOUND, "%s: no such system call",
		    c->name);
	return 0;
}

/* ---- what decides ---- */

static bool
is_member(enum groups_id g, const char *name)
{
	const char *p = groups_members(g);
	const size_t n = strlen(name);
	size_t len;

	for (; *p != '\0'; p += len + (p[len] == ' ')) {
		len = strcspn(p, " ");
		if (len == n && memcmp(p, name, n) == 0)
			return true;
	}
	return false;
}

/* The groups that have the call, of the grant's or of the others. */
static bool
list_groups(char *out, size_t size, const char *name, uint64_t set)
{
	size_t len = 0;

	out[0] = '\0';
	for (int g = 0; g < GROUPS_COUNT && len < size; g++)
		if ((set & GROUPS_BIT(g)) != 0 &&
		    is_member((enum groups_id)g, name))
			len += (size_t)snprintf(out + len, size - len, "%s%s",
			    len == 0 ? "" : ", ",
			    groups_name((enum groups_id)g));
	return len > 0;
}

static void
print_rule(char out[QUERY_TEXT], const char *groups,
    const struct filter_rule *r)
{
	size_t len =
	    (size_t)snprintf(out, QUERY_TEXT, "group %s, rule ", groups);

	for (uint8_t i = 0; i < r->nconds && len < QUERY_TEXT; i++)
		len += (size_t)snprintf(out + len, QUERY_TEXT - len,
		    r->cond[i].mask == UINT32_MAX ? "%sarg%u == 0x%x"
						  : "%sarg%u & 0x%x == 0x%x",
		    i == 0 ? "" : " and ", r->cond[i].arg,
		    r->cond[i].mask == UINT32_MAX ? r->cond[i].value
						  : r->cond[i].mask,
		    r->cond[i].value);
}

static void
name_rule(const struct grant *g, const struct filter_model *m,
    const struct call *c, char out[QUERY_TEXT])
{
	const struct filter_rule *r =
	    filter_find_rule(m, (uint32_t)c->nr, c->arg);
	char have[128], others[128];

	if (list_groups(have, sizeof(have), c->name, g->groups)) {
		if (r != NULL)
			print_rule(out, have, r);
		else
			snprintf(out, QUERY_TEXT,
			    m->ruled[c->nr] != 0
				? "group %s, no rule for these arguments"
				: "group %s",
			    have);
	} else if (list_groups(others, sizeof(others), c->name, ~g->groups)) {
		snprintf(out, QUERY_TEXT,
		    "no group of this policy has it (%s would)", others);
	} else {
		snprintf(out, QUERY_TEXT,
		    m->otherwise[c->nr].act == FILTER_KILL
			? "no honest program calls it"
			: m->otherwise[c->nr].sys == EPERM
			? "no machine ever gets it"
			: "no group has it");
	}
}

static void
name_verdict(uint32_t ret, struct query_answer *a)
{
	const char *name;

	a->allowed = ret == SECCOMP_RET_ALLOW;
	name = a->allowed ? "allow"
	    : (ret & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO
	    ? "kill"
	    : strerrorname_np((int)(ret & SECCOMP_RET_DATA));
	snprintf(a->verdict, sizeof(a->verdict), "%s",
	    name == NULL ? "unknown" : name);
}

int
query_call(const struct decision *d, const char *text, struct query_answer *a,
    struct err *e)
{
	static struct filter_model m;
	static struct filter_program p;
	struct seccomp_data data = { .arch = ARCH };
	struct call c;
	uint32_t ret;

	if (read_call(text, &c, e) == -1 ||
	    groups_model(d->grant.groups, !d->grant.wx, &m, e) == -1 ||
	    filter_compile(&m, &p, e) == -1 || filter_check(&m, &p, e) == -1)
		return -1;
	data.nr = c.nr;
	for (size_t i = 0; i < CALL_ARGS; i++)
		data.args[i] = c.arg[i];
	if (emulate_run(p.insn, p.len, &data, &ret) == -1)
		return err_set(e, ERR_SYSTEM, "the filter does not end");
	name_verdict(ret, a);
	a->layer = "seccomp";
	name_rule(&d->grant, &m, &c, a->rule);
	a->second = query_layers_behind(c.name);
	return 0;
}
