#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/value.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "runtime/function.h"
#include "runtime/instance.h"
#include "runtime/record.h"
#include "runtime/record_parts.h"

enum verdict
record_verdict(const struct record *r, struct verdict_facts *f)
{
	const struct instance *i = r->instance;

	memset(f, 0, sizeof(*f));
	f->ours_failed = r->error != NULL && r->internal;
	f->not_started = i == NULL || !i->ran;
	if (f->not_started || f->ours_failed)
		return verdict_of(f);
	record_parts_facts(&i->exited, i->served, f);
	if (f->stopped && i->stopped_by != 0)
		f->signal = i->stopped_by;
	if (r->error != NULL && r->error->code == ERR_GUEST) {
		f->stopped = false;
		f->signal = 0;
		f->status = 1;
	}
	return verdict_of(f);
}

static void
add_usage(struct value *v, const struct instance *i)
{
	struct value *u = record_parts_usage(v, &i->exited);

	record_parts_set(u, "bytes_in", i->bytes_in);
	record_parts_set(u, "stdout_bytes", i->out.total);
	record_parts_set(u, "stderr_bytes", i->err.total);
	value_set_bool(u, "truncated",
	    i->out.dropped > 0 || i->err.dropped > 0);
	record_parts_set(u, "dropped_bytes", i->out.dropped + i->err.dropped);
}

static void
add_violations(struct value *v, const struct record *r)
{
	static struct filter_model m;
	const struct grant *g = &r->decision->grant;
	struct err e;

	record_parts_set(v, "violations", r->instance->denials.total);
	if (groups_model(g->groups, !g->wx, &m, &e) == 0)
		value_set(v, "denied", denials_list(&r->instance->denials, &m));
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
	record_parts_set(r, "bytes", p->total);
	value_set_text(r, "body_escaped", text);
	free(text);
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
add_limits(struct value *v, const struct record *r)
{
	struct value *l = record_parts_limits(v, r->decision);

	record_parts_read_back(l, &r->instance->created);
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
	if (r->shell)
		value_set_bool(v, "shell", true);
	if (i != NULL)
		record_parts_end(v, &i->exited);
	add_error(v, r);
	record_parts_time(v, "started", r->started_real_ns);
	if (r->program != NULL)
		record_parts_message(v, r->program);
	if (r->decision != NULL)
		record_parts_policy(v, r->decision, r->ceiling, "fresh");
	if (r->refs != NULL)
		value_set(v, "refs", value_copy(r->refs));
	if (i != NULL) {
		add_violations(v, r);
		add_limits(v, r);
		add_usage(v, i);
		record_parts_phases(v, &i->created);
	}
	record_parts_degraded(v, i == NULL ? 0 : i->created.degraded);
	if (r->host != NULL)
		record_parts_host(v, r->host);
	if (r->export != NULL)
		value_set(v, "export", value_copy(r->export));
	if (i != NULL && r->with_output) {
		add_output(v, i);
		if (r->reply != NULL)
			add_reply(v, r->reply);
	}
	return v;
}
