#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/front_msgs.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/core.h"
#include "runtime/core_cron.h"
#include "runtime/journal.h"
#include "runtime/record_parts.h"

/* The clock may be set: nobody sleeps longer than this. */
#define TICK_MAX 10
#define LISTED 5
/* In one turn: each waits for the disk, and others wait for us. */
#define TURN 16

static int64_t
now_s(void)
{
	return (int64_t)(clock_real_ns() / CLOCK_SECOND);
}

static char *
body_of(const struct crontab_entry *x, int64_t slot)
{
	value_auto struct value *v = value_new(VALUE_MAP);

	value_set_text(v, "type", "cron");
	value_set_text(v, "cron", x->text);
	record_parts_time(v, "slot", (uint64_t)slot * CLOCK_SECOND);
	return json_emit(v, JSON_AS_LINE);
}

static int
make_job(struct core *c, const struct crontab_entry *x, int64_t slot,
    struct err *e)
{
	struct journal_job job = { .kind = JOURNAL_CRON,
		.due_ns = clock_real_ns(),
		.created_ns = clock_real_ns() };
	buf_auto struct buf request = { 0 }, body = { 0 };
	char *text = body_of(x, slot);
	bool fresh;

	memcpy(job.hash, x->hash, sizeof(job.hash));
	snprintf(job.name, sizeof(job.name), "cron:%s:%u:%" PRId64, x->hash,
	    x->place, slot);
	buf_add_str(&body, text);
	free(text);
	core_jobs_put_request(&request, "", x->hash, job.name);
	return journal_fire(c->journal, &job, x->place, slot, &request, &body,
	    &fresh, e);
}

/* The last one of the function's is not over, and it is not to meet itself. */
static int
is_to_be_skipped(const struct core *c, const struct crontab_entry *x,
    bool *skip, struct err *e)
{
	*skip = false;
	if (c->ceiling.node.cron_overlap == CEILING_ALLOW)
		return 0;
	return journal_has_job(c->journal, JOURNAL_CRON, x->hash, skip, e);
}

static int
fire(struct core *c, const struct crontab_entry *x, int64_t slot, struct err *e)
{
	struct err why;
	bool skip;

	if (is_to_be_skipped(c, x, &skip, e) == -1)
		return -1;
	if (!skip)
		return make_job(c, x, slot, e);
	err_set(&why, ERR_BUSY, "cron: its last run is not over");
	core_audit_refused(&c->audit, "run", x->hash, &why);
	return journal_skip_slot(c->journal, x->hash, x->place, slot, e);
}

static void
tick(void *arg)
{
	struct core_cron *t = arg;
	struct core *c = t->core;
	struct crontab_entry *x;
	int64_t slot, wait, due;
	struct err e;
	int n = 0;

	while (!c->draining && n++ < TURN &&
	    (x = crontab_fire(&t->table, now_s(), &slot)) != NULL) {
		/* What is not in the journal fires again at the next start. */
		if (fire(c, x, slot, &e) == -1)
			core_log("%s: cron: %s", x->hash, e.text);
		core_jobs_kick(&c->jobs);
	}
	if (n > TURN) {
		loop_timer_set(c->loop, &t->tick, 0, tick, t);
		return;
	}
	due = crontab_due(&t->table);
	wait = due - now_s();
	if (wait > TICK_MAX || due == INT64_MAX)
		wait = TICK_MAX;
	loop_timer_set(c->loop, &t->tick,
	    clock_mono_ns() + (uint64_t)(wait < 1 ? 1 : wait) * CLOCK_SECOND -
		clock_real_ns() % CLOCK_SECOND,
	    tick, t);
}

/* One expression; what does not parse was not published. */
static void
add_one(struct core_cron *t, const struct prepare_program *p, unsigned place,
    const char *text, uint64_t published_ns)
{
	int64_t fired = 0;
	struct err e;

	if (journal_last_slot(t->core->journal, p->hash, place, &fired, &e) ==
	    -1) {
		core_log("%s", e.text);
		return;
	}
	if (fired == 0)
		fired = (int64_t)(published_ns / CLOCK_SECOND);
	if (crontab_add(&t->table, p->hash, place, text, fired, &e) == -1)
		core_log("%s: %s", p->hash, e.text);
}

static void
add_all(struct core_cron *t, const struct prepare_program *p,
    uint64_t published_ns)
{
	char *lines = str_dup(p->cron), *line = lines, *end;

	for (unsigned place = 0; (end = strchr(line, '\n')) != NULL; place++) {
		*end = '\0';
		add_one(t, p, place, line, published_ns);
		line = end + 1;
	}
	free(lines);
}

void
core_cron_add(struct core_cron *t, const struct prepare_program *p,
    uint64_t published_ns)
{
	if (p->cron[0] == '\0')
		return;
	add_all(t, p, published_ns);
	loop_timer_set(t->core->loop, &t->tick, 0, tick, t);
}

void
core_cron_remove(struct core_cron *t, const char *hash)
{
	crontab_remove(&t->table, hash);
}

static int
load(void *arg, const struct prepare_program *p, uint64_t published_ns)
{
	add_all(arg, p, published_ns);
	return 0;
}

int
core_cron_open(struct core_cron *t, struct core *c, struct err *e)
{
	const struct ceiling_node *n = &c->ceiling.node;

	*t = (struct core_cron){ .core = c };
	t->table.period = (int64_t)(n->cron_period_ns / CLOCK_SECOND);
	t->table.jitter = (int64_t)(n->cron_jitter_ns / CLOCK_SECOND);
	if (journal_each_program(c->journal, load, t, e) == -1)
		return -1;
	tick(t);
	return 0;
}

void
core_cron_close(struct core_cron *t)
{
	if (t->core == NULL)
		return;
	loop_timer_stop(t->core->loop, &t->tick);
	crontab_fini(&t->table);
}

struct value *
core_cron_list(const struct core_cron *t)
{
	struct value *list = value_new(VALUE_LIST), *v, *next;
	char at[RECORD_PARTS_TIME];
	int64_t slots[LISTED];
	size_t n;

	for (size_t i = 0; i < t->table.len; i++) {
		const struct crontab_entry *x = &t->table.entry[i];

		v = value_add(list, value_new(VALUE_MAP));
		value_set_text(v, "item_hash", x->hash);
		value_set_text(v, "cron", x->text);
		value_set_int(v, "delay_s", x->delay);
		next = value_set_list(v, "next");
		n = crontab_next(&t->table, x, now_s(), slots, LISTED);
		for (size_t k = 0; k < n; k++) {
			record_parts_time_text(at,
			    (uint64_t)slots[k] * CLOCK_SECOND);
			value_add_text(next, at);
		}
	}
	return list;
}
