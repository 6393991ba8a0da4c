#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/fetch_msgs.h"
#include "messages/front_msgs.h"
#include "messages/value.h"
#include "runtime/core.h"
#include "runtime/core_events.h"
#include "runtime/journal.h"

/* ---- messages ---- */

struct event {
	struct core *core;
	core_events_fn *fn;
	void *arg;
};

static int
add_line(void *arg, const struct prepare_program *p, uint64_t published_ns)
{
	(void)published_ns;
	if (p->subscriptions[0] != '\0')
		buf_printf(arg, "%s %s\n", p->hash, p->subscriptions);
	return 0;
}

/*
 * What all functions subscribed to, for a preparer; the lines are kept until
 * somebody subscribes anew.  Each reader has a file, and a position, of its
 * own.
 */
static int
open_subscriptions(struct core *c, struct err *e)
{
	struct buf *b = &c->subscriptions;

	if (!c->has_subscriptions &&
	    journal_each_program(c->journal, add_line, b, e) == -1)
		return -1;
	c->has_subscriptions = true;
	return fd_sealed("subscriptions", b->data, b->len, e);
}

void
core_events_published(struct core *c)
{
	core_events_close(c);
}

void
core_events_close(struct core *c)
{
	buf_fini(&c->subscriptions);
	c->has_subscriptions = false;
}

/* A function is called once for each message, however often that comes. */
static int
add_message_job(struct core *c, const char *id, const char *hash,
    const struct buf *body, bool *fresh, struct err *e)
{
	struct journal_job job = { .kind = JOURNAL_MESSAGE,
		.due_ns = clock_real_ns(),
		.created_ns = clock_real_ns() };
	buf_auto struct buf request = { 0 };

	if (item_hash_kind(hash) == ITEM_HASH_NONE ||
	    !str_copy(job.hash, sizeof(job.hash), hash))
		return err_set(e, ERR_SYSTEM, "preparer: malformed frame");
	snprintf(job.name, sizeof(job.name), "message:%s:%s", id, hash);
	core_jobs_put_request(&request, "aleph.message", hash, job.name);
	return journal_add_job(c->journal, &job, &request, body, fresh, e);
}

static int
add_jobs(struct core *c, struct frame *f, struct core_events_done *done,
    struct err *e)
{
	struct value *list = value_set_list(done->answer, "functions");
	char hash[ITEM_HASH_MAX], *data;
	buf_auto struct buf body = { 0 };
	int64_t known = 0;
	size_t len;
	bool fresh;

	if (fd_read_sealed(f->fds[0], 2 * ALEPH_SIZE_MAX, &data, &len, e) == -1)
		return -1;
	buf_add(&body, data, len);
	free(data);
	for (uint32_t i = 0; i < done->nfunctions; i++) {
		buf_get_str(&f->body, hash, sizeof(hash));
		if (f->body.failed)
			return err_set(e, ERR_SYSTEM,
			    "preparer: malformed frame");
		if (add_message_job(c, done->id, hash, &body, &fresh, e) == -1)
			return -1;
		value_add_text(list, hash);
		known += !fresh;
	}
	value_set_text(done->answer, "item_hash", done->id);
	value_set_int(done->answer, "known", known);
	return 0;
}

static int
read_done(struct frame *f, struct core_events_done *done, struct err *e)
{
	uint8_t news = buf_get_u8(&f->body);

	buf_get_str(&f->body, done->id, sizeof(done->id));
	buf_get_str(&f->body, done->owner, sizeof(done->owner));
	buf_get_str(&f->body, done->forgets, sizeof(done->forgets));
	done->nfunctions = buf_get_u32(&f->body);
	done->news = (enum prepare_news)news;
	if (f->body.failed || f->nfds != 1 || news >= PREPARE_NEWS ||
	    done->nfunctions > PREPARE_EVENT_HASHES_MAX)
		return err_set(e, ERR_SYSTEM, "preparer: malformed frame");
	return 0;
}

/* One transaction, if there is something to write down. */
static int
keep(struct core *c, struct frame *f, struct core_events_done *done,
    struct err *e)
{
	if (read_done(f, done, e) == -1)
		return -1;
	if (done->nfunctions == 0)
		return add_jobs(c, f, done, e);
	if (journal_begin(c->journal, e) == 0 && add_jobs(c, f, done, e) == 0 &&
	    journal_commit(c->journal, e) == 0) {
		core_jobs_kick(&c->jobs);
		return 0;
	}
	journal_roll_back(c->journal);
	return -1;
}

static void
matched(void *arg, struct frame *f, const struct err *why, const char *problems)
{
	static struct core_events_done done;
	struct event *v = arg;
	struct err e;

	memset(&done, 0, sizeof(done));
	done.answer = value_new(VALUE_MAP);
	if (f == NULL)
		v->fn(v->arg, NULL, why, problems);
	else if (keep(v->core, f, &done, &e) == -1)
		v->fn(v->arg, NULL, &e, NULL);
	else
		v->fn(v->arg, &done, NULL, NULL);
	value_free(done.answer);
	free(v);
}

int
core_events_match(struct core *c, int *message, bool feed, core_events_fn *fn,
    void *arg, struct err *e)
{
	int fds[CORE_PREPARE_FDS] = { -1, open_subscriptions(c, e) };
	struct event *v;
	buf_auto struct buf b = { 0 };

	if (fds[1] == -1)
		return -1;
	fds[0] = fd_take(message);
	v = calloc(1, sizeof(*v));
	invariant(v != NULL);
	*v = (struct event){ c, fn, arg };
	buf_put_u8(&b, feed);
	core_prepare_ask(&c->prepare,
	    &(struct core_prepare_ask){ .type = PREPARE_EVENT,
		.body = &b,
		.fds = fds,
		.nfds = 2 },
	    matched, v);
	return 0;
}

/* Front may be another when the message is matched. */
struct posted {
	struct core *core;
	uint32_t serial, front;
};

static void
posted(void *arg, const struct core_events_done *done, const struct err *why,
    const char *problems)
{
	struct posted *p = arg;
	struct core *c = p->core;

	if (p->front == c->nfronts && done == NULL)
		core_refuse(c, p->serial, why, problems);
	else if (p->front == c->nfronts)
		core_answer(c, p->serial, value_copy(done->answer));
	c->nevents--;
	free(p);
}

int
core_events_hear(void *arg, struct frame *f, struct err *e)
{
	struct core *c = arg;
	struct posted *p;
	struct err why;

	if (!buf_ok(&f->body) || f->nfds != 1)
		return err_set(e, ERR_INVALID, "event: malformed frame");
	if (c->nevents >= CORE_EVENTS_MAX) {
		err_set(&why, ERR_BUSY,
		    "%d messages wait to be matched already", CORE_EVENTS_MAX);
		core_refuse(c, f->serial, &why, NULL);
		return 0;
	}
	p = calloc(1, sizeof(*p));
	invariant(p != NULL);
	*p = (struct posted){ c, f->serial, c->nfronts };
	c->nevents++;
	if (core_events_match(c, &f->fds[0], false, posted, p, &why) == -1)
		posted(p, NULL, &why, NULL);
	return 0;
}

/* ---- asynchronous calls ---- */

static int
check_async(struct core *c, const char *hash, struct err *e)
{
	static struct prepare_program p;

	if (journal_find_program(c->journal, hash, &p, e) == -1)
		return -1;
	if (!p.on_http)
		return err_set(e, ERR_DENIED,
		    "on.http is false: it takes no calls over HTTP");
	return 0;
}

static int
add_async(struct core *c, const char *id, const char *hash, struct frame *f,
    const struct buf *request, bool *fresh, struct err *e)
{
	struct journal_job job = { .kind = JOURNAL_ASYNC,
		.due_ns = clock_real_ns(),
		.created_ns = clock_real_ns() };
	buf_auto struct buf body = { 0 };
	char *data;
	size_t len;

	if (check_async(c, hash, e) == -1 ||
	    fd_read_sealed(f->fds[0], FRONT_BODY_MAX, &data, &len, e) == -1)
		return -1;
	buf_add(&body, data, len);
	free(data);
	(void)str_copy(job.hash, sizeof(job.hash), hash);
	snprintf(job.name, sizeof(job.name), "async:%s", id);
	return journal_add_job(c->journal, &job, request, &body, fresh, e);
}

static int
check_callback(const struct core *c, const char *url, struct err *e)
{
	if (url[0] == '\0' || ceiling_fetch_may_call(&c->ceiling.fetch, url))
		return 0;
	return err_set(e, ERR_DENIED,
	    "X-Callback-Url: the policy does not allow this address");
}

int
core_events_hear_async(void *arg, struct frame *f, struct err *e)
{
	struct core *c = arg;
	struct front_invoke call;
	char id[FRONT_CALL_ID], key[SHA256_HEX], url[FETCH_URL_MAX];
	const char *name;
	struct buf request;
	struct value *v;
	struct err why;
	bool fresh;

	buf_get_str(&f->body, id, sizeof(id));
	buf_get_str(&f->body, key, sizeof(key));
	/* From here on it is kept as it is, for when it is called. */
	request = buf_over(f->body.data + f->body.at, f->body.len - f->body.at);
	buf_get_str(&f->body, url, sizeof(url));
	front_msgs_get_invoke(&f->body, &call);
	if (!buf_ok(&f->body) || item_hash_kind(call.hash) == ITEM_HASH_NONE) {
		free(call.room);
		return err_set(e, ERR_INVALID, "async: malformed frame");
	}
	if (core_keys_check(&c->keys, call.hash, key, &name, &why) == 0 &&
	    check_callback(c, url, &why) == 0 &&
	    add_async(c, id, call.hash, f, &request, &fresh, &why) == 0) {
		v = value_new(VALUE_MAP);
		value_set_text(v, "call_id", id);
		value_set_text(v, "status", fresh ? "accepted" : "known");
		core_answer(c, f->serial, v);
		core_jobs_kick(&c->jobs);
	} else {
		core_refuse(c, f->serial, &why, NULL);
	}
	free(call.room);
	return 0;
}

static void
send_result(struct core *c, uint32_t serial, const struct journal_job *j,
    const struct buf *result)
{
	struct value *v = value_new(VALUE_MAP);
	buf_auto struct buf b = { 0 };
	fd_auto int fd = -1;
	struct err why;

	if (j->state == JOURNAL_DONE && j->error[0] != '\0') {
		value_free(v);
		err_set(&why, ERR_NOT_FOUND, "%s", j->error);
		core_refuse(c, serial, &why, NULL);
		return;
	}
	if (j->state == JOURNAL_DEAD) {
		value_free(v);
		err_set(&why, ERR_GUEST, "given up: %s", j->error);
		core_refuse(c, serial, &why, NULL);
		return;
	}
	value_set_text(v, "state", journal_job_state_name(j->state));
	value_set_int(v, "attempts", j->attempts);
	value_set_int(v, "status", j->status);
	if (j->error[0] != '\0')
		value_set_text(v, "error", j->error);
	if (j->state != JOURNAL_DONE) {
		core_answer(c, serial, v);
		return;
	}
	value_free(v);
	fd = fd_sealed("result", result->data, result->len, &why);
	if (fd == -1) {
		core_refuse(c, serial, &why, NULL);
		return;
	}
	buf_put_u32(&b, j->status);
	frame_link_send(&c->front, FRONT_DONE, serial, &b, &fd, 1);
}

int
core_events_hear_called(void *arg, struct frame *f, struct err *e)
{
	struct core *c = arg;
	buf_auto struct buf result = { 0 };
	char id[FRONT_CALL_ID], name[JOURNAL_JOB_NAME];
	struct journal_job j;
	struct err why;

	buf_get_str(&f->body, id, sizeof(id));
	if (!buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "called: malformed frame");
	snprintf(name, sizeof(name), "async:%s", id);
	if (journal_find_job(c->journal, name, &j, &result, &why) == 0)
		send_result(c, f->serial, &j, &result);
	else
		core_refuse(c, f->serial, &why, NULL);
	return 0;
}
