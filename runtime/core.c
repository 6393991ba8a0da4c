#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/front_msgs.h"
#include "messages/json.h"
#include "messages/monitor_msgs.h"
#include "messages/value.h"
#include "runtime/core.h"
#include "runtime/core_about.h"
#include "runtime/core_events.h"
#include "runtime/core_exec.h"
#include "runtime/core_inspect.h"
#include "runtime/core_publish.h"
#include "runtime/core_run.h"
#include "runtime/journal.h"

/* Bytes of a text in one frame. */
#define PART (64 << 10)

void
core_log(const char *format, ...)
{
	char line[4096];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	fprintf(stderr, "cella-core: %s\n", line);
}

static void
stop(struct core *c, const struct err *why)
{
	if (c->status == 0 && why != NULL) {
		*c->why = *why;
		c->status = -1;
	}
	loop_stop(c->loop);
}

/* ---- answers to front ---- */

void
core_answer_text(struct core *c, uint32_t serial, const char *text)
{
	size_t len = strlen(text), n;
	struct buf part;

	for (size_t at = 0; at < len; at += n) {
		n = len - at < PART ? len - at : PART;
		part = buf_over(text + at, n);
		frame_link_send(&c->front,
		    at + n < len ? FRONT_PART : FRONT_DONE, serial, &part, NULL,
		    0);
	}
}

void
core_answer(struct core *c, uint32_t serial, struct value *v)
{
	char *text = json_emit(v, JSON_AS_LINE);

	core_answer_text(c, serial, text);
	free(text);
	value_free(v);
}

void
core_refuse(struct core *c, uint32_t serial, const struct err *why,
    const char *problems)
{
	buf_auto struct buf b = { 0 };

	front_msgs_put_refused(&b, why, problems);
	frame_link_send(&c->front, FRONT_REFUSED, serial, &b, NULL, 0);
}

/* ---- what front asks ---- */

static int
hear_trigger(void *core, struct frame *f, struct err *e)
{
	struct core *c = core;
	struct core_run_trigger t = { .serial = f->serial, .kind = "http" };
	enum journal_job_kind kind;
	char hash[ITEM_HASH_MAX], key[SHA256_HEX];
	struct err why;

	buf_get_str(&f->body, hash, sizeof(hash));
	buf_get_str(&f->body, key, sizeof(key));
	t.hash = hash;
	t.job = buf_get_u64(&f->body);
	t.next = buf_get_u8(&f->body) != 0;
	if (!buf_ok(&f->body) || f->serial == 0 ||
	    item_hash_kind(hash) == ITEM_HASH_NONE)
		return err_set(e, ERR_INVALID, "trigger: malformed frame");
	/* What front may not call by itself, it may because we asked. */
	if (t.job != 0) {
		if (!core_jobs_trigger(&c->jobs, t.job, hash, &kind))
			return err_set(e, ERR_INVALID, "trigger: of no job");
		t.kind = journal_job_kind_name(kind);
	}
	if (t.job == 0 &&
	    core_keys_check(&c->keys, hash, key, &t.key, &why) == -1)
		core_run_refuse(c, &t, &why);
	else if (!core_warm_takes(&c->warm, &t))
		core_run_start(c, &t);
	return 0;
}

static int
hear_left(void *core, struct frame *f, struct err *e)
{
	struct core *c = core;
	struct front_left facts = { .complete = false };

	/* Before it is admitted there is nothing to tell. */
	if (f->body.len > f->body.at)
		front_msgs_get_left(&f->body, &facts);
	if (!buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "left: malformed frame");
	if (!core_exec_left(c, f->serial) &&
	    !core_warm_left(&c->warm, f->serial, &facts,
		f->nfds == 1 ? &f->fds[0] : NULL))
		core_run_left(c, f->serial, &facts);
	return 0;
}

static int
add_program(void *arg, const struct prepare_program *p, uint64_t published_ns)
{
	struct value *v = value_add(arg, value_new(VALUE_MAP));

	value_set_text(v, "item_hash", p->hash);
	value_set_text(v, "sender", p->sender);
	value_set_bool(v, "unverified", p->unverified);
	value_set_bool(v, "on_http", p->on_http);
	value_set_int(v, "published_ns", (int64_t)published_ns);
	return 0;
}

static struct value *
list_programs(struct core *c, struct err *e)
{
	struct value *list = value_new(VALUE_LIST);

	if (journal_each_program(c->journal, add_program, list, e) == 0)
		return list;
	value_free(list);
	return NULL;
}

static struct value *
query(struct core *c, enum front_query what, struct err *e)
{
	switch (what) {
	case FRONT_QUERY_RUNS:
		return core_run_list(c);
	case FRONT_QUERY_AUDIT:
		return core_audit_state(&c->audit);
	case FRONT_QUERY_CRON:
		return core_cron_list(&c->cron);
	case FRONT_QUERY_EXECUTIONS:
		return core_about_executions(c);
	case FRONT_QUERY_USAGE:
		return core_about_usage(c);
	case FRONT_QUERY_KEYS:
		return core_keys_list(&c->keys);
	case FRONT_QUERY_JOBS:
		return core_jobs_list(&c->jobs, e);
	case FRONT_QUERY_FUNCTIONS:
	case FRONT_QUERY_METRICS:
	case FRONT_QUERIES:
		break;
	}
	return list_programs(c, e);
}

static void
answer_metrics(struct core *c, uint32_t serial)
{
	struct metrics_now now = { .started_ns = c->started_ns,
		.runs = c->nruns,
		.queued = c->queue.len,
		.audit_fails = c->audit.failing,
		.log_bytes = c->logs.total,
		.log_dropped = c->logs.dropped,
		.quota = &c->queue.quota };
	buf_auto struct buf b = { 0 };
	char hash[SHA256_HEX];

	now.audit_records = audit_log_last(c->audit.log, hash);
	core_session_count(&c->sessions, &now.sessions, &now.tainted,
	    &now.inputs_pending);
	journal_load(c->journal, &now.functions, &now.jobs_waiting,
	    &now.jobs_bytes);
	metrics_write(&b, &c->metrics, &now);
	core_answer_text(c, serial, buf_text(&b));
}

static int
hear_query(void *core, struct frame *f, struct err *e)
{
	struct core *c = core;
	uint8_t what = buf_get_u8(&f->body);
	struct value *list;
	struct err why;

	if (!buf_ok(&f->body) || what >= FRONT_QUERIES)
		return err_set(e, ERR_INVALID, "query: malformed frame");
	if (what == FRONT_QUERY_METRICS) {
		answer_metrics(c, f->serial);
		return 0;
	}
	list = query(c, (enum front_query)what, &why);
	if (list != NULL)
		core_answer(c, f->serial, list);
	else
		core_refuse(c, f->serial, &why, NULL);
	return 0;
}

static int
hear_stop(void *core, struct frame *f, struct err *e)
{
	struct core *c = core;
	char id[CORE_RUN_ID];
	struct value *v;
	struct err why;

	buf_get_str(&f->body, id, sizeof(id));
	if (!buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "stop: malformed frame");
	if (core_run_stop(c, id, &why) == -1) {
		core_refuse(c, f->serial, &why, NULL);
		return 0;
	}
	core_log("run %s: stopped by the operator", id);
	v = value_new(VALUE_MAP);
	value_set_text(v, "run", id);
	value_set_text(v, "status", "stopped");
	core_answer(c, f->serial, v);
	return 0;
}

static const struct request {
	enum front_type type;
	size_t nfds;
	int (*hear)(void *core, struct frame *, struct err *);
} requests[] = {
	{ FRONT_TRIGGER, 0, hear_trigger },
	{ FRONT_LEFT, 0, hear_left },
	{ FRONT_LEFT, 1, hear_left },
	{ FRONT_PUBLISH, 1, core_publish_hear },
	{ FRONT_QUERY, 0, hear_query },
	{ FRONT_STOP, 0, hear_stop },
	{ FRONT_INSPECT, 0, core_inspect_hear },
	{ FRONT_EXEC, 0, core_exec_hear },
	{ FRONT_KEY, 0, core_keys_hear },
	{ FRONT_EVENT, 1, core_events_hear },
	{ FRONT_ASYNC, 1, core_events_hear_async },
	{ FRONT_CALLED, 0, core_events_hear_called },
	{ FRONT_INVOKED, 0, core_jobs_hear },
	{ FRONT_INVOKED, 1, core_jobs_hear },
	{ FRONT_SESSION, 0, core_sessions_hear },
	{ FRONT_SESSION, 1, core_sessions_hear },
	{ FRONT_SESSION_LEFT, 0, core_sessions_hear_left },
};

static int
hear_front(void *arg, struct frame *f, struct err *e)
{
	for (size_t i = 0; i < nitems(requests); i++)
		if (requests[i].type == f->type && requests[i].nfds == f->nfds)
			return requests[i].hear(arg, f, e);
	return err_set(e, ERR_INVALID, "frame %u with %zu descriptors", f->type,
	    f->nfds);
}

static void
front_is_gone(struct core *c)
{
	core_exec_front_gone(c);
	core_warm_front_gone(&c->warm);
	core_run_front_gone(c);
	core_jobs_front_gone(&c->jobs);
	core_sessions_front_gone(&c->sessions);
}

/* It asked for what it may not, or it is dead: whoever called is gone. */
static void
front_gone(void *arg, const struct err *why)
{
	struct core *c = arg;

	core_log("front: %s", why->text);
	front_is_gone(c);
}

/* ---- the monitor ---- */

static int
take_front(struct core *c, struct frame *f, struct err *e)
{
	buf_auto struct buf b = { 0 };

	if (c->front.sock != -1) {
		frame_link_close(&c->front);
		front_is_gone(c);
	}
	c->nfronts++;
	buf_put_u32(&b, c->ceiling.node.caller_rate);
	if (frame_link_open(&c->front, c->loop, fd_take(&f->fds[0]), hear_front,
		front_gone, c, e) == -1)
		return -1;
	frame_link_send(&c->front, FRONT_RULES, 0, &b, NULL, 0);
	core_jobs_kick(&c->jobs);
	return 0;
}

static int
hear_dns(void *arg, struct frame *f, struct err *e)
{
	(void)arg;
	return err_set(e, ERR_SYSTEM, "cella-dns: frame %u", f->type);
}

static void
dns_gone(void *arg, const struct err *why)
{
	struct core *c = arg;

	core_log("dns: %s", why->text);
	core_run_dns_gone(c);
}

static int
take_dns(struct core *c, struct frame *f, struct err *e)
{
	if (c->dns.sock != -1) {
		frame_link_close(&c->dns);
		core_run_dns_gone(c);
	}
	return frame_link_open(&c->dns, c->loop, fd_take(&f->fds[0]), hear_dns,
	    dns_gone, c, e);
}

static int
take_preparer(struct core *c, struct frame *f, struct err *e)
{
	uint32_t number = buf_get_u32(&f->body);

	if (!buf_ok(&f->body) || number >= MONITOR_PREPARERS)
		return err_set(e, ERR_INVALID, "monitor: malformed frame");
	return core_prepare_attach(&c->prepare, number, fd_take(&f->fds[0]),
	    fd_take(&f->fds[1]), e);
}

void
core_run_is_over(struct core *c)
{
	if (c->draining && c->nruns == 0)
		frame_link_send(&c->monitor, MONITOR_DRAINED, 0, NULL, NULL, 0);
}

static int
hear_monitor(void *arg, struct frame *f, struct err *e)
{
	struct core *c = arg;

	if (f->type == MONITOR_FRONT && f->nfds == 1)
		return take_front(c, f, e);
	if (f->type == MONITOR_DNS && f->nfds == 1)
		return take_dns(c, f, e);
	if (f->type == MONITOR_FETCH && f->nfds == 1)
		return core_fetch_attach(&c->fetch, fd_take(&f->fds[0]), e);
	if (f->type == MONITOR_FILES && f->nfds == 1)
		return core_sessions_attach(&c->sessions, fd_take(&f->fds[0]),
		    e);
	if (f->type == MONITOR_TLS && f->nfds == 2) {
		frame_link_send(&c->front, FRONT_TLS, 0, NULL, f->fds, 2);
		return 0;
	}
	if (f->type == MONITOR_PREPARER && f->nfds == 2)
		return take_preparer(c, f, e);
	if (f->type != MONITOR_DRAIN || f->nfds != 0)
		return err_set(e, ERR_INVALID, "monitor: frame %u", f->type);
	c->draining = true;
	core_warm_drain(&c->warm);
	core_run_is_over(c);
	return 0;
}

static void
monitor_gone(void *arg, const struct err *why)
{
	(void)why;
	stop(arg, NULL); /* that is how a node ends */
}

static void
launcher_ready(void *arg)
{
	struct core *c = arg;

	frame_link_send(&c->monitor, MONITOR_READY, 0, NULL, NULL, 0);
}

static void
launcher_gone(void *arg, const struct err *why)
{
	struct err e = *why;

	err_in(&e, "launcher");
	stop(arg, &e);
}

static void
close_all(struct core *c)
{
	core_exec_front_gone(c);
	core_run_fini(c);
	core_warm_close(&c->warm);
	core_sessions_close(&c->sessions);
	/* What waited for its record is told, and may do the rest. */
	core_audit_close(&c->audit);
	core_cron_close(&c->cron);
	core_jobs_close(&c->jobs);
	core_keys_close(&c->keys);
	core_logs_close(&c->logs);
	core_events_close(c);
	core_queue_close(&c->queue);
	core_program_fini(&c->programs);
	core_feed_gone(&c->feed);
	core_fetch_close(&c->fetch);
	core_prepare_fini(&c->prepare);
	core_feed_close(&c->feed);
	core_launcher_close(&c->launcher);
	frame_link_close(&c->front);
	frame_link_close(&c->dns);
	frame_link_close(&c->monitor);
	loop_close(c->loop);
}

int
core_serve(struct core *c, int monitor, int launcher, struct err *e)
{
	c->front.sock = c->dns.sock = c->monitor.sock = -1;
	c->launcher.link.sock = -1;
	c->why = e;
	c->started_ns = clock_real_ns();
	c->loop = loop_open(e);
	if (c->loop == NULL)
		return -1;
	core_queue_open(&c->queue, &c->ceiling.node);
	core_prepare_init(&c->prepare, c->loop, &c->launcher, &c->monitor,
	    &c->ceiling);
	core_fetch_init(&c->fetch, c);
	core_feed_init(&c->feed, c);
	c->prepare.fetch = &c->fetch;
	core_program_init(&c->programs, &c->prepare, c->journal);
	core_sessions_open(&c->sessions, c);
	if (core_audit_open(&c->audit, c->loop, c->boot,
		c->ceiling.node.audit_drops, c->metrics.refusals, e) == -1 ||
	    core_logs_open(&c->logs, &c->ceiling.node, c->journald, e) == -1 ||
	    core_keys_open(&c->keys, c, e) == -1 ||
	    core_warm_open(&c->warm, c, e) == -1 ||
	    core_jobs_open(&c->jobs, c, e) == -1 ||
	    core_cron_open(&c->cron, c, e) == -1 ||
	    frame_link_open(&c->monitor, c->loop, monitor, hear_monitor,
		monitor_gone, c, e) == -1 ||
	    core_launcher_open(&c->launcher, c->loop, launcher, &c->ceiling,
		CORE_SPARES, launcher_ready, launcher_gone, c, e) == -1 ||
	    loop_run(c->loop, e) == -1)
		c->status = -1;
	close_all(c);
	return c->status;
}
