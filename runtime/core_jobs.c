#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/fetch_msgs.h"
#include "messages/front_msgs.h"
#include "messages/value.h"
#include "runtime/core.h"
#include "runtime/core_jobs.h"
#include "runtime/record_parts.h"

#define PRUNE_NS (3600 * CLOCK_SECOND)
/* The clock may be set: whoever waits for a time looks again. */
#define TICK_MAX (10 * CLOCK_SECOND)

/* Callbacks at a time: a server that lets them wait keeps nothing else waiting.
 */
#define CALLBACKS_MAX 8

struct core_job {
	struct core_jobs *all;
	struct core_job *next;
	uint32_t serial;
	bool triggered, begun;
	struct journal_job job;
	char url[FETCH_URL_MAX]; /* where its result goes, or comes from; "" */
};

static void tick(void *arg);

uint64_t
core_jobs_pause(unsigned attempts)
{
	unsigned doubled = attempts == 0 ? 0 : 2 * (attempts - 1);

	return CLOCK_SECOND << (doubled < 12 ? doubled : 12);
}

/* ---- ends ---- */

/* Results are sent by jobs of their own, which are tried again by themselves.
 */
static int
add_callback(struct core_jobs *all, const struct core_job *x,
    const struct buf *result, struct err *e)
{
	static const struct buf nothing;
	const struct journal_job *of = &x->job;
	struct journal_job j = { .kind = JOURNAL_CALLBACK,
		.due_ns = clock_real_ns(),
		.created_ns = clock_real_ns() };
	buf_auto struct buf request = { 0 };
	bool fresh;

	memcpy(j.hash, of->hash, sizeof(j.hash));
	/* "async:ID" */
	snprintf(j.name, sizeof(j.name), "callback:%.200s",
	    strchr(of->name, ':') + 1);
	buf_put_str(&request, x->url);
	/* An exec function has no status of its own: it ended well. */
	buf_put_u32(&request,
	    of->state != JOURNAL_DONE ? 0
		: of->status == 0     ? 200
				      : of->status);
	return journal_add_job(all->core->journal, &j, &request,
	    result == NULL ? &nothing : result, &fresh, e);
}

/* What came of it, and that it is to be sent: both or neither. */
static int
end_with_callback(struct core_jobs *all, const struct core_job *x,
    const struct buf *result, struct err *e)
{
	struct journal *journal = all->core->journal;

	if (journal_begin(journal, e) == -1)
		return -1;
	if (journal_end_job(journal, &x->job, result, e) == 0 &&
	    add_callback(all, x, result, e) == 0 &&
	    journal_commit(journal, e) == 0)
		return 0;
	journal_roll_back(journal);
	core_log("%s: no callback: %s", x->job.name, e->text);
	return journal_end_job(journal, &x->job, result, e);
}

static int
end_job(struct core_jobs *all, struct core_job *x, const struct buf *result,
    struct err *e)
{
	struct journal_job *j = &x->job;

	if (j->kind == JOURNAL_ASYNC && x->url[0] != '\0' &&
	    j->state >= JOURNAL_DONE)
		return end_with_callback(all, x, result, e);
	if (j->state == JOURNAL_DEAD)
		core_log("%s: %s %s: given up: %s", j->hash,
		    journal_job_kind_name(j->kind), j->name, j->error);
	return journal_end_job(all->core->journal, j, result, e);
}

static void
end_and_log(struct core_jobs *all, struct core_job *x, const struct buf *result)
{
	struct err e;

	if (end_job(all, x, result, &e) == -1)
		core_log("%s", e.text);
}

/* It did not come to a good end: again, or not. */
static void
judge_failure(struct journal_job *j, bool begun)
{
	uint64_t now = clock_real_ns();

	if ((j->kind == JOURNAL_CRON && begun) ||
	    j->attempts >= CORE_JOBS_ATTEMPTS) {
		j->state = JOURNAL_DEAD;
		j->ended_ns = now;
	} else {
		j->state = JOURNAL_WAITING;
		j->due_ns = now + core_jobs_pause(j->attempts);
	}
}

static void
fail_job(struct core_jobs *all, struct core_job *x, const struct err *why)
{
	struct journal_job *j = &x->job;

	/* The sentence is for people: one that is too long is cut. */
	snprintf(j->error, sizeof(j->error), "%s", why->text);
	judge_failure(j, x->begun);
	end_and_log(all, x, NULL);
}

static void
succeed(struct core_jobs *all, struct core_job *x,
    const struct front_invoked *what, const struct buf *result)
{
	struct journal_job *j = &x->job;
	struct err why;

	j->status = what->status;
	if (what->status >= 500) {
		err_set(&why, ERR_GUEST, "it answered with status %u",
		    what->status);
		fail_job(all, x, &why);
		return;
	}
	j->error[0] = '\0';
	j->state = JOURNAL_DONE;
	j->ended_ns = clock_real_ns();
	end_and_log(all, x, result);
}

static struct core_job **
find(struct core_jobs *all, uint32_t serial)
{
	struct core_job **at = &all->first;

	while (*at != NULL && (*at)->serial != serial)
		at = &(*at)->next;
	return at;
}

static void
forget(struct core_jobs *all, struct core_job **at)
{
	struct core_job *x = *at;

	*at = x->next;
	all->n--;
	free(x);
}

/* Nobody asked for what a cron or a message run answers. */
static int
take_reply(const struct journal_job *j, struct frame *f, struct buf *result,
    struct err *e)
{
	char *data;
	size_t len;

	if (j->kind != JOURNAL_ASYNC || f->nfds == 0)
		return 0;
	if (fd_read_sealed(f->fds[0], FRONT_BODY_MAX, &data, &len, e) == -1)
		return -1;
	buf_add(result, data, len);
	free(data);
	return 0;
}

int
core_jobs_hear(void *arg, struct frame *f, struct err *e)
{
	struct core *c = arg;
	struct core_jobs *all = &c->jobs;
	struct core_job **at = find(all, f->serial);
	buf_auto struct buf result = { 0 };
	struct front_invoked what;
	struct err why;

	front_msgs_get_invoked(&f->body, &what, &why);
	if (!buf_ok(&f->body) || *at == NULL || f->nfds > 1)
		return err_set(e, ERR_INVALID, "invoked: malformed frame");
	if (!what.called)
		fail_job(all, *at, &why);
	else if (take_reply(&(*at)->job, f, &result, &why) == -1)
		fail_job(all, *at, &why);
	else
		succeed(all, *at, &what, &result);
	forget(all, at);
	core_jobs_kick(all);
	return 0;
}

void
core_jobs_front_gone(struct core_jobs *all)
{
	struct err why;

	err_set(&why, ERR_SYSTEM, "front died while it ran");
	for (struct core_job **at = &all->first, *x; (x = *at) != NULL;) {
		if (x->job.kind == JOURNAL_CALLBACK) {
			at = &x->next; /* front has nothing to do with it */
			continue;
		}
		fail_job(all, x, &why);
		forget(all, at);
	}
}

static struct core_job *
find_running(const struct core_jobs *all, uint64_t number)
{
	struct core_job *x = all->first;

	while (x != NULL && x->job.number != number)
		x = x->next;
	return x;
}

bool
core_jobs_trigger(struct core_jobs *all, uint64_t number, const char *hash,
    enum journal_job_kind *kind)
{
	struct core_job *x = find_running(all, number);

	if (x == NULL || x->triggered || strcmp(x->job.hash, hash) != 0)
		return false;
	x->triggered = true;
	*kind = x->job.kind;
	return true;
}

void
core_jobs_set_begun(struct core_jobs *all, uint64_t number, bool begun)
{
	struct core_job *x = find_running(all, number);

	if (x != NULL)
		x->begun = begun;
}

void
core_jobs_put_request(struct buf *b, const char *event, const char *hash,
    const char *name)
{
	const struct front_invoke call = { .event = event,
		.hash = hash,
		.method = "POST",
		.path = "/",
		.query = "",
		.nheaders = 2,
		.name = { "content-type", "idempotency-key" },
		.text = { "application/json", name } };

	front_msgs_put_invoke(b, &call);
}

/* ---- starts ---- */

static void
sent(void *arg, const struct err *why)
{
	struct core_job *x = arg;
	struct core_jobs *all = x->all;
	struct core_job **at = find(all, x->serial);

	if (why != NULL) {
		fail_job(all, x, why);
	} else {
		x->job.state = JOURNAL_DONE;
		x->job.error[0] = '\0';
		x->job.ended_ns = clock_real_ns();
		end_and_log(all, x, NULL);
	}
	forget(all, at);
	core_jobs_kick(all);
}

static int
send_result(struct core_jobs *all, struct core_job *x, struct buf *request,
    const struct buf *body, struct err *e)
{
	uint32_t status;

	buf_get_str(request, x->url, sizeof(x->url));
	status = buf_get_u32(request);
	if (!buf_ok(request))
		return err_set(e, ERR_SYSTEM, "journal: a damaged job");
	if (!ceiling_fetch_may_call(&all->core->ceiling.fetch, x->url))
		return err_set(e, ERR_DENIED,
		    "the policy allows this address no longer");
	core_fetch_post(&all->core->fetch, x->url, strchr(x->job.name, ':') + 1,
	    status, body, sent, x);
	return 0;
}

static int
invoke(struct core_jobs *all, struct core_job *x, struct buf *request,
    const struct buf *body, struct err *e)
{
	fd_auto int fd = -1;
	buf_auto struct buf b = { 0 };

	if (x->job.kind == JOURNAL_CALLBACK)
		return send_result(all, x, request, body, e);
	fd = fd_sealed("body", body->data, body->len, e);
	if (fd == -1)
		return -1;
	if (x->job.kind == JOURNAL_ASYNC)
		buf_get_str(request, x->url, sizeof(x->url));
	if (request->failed)
		return err_set(e, ERR_SYSTEM, "journal: a damaged job");
	buf_put_u64(&b, x->job.number);
	buf_add(&b, request->data + request->at, request->len - request->at);
	frame_link_send(&all->core->front, FRONT_INVOKE, x->serial, &b, &fd, 1);
	return 0;
}

static void
start(struct core_jobs *all, const struct journal_job *j, struct buf *request,
    const struct buf *body)
{
	struct core_job *x = calloc(1, sizeof(*x));
	struct err why;

	invariant(x != NULL);
	x->all = all;
	x->job = *j;
	x->job.attempts++;
	x->job.state = JOURNAL_RUNNING;
	x->serial = ++all->serial;
	x->next = all->first;
	all->first = x;
	all->n++;
	if (invoke(all, x, request, body, &why) == 0)
		return;
	fail_job(all, x, &why);
	forget(all, &all->first);
}

static bool
calls_back_enough(const struct core_jobs *all)
{
	size_t n = 0;

	for (const struct core_job *x = all->first; x != NULL; x = x->next)
		n += x->job.kind == JOURNAL_CALLBACK;
	return n >= CALLBACKS_MAX;
}

/* 1: one was started. */
static int
start_one(struct core_jobs *all, struct err *e)
{
	struct journal *journal = all->core->journal;
	buf_auto struct buf request = { 0 }, body = { 0 };
	struct journal_job j;
	int r =
	    journal_next_job(journal, clock_real_ns(), &j, &request, &body, e);

	/* They are the last kind: nothing else is due. */
	if (r == 1 && j.kind == JOURNAL_CALLBACK && calls_back_enough(all))
		return 0;
	if (r != 1 || journal_begin_job(journal, j.number, e) == -1)
		return r == 1 ? -1 : r;
	start(all, &j, &request, &body);
	return 1;
}

static void
plan(struct core_jobs *all)
{
	uint64_t due, now = clock_real_ns(), wait = TICK_MAX;
	struct err e;

	if (journal_first_due(all->core->journal, &due, &e) == -1)
		core_log("%s", e.text);
	else if (due <= now)
		wait = CLOCK_SECOND; /* until one of those that run ends */
	else if (due - now < wait)
		wait = due - now;
	loop_timer_set(all->core->loop, &all->tick, clock_mono_ns() + wait,
	    tick, all);
}

static void
tick(void *arg)
{
	struct core_jobs *all = arg;
	const struct core *c = all->core;
	struct err e;
	int r = 1;

	while (r == 1 && all->n < CORE_JOBS_MAX && !c->draining &&
	    c->front.sock != -1)
		r = start_one(all, &e);
	if (r == -1)
		core_log("%s", e.text);
	plan(all);
}

void
core_jobs_kick(struct core_jobs *all)
{
	loop_timer_set(all->core->loop, &all->tick, 0, tick, all);
}

static void
prune(void *arg)
{
	struct core_jobs *all = arg;
	struct err e;

	if (journal_prune_jobs(all->core->journal,
		clock_real_ns() - CORE_JOBS_KEPT_NS, &e) == -1)
		core_log("%s", e.text);
	loop_timer_set(all->core->loop, &all->prune, clock_mono_ns() + PRUNE_NS,
	    prune, all);
}

/* Whoever wants to hear of its end hears of this one too. */
static int
recover(void *arg, struct journal_job *j, struct buf *request, struct err *e)
{
	struct core_job x = { .all = arg, .job = *j };

	snprintf(x.job.error, sizeof(x.job.error),
	    "the node ended while it ran");
	judge_failure(&x.job, true);
	if (x.job.kind == JOURNAL_ASYNC)
		buf_get_str(request, x.url, sizeof(x.url));
	return end_job(arg, &x, NULL, e);
}

int
core_jobs_open(struct core_jobs *all, struct core *c, struct err *e)
{
	*all = (struct core_jobs){ .core = c };
	if (journal_recover_jobs(c->journal, recover, all, e) == -1)
		return -1;
	prune(all);
	core_jobs_kick(all);
	return 0;
}

void
core_jobs_close(struct core_jobs *all)
{
	if (all->core == NULL)
		return;
	loop_timer_stop(all->core->loop, &all->tick);
	loop_timer_stop(all->core->loop, &all->prune);
	while (all->first != NULL)
		forget(all, &all->first); /* the next life recovers them */
}

static int
add_job(void *arg, const struct journal_job *j)
{
	struct value *v = value_add(arg, value_new(VALUE_MAP));

	record_parts_set(v, "job", j->number);
	value_set_text(v, "kind", journal_job_kind_name(j->kind));
	value_set_text(v, "state", journal_job_state_name(j->state));
	value_set_text(v, "item_hash", j->hash);
	value_set_text(v, "name", j->name);
	value_set_int(v, "attempts", j->attempts);
	record_parts_time(v, "created", j->created_ns);
	if (j->state == JOURNAL_WAITING)
		record_parts_time(v, "due", j->due_ns);
	if (j->ended_ns > 0)
		record_parts_time(v, "ended", j->ended_ns);
	if (j->status != 0)
		value_set_int(v, "status", j->status);
	if (j->error[0] != '\0')
		value_set_text(v, "error", j->error);
	return 0;
}

struct value *
core_jobs_list(const struct core_jobs *all, struct err *e)
{
	struct value *list = value_new(VALUE_LIST);

	if (journal_each_job(all->core->journal, CORE_JOBS_LISTED, add_job,
		list, e) == 0)
		return list;
	value_free(list);
	return NULL;
}
