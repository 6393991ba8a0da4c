#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "policy/amount.h"
#include "policy/ceiling.h"
#include "policy/ceiling_reader.h"
#include "policy/groups.h"

#define OPTIONAL_BY_DEFAULT                               \
	(MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_TRUNCATE) | \
	    MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_TCP) |   \
	    MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_IOCTL) | \
	    MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_SCOPE) | \
	    MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_LOG) |   \
	    MACHINE_CONTROL_BIT(MACHINE_CORE_SCHED) |     \
	    MACHINE_CONTROL_BIT(MACHINE_SPECULATION) |    \
	    MACHINE_CONTROL_BIT(MACHINE_IO_MAX))

void
ceiling_default(struct ceiling *c)
{
	memset(c, 0, sizeof(*c));
	c->tier = GRANT_STANDARD;
	c->grant = *grant_of_tier(GRANT_STANDARD);
	c->optional = OPTIONAL_BY_DEFAULT;
	c->node.cron_period_ns = 60 * CLOCK_SECOND;
	c->node.warm_idle_ns = 60 * CLOCK_SECOND;
	c->node.logs_function = 1 << 20;
	c->node.logs_total = UINT64_C(256) << 20;
	c->fetch.file_max = UINT64_C(4) << 30;
	c->fetch.cache_max = UINT64_C(16) << 30;
	c->node.queue = 128;
	c->node.wait_ns = 5 * CLOCK_SECOND;
}

static const char *const ids[] = { "policy:unknown", "policy:type",
	"policy:version", "policy:tier", "policy:net", "policy:egress",
	"policy:dns", "policy:group", "policy:amount", "policy:limit",
	"policy:control", "policy:digest", "policy:trusted", "policy:wx",
	"policy:fixed", "policy:abi", "policy:choice" };

void
ceiling_ids(void (*fn)(void *, const char *), void *arg)
{
	for (size_t i = 0; i < nitems(ids); i++)
		fn(arg, ids[i]);
}

void
ceiling_report(const struct ceiling_reader *r, const char *id,
    const struct value *v, const char *path, const char *why)
{
	size_t n = r->problems->len;

	problems_add(r->problems, id, path, "%s", why);
	if (r->problems->len == n)
		return; /* one too many */
	r->problems->item[n].line = v->line;
	r->problems->item[n].column = v->column;
}

void
ceiling_report_text(const struct ceiling_reader *r, const char *id,
    const struct value *v, const char *path, const char *why)
{
	char *quoted = problems_quote(v->text);
	char *all = str_printf("%s %s", quoted, why);

	ceiling_report(r, id, v, path, all);
	free(all);
	free(quoted);
}

bool
ceiling_is_kind(const struct ceiling_reader *r, const struct value *v,
    enum value_kind kind, const char *path)
{
	char why[80];

	if (v->kind == kind)
		return true;
	snprintf(why, sizeof(why), "%s, not %s", value_kind_name(v->kind),
	    value_kind_name(kind));
	ceiling_report(r, "policy:type", v, path, why);
	return false;
}

static void
read_limit(const struct ceiling_reader *r, enum grant_limit limit,
    const struct value *v, const char *path)
{
	char text[32], why[120];
	uint64_t n;

	if (v->kind == VALUE_INT && v->number >= 0)
		snprintf(text, sizeof(text), "%" PRId64, v->number);
	else if (v->kind == VALUE_STRING)
		snprintf(text, sizeof(text), "%.31s", v->text);
	else
		text[0] = '\0';
	/* What the message's seconds and vcpus come to: the default. */
	if (limit == GRANT_CPU_TIME && strcmp(text, "message") == 0)
		return;
	if (!amount_parse(limit, text, &n)) {
		snprintf(why, sizeof(why), "not an amount in %s with its unit",
		    grant_limit_unit(limit));
		ceiling_report(r, "policy:amount", v, path, why);
		return;
	}
	r->c->grant.limit[limit] = n;
	r->c->set |= UINT64_C(1) << limit;
}

static void read_fixed(const struct ceiling_reader *, const struct value *,
    const char *);

static void
read_limits(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	char below[96];
	int limit;

	if (!ceiling_is_kind(r, v, VALUE_MAP, path))
		return;
	for (size_t i = 0; i < v->len; i++) {
		snprintf(below, sizeof(below), "%s.%.60s", path, v->key[i]);
		limit = grant_limit_find(v->key[i]);
		if (strcmp(below, "limits.swap") == 0)
			read_fixed(r, v->item[i], below);
		else if (limit == -1)
			ceiling_report(r, "policy:limit", v->item[i], below,
			    "no such limit");
		else
			read_limit(r, (enum grant_limit)limit, v->item[i],
			    below);
	}
}

/* Calls fn for each text of a list. */
void
ceiling_each_text(const struct ceiling_reader *r, const struct value *v,
    const char *path, ceiling_read_fn *fn)
{
	char below[96];

	if (!ceiling_is_kind(r, v, VALUE_LIST, path))
		return;
	for (size_t i = 0; i < v->len; i++) {
		snprintf(below, sizeof(below), "%s[%zu]", path, i);
		if (ceiling_is_kind(r, v->item[i], VALUE_STRING, below))
			fn(r, v->item[i], below);
	}
}

static void
add_group(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	int group = groups_find(v->text);

	if (group == -1 && !CONTROL(33))
		return;
	if (group == -1)
		ceiling_report_text(r, "policy:group", v, path,
		    "is no group of system calls");
	else
		r->c->grant.groups |= GROUPS_BIT(group);
}

static void
add_clamp(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	int limit = grant_limit_find(v->text);

	if (limit == -1)
		ceiling_report_text(r, "policy:limit", v, path, "is no limit");
	else
		r->c->clamp |= UINT64_C(1) << limit;
}

static void
add_optional(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	int control = machine_control_find(v->text);

	if (control == -1)
		ceiling_report_text(r, "policy:control", v, path,
		    "is no control");
	else
		r->c->optional |= MACHINE_CONTROL_BIT(control);
}

static void
add_trusted(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	if (!str_is_sha256(v->text))
		ceiling_report_text(r, "policy:digest", v, path,
		    "is not a SHA-256 digest");
	else if (r->c->ntrusted == CEILING_TRUSTED_MAX)
		ceiling_report(r, "policy:trusted", v, path,
		    "more than 64 trusted images");
	else
		invariant(
		    str_copy(r->c->trusted[r->c->ntrusted++], 65, v->text));
}

static void
read_version(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	if (v->kind != VALUE_INT || v->number != 1)
		ceiling_report(r, "policy:version", v, path, "not 1");
}

/* The tier comes first: what it gives is what the rest narrows or widens. */
static void
read_tier(const struct ceiling_reader *r, const struct value *v)
{
	int tier;

	if (v == NULL || !ceiling_is_kind(r, v, VALUE_STRING, "tier"))
		return;
	tier = grant_tier_find(v->text);
	if (tier == -1) {
		ceiling_report_text(r, "policy:tier", v, "tier",
		    "is none of strict, standard, networked");
		return;
	}
	r->c->tier = (enum grant_tier)tier;
	r->c->grant = *grant_of_tier(r->c->tier);
	/* Where to is for "net" to say; until it does, nowhere. */
	r->c->grant.egress.n = 0;
}

static void
read_why(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	(void)ceiling_is_kind(r, v, VALUE_STRING, path);
}

static void
ignore(const struct ceiling_reader *r, const struct value *v, const char *path)
{
	(void)r;
	(void)v;
	(void)path;
}

static void
read_groups(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	r->c->grant.groups = 0;
	ceiling_each_text(r, v, path, add_group);
}

static void
read_wx(const struct ceiling_reader *r, const struct value *v, const char *path)
{
	if (v->kind != VALUE_STRING ||
	    (strcmp(v->text, "allow") != 0 && strcmp(v->text, "deny") != 0))
		ceiling_report(r, "policy:wx", v, path,
		    "neither allow nor deny");
	else
		r->c->grant.wx = strcmp(v->text, "allow") == 0;
}

static void
read_clamp(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	ceiling_each_text(r, v, path, add_clamp);
}

static void
read_optional(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	r->c->optional = 0;
	ceiling_each_text(r, v, path, add_optional);
}

static void
read_trusted(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	ceiling_each_text(r, v, path, add_trusted);
}

static void
read_exec_writable(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	if (ceiling_is_kind(r, v, VALUE_BOOL, path))
		r->c->grant.exec_writable = v->truth;
}

static void
read_refuse_ungranted(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	if (ceiling_is_kind(r, v, VALUE_BOOL, path))
		r->c->refuse_ungranted = v->truth;
}

/* What holds in every machine can be written down, and cannot be changed. */
static void
read_fixed(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct {
		const char *path, *text;
	} fixed[] = {
		{ "ceiling", "true" },
		{ "userns.range", "auto" },
		{ "userns.nested", "deny" },
		{ "seccomp.default", "enosys" },
		{ "limits.swap", "0" },
		{ "mounts.runtime", "ro" },
		{ "mounts.data", "ro" },
		{ "mounts.tmp.exec", "deny" },
	};
	char why[64], text[32];
	size_t i = 0;

	while (i + 1 < nitems(fixed) && strcmp(fixed[i].path, path) != 0)
		i++;
	if (v->kind == VALUE_BOOL)
		snprintf(text, sizeof(text), "%s", v->truth ? "true" : "false");
	else if (v->kind == VALUE_INT)
		snprintf(text, sizeof(text), "%" PRId64, v->number);
	else
		snprintf(text, sizeof(text), "%.31s",
		    v->kind == VALUE_STRING ? v->text : "");
	snprintf(why, sizeof(why), "always %s", fixed[i].text);
	if (strcmp(text, fixed[i].text) != 0)
		ceiling_report(r, "policy:fixed", v, path, why);
}

/* A size of a mount is the limit of that name. */
static void
read_mount_limit(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct {
		const char *path;
		enum grant_limit limit;
	} sizes[] = {
		{ "mounts.tmp.size", GRANT_TMP },
		{ "mounts.tmp.files", GRANT_TMP_FILES },
		{ "mounts.shm.size", GRANT_SHM },
		{ "mounts.export.size", GRANT_EXPORT },
		{ "mounts.export.files", GRANT_EXPORT_FILES },
	};

	for (size_t i = 0; i < nitems(sizes); i++)
		if (strcmp(sizes[i].path, path) == 0)
			read_limit(r, sizes[i].limit, v, path);
}

static void
add_landlock_optional(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	char name[64];
	int control;

	snprintf(name, sizeof(name), "landlock_%.40s", v->text);
	control = machine_control_find(name);
	if (control == -1)
		ceiling_report_text(r, "policy:control", v, path,
		    "is none of truncate, tcp, ioctl_dev, scope, log");
	else
		r->c->optional |= MACHINE_CONTROL_BIT(control);
}

/* Above the ABI that is required, what this names may be missing. */
static void
read_landlock_optional(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	for (int c = MACHINE_LANDLOCK_TRUNCATE; c <= MACHINE_LANDLOCK_LOG; c++)
		r->c->optional &= ~MACHINE_CONTROL_BIT(c);
	ceiling_each_text(r, v, path, add_landlock_optional);
}

static void
read_required_abi(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	const int newest = machine_control_abi(MACHINE_LANDLOCK_LOG);
	char why[40];

	snprintf(why, sizeof(why), "outside 2..%d", newest);
	if (v->kind != VALUE_INT || v->number < 2 || v->number > newest) {
		ceiling_report(r, "policy:abi", v, path, why);
		return;
	}
	for (int c = MACHINE_LANDLOCK; c <= MACHINE_LANDLOCK_LOG; c++)
		if (machine_control_abi((enum machine_control)c) <= v->number)
			r->c->optional &= ~MACHINE_CONTROL_BIT(c);
}

static void read_seccomp(const struct ceiling_reader *, const struct value *,
    const char *);
static void read_images(const struct ceiling_reader *, const struct value *,
    const char *);
static void read_userns(const struct ceiling_reader *, const struct value *,
    const char *);
static void read_mounts(const struct ceiling_reader *, const struct value *,
    const char *);

static const struct ceiling_row rows[] = {
	{ "version", read_version },
	{ "tier", ignore }, /* read before the others */
	{ "why", read_why },
	{ "ceiling", read_fixed },
	{ "userns", read_userns },
	{ "landlock", ignore }, /* read after the others */
	{ "mounts", read_mounts },
	{ "net", ceiling_net_read },
	{ "seccomp", read_seccomp },
	{ "images", read_images },
	{ "limits", read_limits },
	{ "clamp", read_clamp },
	{ "optional", read_optional },
	{ "exec_writable", read_exec_writable },
	{ "refuse_ungranted", read_refuse_ungranted },
	{ "audit", ceiling_node_audit },
	{ "cron", ceiling_node_cron },
	{ "admission", ceiling_node_admission },
	{ "fetch", ceiling_fetch_read },
	{ "callers", ceiling_node_callers },
	{ "exec", ceiling_node_exec },
	{ "logs", ceiling_node_logs },
	{ "warm", ceiling_node_warm },
	{ "async", ceiling_fetch_async },
};
static const struct ceiling_row seccomp_rows[] = { { "groups", read_groups },
	{ "wx", read_wx }, { "default", read_fixed } };
static const struct ceiling_row images_rows[] = { { "trusted", read_trusted } };
static const struct ceiling_row userns_rows[] = { { "range", read_fixed },
	{ "nested", read_fixed } };
static const struct ceiling_row landlock_rows[] = {
	{ "optional", read_landlock_optional }, { "required_abi", ignore }
};
static const struct ceiling_row tmp_rows[] = { { "size", read_mount_limit },
	{ "files", read_mount_limit }, { "exec", read_fixed } };
static const struct ceiling_row sized_rows[] = { { "size", read_mount_limit },
	{ "files", read_mount_limit } };

void
ceiling_read_rows(const struct ceiling_reader *r, const struct value *v,
    const char *path, const struct ceiling_row *table, size_t n)
{
	char below[96];
	size_t k;

	if (!ceiling_is_kind(r, v, VALUE_MAP, *path ? path : "the policy"))
		return;
	for (size_t i = 0; i < v->len; i++) {
		snprintf(below, sizeof(below), "%s%s%.60s", path,
		    *path ? "." : "", v->key[i]);
		for (k = 0; k < n; k++)
			if (strcmp(table[k].key, v->key[i]) == 0)
				break;
		if (k < n)
			table[k].read(r, v->item[i], below);
		else
			ceiling_report(r, "policy:unknown", v->item[i], below,
			    "unknown key");
	}
}

static void
read_seccomp(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	ceiling_read_rows(r, v, path, seccomp_rows, nitems(seccomp_rows));
}

static void
read_images(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	ceiling_read_rows(r, v, path, images_rows, nitems(images_rows));
}

static void
read_userns(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	ceiling_read_rows(r, v, path, userns_rows, nitems(userns_rows));
}

static void
read_tmp(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	ceiling_read_rows(r, v, path, tmp_rows, nitems(tmp_rows));
}

static void
read_sized(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	ceiling_read_rows(r, v, path, sized_rows, nitems(sized_rows));
}

static void
read_shm(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	ceiling_read_rows(r, v, path, sized_rows, 1);
}

static void
read_mounts(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row mounts_rows[] = { { "tmp", read_tmp },
		{ "export", read_sized }, { "shm", read_shm },
		{ "runtime", read_fixed }, { "data", read_fixed } };

	ceiling_read_rows(r, v, path, mounts_rows, nitems(mounts_rows));
}

/* Last: it has the last word on its controls, and the ABI within it. */
static void
read_landlock(const struct ceiling_reader *r, const struct value *v)
{
	const struct value *abi = value_get(v, "required_abi");

	if (v == NULL)
		return;
	ceiling_read_rows(r, v, "landlock", landlock_rows,
	    nitems(landlock_rows));
	if (abi != NULL)
		read_required_abi(r, abi, "landlock.required_abi");
}

int
ceiling_read(struct ceiling *out, const struct value *v,
    struct problems *problems)
{
	struct ceiling c;
	struct ceiling_reader r = { &c, problems };
	size_t before = problems->len;

	ceiling_default(&c);
	c.from_file = true;
	read_tier(&r, value_get(v, "tier"));
	ceiling_read_rows(&r, v, "", rows, nitems(rows));
	read_landlock(&r, value_get(v, "landlock"));
	/* What a way out is of no use without; a tier still narrows it. */
	if (c.grant.net == GRANT_NET_EGRESS &&
	    value_get(value_get(v, "seccomp"), "groups") == NULL)
		c.grant.groups |= GROUPS_BIT(GROUPS_SOCK_INET);
	if (c.grant.net == GRANT_NET_EGRESS && value_get(v, "net") == NULL)
		ceiling_report(&r, "policy:net", v, "net",
		    "missing: tier networked needs to know where to");
	if (value_get(v, "version") == NULL)
		ceiling_report(&r, "policy:version", v, "version", "missing");
	if (problems->len != before)
		return -1;
	*out = c;
	return 0;
}
