#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/value.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "runtime/function.h"
#include "runtime/instance.h"
#include "runtime/record.h"

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

enum verdict
record_verdict(const struct record *r, struct verdict_facts *f)
{
	const struct instance *i = r->instance;
	const struct launch_exited *x;

	memset(f, 0, sizeof(*f));
	f->ours_failed = r->error != NULL && r->internal;
	f->not_started = i == NULL || !i->ran;
	if (f->not_started || f->ours_failed)
		return verdict_of(f);
	x = &i->exited;
	facts_of_end(x, f);
	f->oom_kills = x->oom_kills;
	f->over_wall = x->cause == LAUNCH_CAUSE_WALL;
	f->over_cpu = x->cause == LAUNCH_CAUSE_CPU;
	f->over_output = x->cause == LAUNCH_CAUSE_OUTPUT;
	f->over_disk = x->cause == LAUNCH_CAUSE_DISK;
	f->stopped = x->cause == LAUNCH_CAUSE_STOP;
	if (f->stopped && i->stopped_by != 0)
		f->signal = i->stopped_by;
	if (i->served && f->stopped) {
		/* We ended it because its work was done. */
		f->stopped = false;
		f->signal = 0;
	}
	if (r->error != NULL && r->error->code == ERR_GUEST) {
		f->stopped = false;
		f->signal = 0;
		f->status = 1;
	}
	/* init died, and nobody asked: a fault of ours. */
	if (x->end == LAUNCH_END_LOST && x->cause == LAUNCH_CAUSE_SELF &&
	    x->oom_kills == 0)
		f->ours_failed = true;
	return verdict_of(f);
}

static void
set_u64(struct value *v, const char *key, uint64_t n)
{
	value_set_int(v, key, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

static void
add_message(struct value *v, const struct aleph_program *p)
{
	struct value *m = value_set_map(v, "message");

	value_set_text(m, "hash", p->id);
	value_set_text(m, "dialect", aleph_dialect_name(p->dialect));
	value_set_bool(m, "unverified", p->unverified);
	value_set_text(m, "signature", signature_verdict_name(p->signature));
	value_set_text(m, "owner", p->address);
	value_set_text(m, "interface", aleph_interface_name(p->code.interface));
}

static void
add_end(struct value *v, const struct launch_exited *x)
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

static void
add_usage(struct value *v, const struct instance *i)
{
	const struct launch_exited *x = &i->exited;
	struct value *u = value_set_map(v, "usage");

	set_u64(u, "wall_ns", x->wall_ns);
	set_u64(u, "cpu_ns", x->cpu_ns);
	set_u64(u, "memory_peak", x->memory_peak);
	set_u64(u, "pids_peak", x->pids_peak);
	set_u64(u, "oom_kills", x->oom_kills);
	set_u64(u, "throttled_ns", x->throttled_ns);
	set_u64(u, "bytes_in", i->bytes_in);
	set_u64(u, "stdout_bytes", i->out.total);
	set_u64(u, "stderr_bytes", i->err.total);
	value_set_bool(u, "truncated",
	    i->out.dropped > 0 || i->err.dropped > 0);
	set_u64(u, "dropped_bytes", i->out.dropped + i->err.dropped);
}

/* What was meant, and what the kernel said it holds. */
static void
add_limits(struct value *v, const struct record *r)
{
	const struct launch_created *c = &r->instance->created;
	struct value *l = value_set_map(v, "limits");
	struct value *read = value_set_map(l, "read_back");

	for (int i = 0; i < GRANT_LIMITS; i++)
		set_u64(l, grant_limit_name((enum grant_limit)i),
		    r->decision->grant.limit[i]);
	set_u64(read, "memory", c->memory);
	set_u64(read, "pids", c->pids);
	set_u64(read, "cpu_quota_us", c->cpu_quota_us);
	set_u64(read, "cpu_period_us", c->cpu_period_us);
	set_u64(read, "nofile", c->nofile);
	set_u64(read, "fsize", c->fsize);
}

static void
add_degraded(struct value *v, const struct record *r)
{
	struct value *list = value_set_list(v, "degraded");
	uint32_t bits = 0;

	if (r->instance != NULL && r->instance->ran)
		bits = r->instance->created.degraded;
	for (int i = 0; i < MACHINE_CONTROLS; i++)
		if ((bits & MACHINE_CONTROL_BIT(i)) != 0)
			value_add_text(list,
			    machine_control_name((enum machine_control)i));
}

static void
add_violations(struct value *v, const struct record *r)
{
	static struct filter_model m;
	const struct grant *g = &r->decision->grant;
	struct err e;

	set_u64(v, "violations", r->instance->denials.total);
	if (groups_model(g->groups, !g->wx, &m, &e) == 0)
		value_set(v, "denied", denials_list(&r->instance->denials, &m));
}

static void
add_phases(struct value *v, const struct instance *i)
{
	struct value *p = value_set_map(v, "phases_ns");

	for (int k = 0; k < LAUNCH_PHASES; k++)
		set_u64(p, launch_msgs_phase_name((enum launch_phase)k),
		    i->created.phase_ns[k]);
}

static void
add_output(struct value *v, const struct instance *i)
{
	struct value *o = value_set_map(v, "output");
	struct buf out = i->out.kept, err = i->err.kept;
	char *text;

	text = str_printable(out.len ? out.data : "", out.len, out.len);
	value_set_text(o, "stdout_escaped", text);
	free(text);
	text = str_printable(err.len ? err.data : "", err.len, err.len);
	value_set_text(o, "stderr_escaped", text);
	free(text);
}

static void
add_reply(struct value *v, const struct function_reply *p)
{
	struct value *r = value_set_map(v, "reply");
	struct buf body = p->body;
	char *text =
	    str_printable(body.len ? body.data : "", body.len, body.len);

	value_set_bool(r, "complete", p->complete);
	if (p->status != 0)
		value_set_int(r, "status", p->status);
	set_u64(r, "bytes", p->total);
	value_set_text(r, "body_escaped", text);
	free(text);
}

static void
add_time(struct value *v, uint64_t ns)
{
	time_t seconds = (time_t)(ns / CLOCK_SECOND);
	struct tm tm;
	char text[40], all[64];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(all, sizeof(all), "%s.%03uZ", text,
	    (unsigned)(ns / 1000000 % 1000));
	value_set_text(v, "started", all);
}

static void
add_error(struct value *v, const struct record *r)
{
	struct value *x;

	if (r->error != NULL) {
		x = value_set_map(v, "error");
		value_set_text(x, "code", err_code_name(r->error->code));
		value_set_text(x, "message", r->error->text);
	}
	if (r->problems != NULL)
		value_set(v, "problems", value_copy(r->problems));
}

static void
add_policy(struct value *v, const struct record *r)
{
	value_auto struct value *doc = decide_document(r->decision, r->ceiling);
	struct value *p = value_set_map(v, "policy");
	char digest[65];

	decide_digest(doc, digest);
	value_set_text(p, "digest", digest);
	value_set_text(p, "tier", grant_tier_name(r->decision->tier));
	value_set_text(p, "reuse", "fresh");
}

static void
add_host(struct value *v, const struct launch_host *h)
{
	struct value *x = value_set_map(v, "host");

	value_set_text(x, "cgroup",
	    launch_msgs_cgroup_name((enum launch_cgroup)h->cgroup));
	value_set_int(x, "landlock_abi", h->landlock_abi);
	value_set_bool(x, "rootless", h->rootless);
}

struct value *
record_build(const struct record *r)
{
	struct value *v = value_new(VALUE_MAP);
	const struct instance *i =
	    r->instance != NULL && r->instance->ran ? r->instance : NULL;
	struct verdict_facts f;

	value_set_int(v, "version", 1);
	value_set_text(v, "verdict", verdict_name(record_verdict(r, &f)));
	if (i != NULL)
		add_end(v, &i->exited);
	add_error(v, r);
	add_time(v, r->started_real_ns);
	if (r->program != NULL) {
		add_message(v, r->program);
		value_set(v, "not_enforced",
		    value_copy(r->program->not_enforced));
		value_set(v, "not_granted",
		    value_copy(r->program->not_granted));
	}
	if (r->decision != NULL)
		add_policy(v, r);
	if (r->refs != NULL)
		value_set(v, "refs", value_copy(r->refs));
	if (i != NULL) {
		add_violations(v, r);
		add_limits(v, r);
		add_usage(v, i);
		add_phases(v, i);
	}
	add_degraded(v, r);
	if (r->host != NULL)
		add_host(v, r->host);
	if (r->export != NULL)
		value_set(v, "export", value_copy(r->export));
	if (i != NULL && r->with_output) {
		add_output(v, i);
		if (r->reply != NULL)
			add_reply(v, r->reply);
	}
	return v;
}
