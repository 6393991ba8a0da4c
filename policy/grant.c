#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "policy/grant.h"
#include "policy/groups.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)
#define GIB (KIB * MIB)

static const struct {
	const char *name, *unit;
} limits[GRANT_LIMITS] = {
	[GRANT_MEMORY] = { "memory", "bytes" },
	[GRANT_CPU] = { "cpu", "percent" },
	[GRANT_WALL] = { "wall", "ns" },
	[GRANT_CPU_TIME] = { "cpu_time", "ns" },
	[GRANT_PIDS] = { "pids", "count" },
	[GRANT_NOFILE] = { "nofile", "count" },
	[GRANT_FSIZE] = { "fsize", "bytes" },
	[GRANT_MEMLOCK] = { "memlock", "bytes" },
	[GRANT_SIGPENDING] = { "sigpending", "count" },
	[GRANT_STACK] = { "stack", "bytes" },
	[GRANT_TMP] = { "tmp", "bytes" },
	[GRANT_TMP_FILES] = { "tmp_files", "count" },
	[GRANT_SHM] = { "shm", "bytes" },
	[GRANT_EXPORT] = { "export", "bytes" },
	[GRANT_EXPORT_FILES] = { "export_files", "count" },
	[GRANT_STDOUT] = { "stdout", "bytes" },
	[GRANT_STDERR] = { "stderr", "bytes" },
	[GRANT_BODY] = { "body", "bytes" },
	[GRANT_IO] = { "io", "bytes/s" },
};

/* The table of tiers: strict, standard, networked. */
static const struct {
	const char *name;
	struct grant grant;
} tiers[GRANT_TIERS] = {
	{ "strict",
	    {
		.groups = GROUPS_STRICT,
		.net = GRANT_NET_NONE,
		.limit = {
		    [GRANT_MEMORY] = 512 * MIB,
		    [GRANT_CPU] = 100,
		    [GRANT_WALL] = 30 * CLOCK_SECOND,
		    [GRANT_CPU_TIME] = 30 * CLOCK_SECOND,
		    [GRANT_PIDS] = 32,
		    [GRANT_NOFILE] = 64,
		    [GRANT_FSIZE] = 16 * MIB,
		    [GRANT_MEMLOCK] = 0,
		    [GRANT_SIGPENDING] = 64,
		    [GRANT_STACK] = 8 * MIB,
		    [GRANT_TMP] = 32 * MIB,
		    [GRANT_TMP_FILES] = 2048,
		    [GRANT_SHM] = 0,
		    [GRANT_EXPORT] = 16 * MIB,
		    [GRANT_EXPORT_FILES] = 256,
		    [GRANT_STDOUT] = 64 * KIB,
		    [GRANT_STDERR] = 64 * KIB,
		    [GRANT_BODY] = MIB,
		    [GRANT_IO] = 20000000,
		},
	    } },
	{ "standard",
	    {
		.groups = GROUPS_STANDARD,
		.net = GRANT_NET_LOOPBACK,
		.wx = true,
		.limit = {
		    [GRANT_MEMORY] = 2 * GIB,
		    [GRANT_CPU] = 400,
		    [GRANT_WALL] = 300 * CLOCK_SECOND,
		    [GRANT_CPU_TIME] = 1200 * CLOCK_SECOND,
		    [GRANT_PIDS] = 128,
		    [GRANT_NOFILE] = 1024,
		    [GRANT_FSIZE] = 128 * MIB,
		    [GRANT_MEMLOCK] = 64 * KIB,
		    [GRANT_SIGPENDING] = 512,
		    [GRANT_STACK] = 8 * MIB,
		    [GRANT_TMP] = 128 * MIB,
		    [GRANT_TMP_FILES] = 8192,
		    [GRANT_SHM] = 32 * MIB,
		    [GRANT_EXPORT] = 128 * MIB,
		    [GRANT_EXPORT_FILES] = 4096,
		    [GRANT_STDOUT] = MIB,
		    [GRANT_STDERR] = MIB,
		    [GRANT_BODY] = 8 * MIB,
		    [GRANT_IO] = 100000000,
		},
	    } },
	{ "networked",
	    {
		.groups = GROUPS_NETWORKED,
		.net = GRANT_NET_EGRESS,
		.wx = true,
		.limit = {
		    [GRANT_MEMORY] = 2 * GIB,
		    [GRANT_CPU] = 400,
		    [GRANT_WALL] = 300 * CLOCK_SECOND,
		    [GRANT_CPU_TIME] = 1200 * CLOCK_SECOND,
		    [GRANT_PIDS] = 256,
		    [GRANT_NOFILE] = 2048,
		    [GRANT_FSIZE] = 128 * MIB,
		    [GRANT_MEMLOCK] = 64 * KIB,
		    [GRANT_SIGPENDING] = 512,
		    [GRANT_STACK] = 8 * MIB,
		    [GRANT_TMP] = 128 * MIB,
		    [GRANT_TMP_FILES] = 8192,
		    [GRANT_SHM] = 32 * MIB,
		    [GRANT_EXPORT] = 128 * MIB,
		    [GRANT_EXPORT_FILES] = 4096,
		    [GRANT_STDOUT] = MIB,
		    [GRANT_STDERR] = MIB,
		    [GRANT_BODY] = 8 * MIB,
		    [GRANT_IO] = 100000000,
		},
	    } },
};

const struct grant *
grant_of_tier(enum grant_tier t)
{
	static struct grant networked;

	invariant(t < GRANT_TIERS);
	if (t != GRANT_NETWORKED)
		return &tiers[t].grant;
	networked = tiers[t].grant;
	egress_top(&networked.egress);
	return &networked;
}

const char *
grant_tier_name(enum grant_tier t)
{
	invariant(t < GRANT_TIERS);
	return tiers[t].name;
}

int
grant_tier_find(const char *name)
{
	for (int t = 0; t < GRANT_TIERS; t++)
		if (strcmp(tiers[t].name, name) == 0)
			return t;
	return -1;
}

const char *
grant_net_name(enum grant_net net)
{
	static const char *const names[] = { "none", "loopback", "egress" };

	invariant(net < nitems(names));
	return names[net];
}

struct grant
grant_top(void)
{
	struct grant g = {
		.groups = GROUPS_ALL,
		.net = GRANT_NET_EGRESS,
		.wx = true,
		.exec_writable = true,
	};

	egress_top(&g.egress);
	for (size_t i = 0; i < GRANT_LIMITS; i++)
		g.limit[i] = UINT64_MAX;
	return g;
}

const char *
grant_limit_name(enum grant_limit l)
{
	invariant(l < GRANT_LIMITS);
	return limits[l].name;
}

const char *
grant_limit_unit(enum grant_limit l)
{
	invariant(l < GRANT_LIMITS);
	return limits[l].unit;
}

int
grant_limit_find(const char *name)
{
	for (int l = 0; l < GRANT_LIMITS; l++)
		if (strcmp(limits[l].name, name) == 0)
			return l;
	return -1;
}

struct grant
grant_meet(const struct grant *a, const struct grant *b)
{
	struct grant g = {
		.groups = a->groups & b->groups,
		.net = a->net < b->net ? a->net : b->net,
		.wx = a->wx && b->wx,
		.exec_writable = a->exec_writable && b->exec_writable,
	};

	egress_meet(&g.egress, &a->egress, &b->egress);
	for (size_t i = 0; i < GRANT_LIMITS; i++)
		g.limit[i] =
		    a->limit[i] < b->limit[i] ? a->limit[i] : b->limit[i];
	return g;
}

int
grant_check(const struct grant *a, const struct grant *b, struct err *e)
{
	uint64_t more = a->groups & ~b->groups;
	const struct egress_rule *above;
	char text[EGRESS_TEXT_MAX];

	for (int g = 0; g < GROUPS_COUNT; g++)
		if ((more & GROUPS_BIT(g)) != 0)
			return err_set(e, ERR_DENIED,
			    "system call group %s is above the ceiling",
			    groups_name((enum groups_id)g));
	if ((more & ~GROUPS_ALL) != 0)
		return err_set(e, ERR_DENIED,
		    "an unknown system call group is above the ceiling");
	if (a->net > b->net)
		return err_set(e, ERR_DENIED,
		    "network mode is above the ceiling");
	above = egress_first_above(&a->egress, &b->egress);
	if (above != NULL) {
		egress_rule_text(text, above);
		return err_set(e, ERR_DENIED,
		    "network: %s is above the ceiling", text);
	}
	if (a->wx && !b->wx)
		return err_set(e, ERR_DENIED,
		    "writable and executable memory is above the ceiling");
	if (a->exec_writable && !b->exec_writable)
		return err_set(e, ERR_DENIED,
		    "programs on writable volumes are above the ceiling");
	for (size_t i = 0; i < GRANT_LIMITS; i++)
		if (a->limit[i] > b->limit[i])
			return err_set(e, ERR_DENIED,
			    "limit %s: %" PRIu64
			    " is above the ceiling, %" PRIu64,
			    limits[i].name, a->limit[i], b->limit[i]);
	return 0;
}

bool
grant_within(const struct grant *a, const struct grant *b)
{
	struct err e;

	return grant_check(a, b, &e) == 0;
}

void
grant_put(struct buf *b, const struct grant *g)
{
	buf_put_u64(b, g->groups);
	for (size_t i = 0; i < GRANT_LIMITS; i++)
		buf_put_u64(b, g->limit[i]);
	buf_put_u8(b, g->net);
	buf_put_u8(b, g->wx);
	buf_put_u8(b, g->exec_writable);
	egress_put(b, &g->egress);
}

void
grant_get(struct buf *b, struct grant *g)
{
	g->groups = buf_get_u64(b);
	for (size_t i = 0; i < GRANT_LIMITS; i++)
		g->limit[i] = buf_get_u64(b);
	g->net = buf_get_u8(b);
	if (g->net > GRANT_NET_EGRESS)
		b->failed = true;
	g->wx = buf_get_u8(b) != 0;
	g->exec_writable = buf_get_u8(b) != 0;
	egress_get(b, &g->egress);
	if (g->net != GRANT_NET_EGRESS && g->egress.n != 0)
		b->failed = true;
}
