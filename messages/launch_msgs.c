#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/launch_msgs.h"

const char *
launch_msgs_cgroup_name(enum launch_cgroup c)
{
	static const char *const names[] = { "none", "hybrid", "v2" };

	invariant(c < nitems(names));
	return names[c];
}

const char *
launch_msgs_phase_name(enum launch_phase p)
{
	static const char *const names[LAUNCH_PHASES] = {
		[LAUNCH_PHASE_MOUNTS] = "mounts",
		[LAUNCH_PHASE_SLOT] = "slot",
		[LAUNCH_PHASE_FILTER] = "filter",
		[LAUNCH_PHASE_START] = "start",
	};

	invariant(p < LAUNCH_PHASES);
	return names[p];
}

void
launch_msgs_put_host(struct buf *b, const struct launch_host *h)
{
	buf_put_u8(b, h->cgroup);
	buf_put_u8(b, h->landlock_abi);
	buf_put_u8(b, h->rootless);
	buf_put_u32(b, h->missing);
}

void
launch_msgs_get_host(struct buf *b, struct launch_host *h)
{
	h->cgroup = buf_get_u8(b);
	h->landlock_abi = buf_get_u8(b);
	h->rootless = buf_get_u8(b) != 0;
	h->missing = buf_get_u32(b);
	if (h->cgroup > LAUNCH_CGROUP_V2)
		b->failed = true;
}

void
launch_msgs_put_created(struct buf *b, const struct launch_created *c)
{
	buf_put_u32(b, c->degraded);
	buf_put_u64(b, c->memory);
	buf_put_u64(b, c->pids);
	buf_put_u64(b, c->cpu_quota_us);
	buf_put_u64(b, c->cpu_period_us);
	buf_put_u64(b, c->nofile);
	buf_put_u64(b, c->fsize);
	for (int i = 0; i < LAUNCH_PHASES; i++)
		buf_put_u64(b, c->phase_ns[i]);
	buf_put_u32(b, c->filter_len);
	buf_put_u32(b, c->uid);
}

void
launch_msgs_get_created(struct buf *b, struct launch_created *c)
{
	c->degraded = buf_get_u32(b);
	c->memory = buf_get_u64(b);
	c->pids = buf_get_u64(b);
	c->cpu_quota_us = buf_get_u64(b);
	c->cpu_period_us = buf_get_u64(b);
	c->nofile = buf_get_u64(b);
	c->fsize = buf_get_u64(b);
	for (int i = 0; i < LAUNCH_PHASES; i++)
		c->phase_ns[i] = buf_get_u64(b);
	c->filter_len = buf_get_u32(b);
	c->uid = buf_get_u32(b);
}

void
launch_msgs_put_exited(struct buf *b, const struct launch_exited *x)
{
	buf_put_u8(b, x->cause);
	buf_put_u8(b, x->end);
	buf_put_u32(b, x->code);
	buf_put_u64(b, x->wall_ns);
	buf_put_u64(b, x->cpu_ns);
	buf_put_u64(b, x->memory_peak);
	buf_put_u64(b, x->pids_peak);
	buf_put_u64(b, x->oom_kills);
	buf_put_u64(b, x->throttled_ns);
}

void
launch_msgs_get_exited(struct buf *b, struct launch_exited *x)
{
	x->cause = buf_get_u8(b);
	x->end = buf_get_u8(b);
	x->code = buf_get_u32(b);
	x->wall_ns = buf_get_u64(b);
	x->cpu_ns = buf_get_u64(b);
	x->memory_peak = buf_get_u64(b);
	x->pids_peak = buf_get_u64(b);
	x->oom_kills = buf_get_u64(b);
	x->throttled_ns = buf_get_u64(b);
	if (x->cause >= LAUNCH_CAUSES || x->end >= LAUNCH_ENDS)
		b->failed = true;
}

void
launch_msgs_put_error(struct buf *b, const struct err *e)
{
	buf_put_u32(b, e->code);
	buf_put_u32(b, (uint32_t)e->sys);
	buf_put_str(b, e->text);
}

void
launch_msgs_get_error(struct buf *b, struct err *e)
{
	uint32_t code = buf_get_u32(b);

	e->sys = (int)buf_get_u32(b);
	buf_get_str(b, e->text, sizeof(e->text));
	if (code > ERR_SYSTEM)
		b->failed = true;
	e->code = b->failed ? ERR_INVALID : (enum err_code)code;
}
