#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include "base/clock.h"
#include "messages/value.h"
#include "runtime/core.h"
#include "runtime/core_about.h"
#include "runtime/core_run_parts.h"
#include "runtime/record_parts.h"

#define PERIOD_S 60

/* By item hash; what is being made ready does not run yet. */
struct value *
core_about_executions(const struct core *c)
{
	struct value *all = value_new(VALUE_MAP), *v, *status;

	for (const struct core_run *r = c->runs; r != NULL; r = r->next) {
		if (r->state != RUN_ADMITTED || value_get(all, r->hash) != NULL)
			continue;
		v = value_set_map(all, r->hash);
		value_set_text(v, "vm_type",
		    r->warm == NULL ? "program" : "persistent_program");
		value_set_bool(v, "running", true);
		value_set_map(v, "networking");
		status = value_set_map(v, "status");
		record_parts_time(status, "started_at", r->started_ns);
	}
	return all;
}

static void
set_real(struct value *v, const char *key, double n)
{
	value_set(v, key, value_new(VALUE_REAL))->real = n;
}

static void
add_cpu(struct value *v, const struct core *c, const struct sysinfo *s)
{
	static const char *const names[] = { "load1", "load5", "load15" };
	struct value *cpu = value_set_map(v, "cpu");
	struct value *load;

	value_set_int(cpu, "count", c->ncpus);
	load = value_set_map(cpu, "load_average");
	for (int i = 0; i < 3; i++)
		set_real(load, names[i],
		    (double)s->loads[i] / (1 << SI_LOAD_SHIFT));
}

static void
add_memory(struct value *v, const struct sysinfo *s)
{
	struct value *mem = value_set_map(v, "mem");

	/* What caches would give back sysinfo(2) does not tell. */
	value_set_int(mem, "total_kB",
	    (int64_t)(s->totalram * s->mem_unit / 1024));
	value_set_int(mem, "available_kB",
	    (int64_t)((s->freeram + s->bufferram) * s->mem_unit / 1024));
}

static void
add_disk(struct value *v)
{
	struct value *disk = value_set_map(v, "disk");
	struct statvfs s = { .f_frsize = 1 };

	/* The state directory's. */
	(void)statvfs("/", &s);
	value_set_int(disk, "total_kB",
	    (int64_t)(s.f_blocks * s.f_frsize / 1024));
	value_set_int(disk, "available_kB",
	    (int64_t)(s.f_bavail * s.f_frsize / 1024));
}

struct value *
core_about_usage(const struct core *c)
{
	struct value *v = value_new(VALUE_MAP), *period;
	struct sysinfo s = { .mem_unit = 1 };

	(void)sysinfo(&s);
	add_cpu(v, c, &s);
	add_memory(v, &s);
	add_disk(v);
	period = value_set_map(v, "period");
	record_parts_time(period, "start_timestamp", clock_real_ns());
	value_set_int(period, "duration_seconds", PERIOD_S);
	value_set_bool(v, "active", !c->draining);
	return v;
}
