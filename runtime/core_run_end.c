#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/core.h"
#include "runtime/core_run_parts.h"

static void
record_end(struct core_run *r)
{
	const struct core_audit_end x = {
		.run = { r->id, r->hash,
		    r->assembly == NULL ? "" : r->assembly->owner, r->kind,
		    r->key, r->job, NULL },
		.served = r->served,
		.why = r->failed ? &r->why : NULL,
		.created = r->created_it ? &r->created : NULL,
		.exited = r->ran ? &r->exited : NULL,
		.left = r->heard ? &r->facts : NULL,
		.stdout_bytes = r->out.total,
		.stderr_bytes = r->err.total,
		.export = r->export[0] != '\0' ? r->export : NULL,
		.export_bytes = r->export_bytes,
		.export_why = r->export_failed ? &r->export_why : NULL,
	};

	struct metrics *m = &r->core->metrics;
	enum verdict verdict;

	if (!r->recorded)
		return;
	r->recorded = false;
	verdict = core_audit_ended(&r->core->audit, &x);
	m->runs[metrics_trigger_of(r->kind)][verdict]++;
	if (r->ran) {
		metrics_observe(&m->run, r->exited.wall_ns);
		m->cpu_ns += r->exited.cpu_ns;
	}
}

void
core_run_end_free(struct core_run *r)
{
	struct core *c = r->core;
	struct core_run **at = &c->runs;

	record_end(r);
	if (r->warm != NULL)
		core_warm_over(r);
	core_queue_leave(&c->queue, r);
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	c->nruns--;
	loop_timer_stop(c->loop, &r->deadline);
	loop_timer_stop(c->loop, &r->retry);
	core_launcher_unfollow(&c->launcher, &r->machine);
	core_drain_close(&r->out);
	core_drain_close(&r->err);
	fd_close(&r->to);
	fd_close(&r->from);
	if (r->assembly != NULL)
		core_program_give_back(r->assembly);
	free(r);
	core_run_is_over(c);
}

/* What went well stands in the audit log; a fault is somebody's to mend. */
static void
log_end(struct core_run *r)
{
	static const char *const causes[LAUNCH_CAUSES] = { "", ", wall time",
		", cpu time", ", output", ", stopped", ", disk" };
	static const char *const ends[LAUNCH_ENDS] = { "exit", "signal",
		"no exec", "no start", "lost" };
	const struct launch_exited *x = &r->exited;
	struct core_logs *logs = &r->core->logs;
	char *tail, *text;

	core_logs_end(logs, &r->out_log);
	core_logs_end(logs, &r->err_log);
	if ((x->end == LAUNCH_END_EXIT && x->code == 0) ||
	    (x->cause == LAUNCH_CAUSE_STOP && r->facts.complete))
		return;
	text = str_printf("%s %u%s%s, %.1f ms, %.1f MiB", ends[x->end], x->code,
	    causes[x->cause], x->oom_kills > 0 ? ", out of memory" : "",
	    (double)x->wall_ns / 1e6, (double)x->memory_peak / (1 << 20));
	core_logs_say(logs, r->hash, r->id, text);
	tail = str_printable(r->err.tail, r->err.len, CORE_DRAIN_TAIL);
	core_log("%s: run %s: %s%s%s", r->hash, r->id, text,
	    r->err.len == 0 ? "" : ": ", tail);
	free(tail);
	free(text);
}

static void
fail_export(struct core_run *r, const struct err *why)
{
	r->export_failed = true;
	r->export_why = *why;
	core_log("%s: run %s: export: %s", r->hash, r->id, why->text);
	core_run_end_free(r);
}

static void
packed(void *arg, struct frame *f, const struct err *cause,
    const char *problems)
{
	struct core_run *r = arg;
	struct err why;

	(void)problems;
	if (f == NULL) {
		fail_export(r, cause);
		return;
	}
	buf_get_str(&f->body, r->export, sizeof(r->export));
	r->export_bytes = buf_get_u64(&f->body);
	if (!buf_ok(&f->body) || !str_is_sha256(r->export)) {
		r->export[0] = '\0';
		err_set(&why, ERR_SYSTEM, "preparer: malformed frame");
		fail_export(r, &why);
		return;
	}
	core_log("%s: run %s: export %s", r->hash, r->id, r->export);
	core_run_end_free(r);
}

void
core_run_end_finish(struct core_run *r)
{
	buf_auto struct buf b = { 0 };
	struct err why;

	if (r->state != RUN_ENDED || r->knocking || r->out.fd != -1 ||
	    r->err.fd != -1 || (r->serial != 0 && !r->left))
		return;
	log_end(r);
	if (!r->assembly->facts.has_export ||
	    r->exited.end != LAUNCH_END_EXIT) {
		core_run_end_free(r);
		return;
	}
	if (!core_prepare_holds(&r->core->prepare, &r->assembly->made)) {
		err_set(&why, ERR_SYSTEM, "the preparer that held it is gone");
		fail_export(r, &why);
		return;
	}
	buf_put_u32(&b, r->assembly->made.serial);
	core_prepare_ask(&r->core->prepare,
	    &(struct core_prepare_ask){ .type = PREPARE_PACK,
		.body = &b,
		.bound = &r->assembly->made },
	    packed, r);
}
