#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "messages/aleph.h"
#include "messages/launch_msgs.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "policy/verdict.h"
#include "runtime/record_parts.h"

static void
facts_of_end(const struct launch_exited *x, struct verdict_facts *f)
{
	switch ((enum launch_end)x->end) {
	case LAUNCH_END_EXIT:
		f->status = (int)x->code;
		break;
	case LAUNCH_END_SIGNAL:
		f->signal = (int)x->code;
		break;
	case LAUNCH_END_NO_EXEC:
		/* As shells say it: not found, or not executable. */
		f->status = x->code == ENOENT ? 127 : 126;
		break;
	case LAUNCH_END_NO_START:
		f->not_started = true;
		break;
	case LAUNCH_END_LOST:
	case LAUNCH_ENDS:
		/* init was killed: by us, or by the kernel for memory. */
		f->signal = 9;
		break;
	}
}

void
record_parts_facts(const struct launch_exited *x, bool served,
    struct verdict_facts *f)
{
	facts_of_end(x, f);
	f->oom_kills = x->oom_kills;
	f->over_wall = x->cause == LAUNCH_CAUSE_WALL;
	f->over_cpu = x->cause == LAUNCH_CAUSE_CPU;
	f->over_output = x->cause == LAUNCH_CAUSE_OUTPUT;
	f->over_disk = x->cause == LAUNCH_CAUSE_DISK;
	f->stopped = x->cause == LAUNCH_CAUSE_STOP;
	if (served && f->stopped) {
		/* We ended it because its work was done. */
		f->stopped = false;
		f->signal = 0;
	}
	/* init died, and nobody asked: a fault of ours. */
	if (x->end == LAUNCH_END_LOST && x->cause == LAUNCH_CAUSE_SELF &&
	    x->oom_kills == 0)
		f->ours_failed = true;
}

void
record_parts_set(struct value *v, const char *key, uint64_t n)
{
	value_set_int(v, key, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

void
record_parts_time_text(char out[RECORD_PARTS_TIME], uint64_t ns)
{
	time_t seconds = (time_t)(ns / CLOCK_SECOND);
	char text[RECORD_PARTS_TIME - 8];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, RECORD_PARTS_TIME, "%s.%03uZ", text,
	    (unsigned)(ns / 1000000 % 1000));
}

void
record_parts_time(struct value *v, const char *key, uint64_t ns)
{
	char text[RECORD_PARTS_TIME];

	record_parts_time_text(text, ns);
	value_set_text(v, key, text);
}

void
record_parts_message(struct value *v, const struct aleph_program *p)
{
	struct value *m = value_set_map(v, "message");

	value_set_text(m, "hash", p->id);
	value_set_text(m, "dialect", aleph_dialect_name(p->dialect));
	value_set_bool(m, "unverified", p->unverified);
	value_set_text(m, "signature", signature_verdict_name(p->signature));
	value_set_text(m, "owner", p->address);
	value_set_text(m, "interface", aleph_interface_name(p->code.interface));
	value_set(v, "not_enforced", value_copy(p->not_enforced));
	value_set(v, "not_granted", value_copy(p->not_granted));
}

void
record_parts_policy(struct value *v, const struct decision *d,
    const struct ceiling *c, const char *reuse)
{
	value_auto struct value *doc = decide_document(d, c);
	struct value *p = value_set_map(v, "policy");
	char digest[65];

	decide_digest(doc, digest);
	value_set_text(p, "digest", digest);
	value_set_text(p, "tier", grant_tier_name(d->tier));
	value_set_text(p, "reuse", reuse);
}

struct value *
record_parts_limits(struct value *v, const struct decision *d)
{
	struct value *l = value_set_map(v, "limits");

	for (int i = 0; i < GRANT_LIMITS; i++)
		record_parts_set(l, grant_limit_name((enum grant_limit)i),
		    d->grant.limit[i]);
	return l;
}

void
record_parts_read_back(struct value *limits, const struct launch_created *c)
{
	struct value *read = value_set_map(limits, "read_back");

	record_parts_set(read, "memory", c->memory);
	record_parts_set(read, "pids", c->pids);
	record_parts_set(read, "cpu_quota_us", c->cpu_quota_us);
	record_parts_set(read, "cpu_period_us", c->cpu_period_us);
	record_parts_set(read, "nofile", c->nofile);
	record_parts_set(read, "fsize", c->fsize);
}

void
record_parts_host(struct value *v, const struct launch_host *h)
{
	struct value *x = value_set_map(v, "host");

	value_set_text(x, "cgroup",
	    launch_msgs_cgroup_name((enum launch_cgroup)h->cgroup));
	value_set_int(x, "landlock_abi", h->landlock_abi);
	value_set_bool(x, "rootless", h->rootless);
}

void
record_parts_end(struct value *v, const struct launch_exited *x)
{
	static const char *const ends[LAUNCH_ENDS] = { "exit", "signal",
		"no-exec", "no-start", "lost" };

	value_set_text(v, "end", ends[x->end]);
	if (x->end == LAUNCH_END_EXIT)
		value_set_int(v, "exit_code", x->code);
	if (x->end == LAUNCH_END_SIGNAL)
		value_set_int(v, "signal", x->code);
	if (x->end == LAUNCH_END_NO_EXEC || x->end == LAUNCH_END_NO_START)
		value_set_int(v, "errno", x->code);
}

struct value *
record_parts_usage(struct value *v, const struct launch_exited *x)
{
	struct value *u = value_set_map(v, "usage");

	record_parts_set(u, "wall_ns", x->wall_ns);
	record_parts_set(u, "cpu_ns", x->cpu_ns);
	record_parts_set(u, "memory_peak", x->memory_peak);
	record_parts_set(u, "pids_peak", x->pids_peak);
	record_parts_set(u, "oom_kills", x->oom_kills);
	record_parts_set(u, "throttled_ns", x->throttled_ns);
	return u;
}

void
record_parts_degraded(struct value *v, uint32_t bits)
{
	struct value *list = value_set_list(v, "degraded");

	for (int i = 0; i < MACHINE_CONTROLS; i++)
		if ((bits & MACHINE_CONTROL_BIT(i)) != 0)
			value_add_text(list,
			    machine_control_name((enum machine_control)i));
}

void
record_parts_phases(struct value *v, const struct launch_created *c)
{
	struct value *p = value_set_map(v, "phases_ns");

	for (int k = 0; k < LAUNCH_PHASES; k++)
		record_parts_set(p,
		    launch_msgs_phase_name((enum launch_phase)k),
		    c->phase_ns[k]);
}
