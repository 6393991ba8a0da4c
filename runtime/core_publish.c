#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/err.h"
#include "messages/front_msgs.h"
#include "messages/value.h"
#include "runtime/core.h"
#include "runtime/core_events.h"
#include "runtime/core_publish.h"
#include "runtime/core_run.h"
#include "runtime/journal.h"

/* Front may be another when the message is read. */
struct publish {
	struct core *core;
	uint32_t serial, front; /* NOBODY: it came by itself */
	void (*fn)(void *, const struct err *);
	void *arg;
	struct prepare_program program;
};

#define NOBODY UINT32_MAX

static void
end(struct publish *p, const struct err *why)
{
	if (p->fn != NULL)
		p->fn(p->arg, why);
	p->core->npublish--;
	free(p);
}

static void
refuse(struct publish *p, const struct err *why, const char *problems)
{
	struct core *c = p->core;

	core_audit_refused(&c->audit, "publish",
	    p->program.hash[0] == '\0' ? NULL : p->program.hash, why);
	if (p->front == c->nfronts)
		core_refuse(c, p->serial, why, problems);
	end(p, why);
}

static void
answer(struct publish *p, bool fresh)
{
	struct core *c = p->core;
	struct value *v;

	if (p->front == c->nfronts) {
		v = value_new(VALUE_MAP);
		value_set_text(v, "item_hash", p->program.hash);
		value_set_text(v, "status", fresh ? "published" : "known");
		value_set_text(v, "sender", p->program.sender);
		value_set_bool(v, "unverified", p->program.unverified);
		core_answer(c, p->serial, v);
	}
	end(p, NULL);
}

/* ---- STORE and FORGET ---- */

bool
core_publish_may_forget(const struct prepare_program *row, const char *owner)
{
	return !row->unverified && strcasecmp(row->sender, owner) == 0;
}

static int
forget_one(struct publish *p, const char *hash, struct value *done,
    struct err *e)
{
	struct core *c = p->core;
	struct prepare_program row;

	if (journal_find_program(c->journal, hash, &row, e) == -1)
		return e->code == ERR_NOT_FOUND ? 0 : -1;
	if (!core_publish_may_forget(&row, p->program.sender))
		return 0;
	if (journal_forget_program(c->journal, hash, clock_real_ns(), e) == -1)
		return -1;
	core_log("%s: its owner took it back", hash);
	core_cron_remove(&c->cron, hash);
	core_events_published(c);
	core_program_forget(&c->programs, hash);
	core_warm_forget(&c->warm, hash);
	core_run_forget(c, hash);
	value_add_text(done, hash);
	return 0;
}

static int
forget_all(struct publish *p, struct value *done, struct err *e)
{
	char *line = p->program.forgets, *end;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (forget_one(p, line, done, e) == -1)
			return -1;
	}
	return 0;
}

static void
applied(void *arg, struct frame *f, const struct err *cause,
    const char *problems)
{
	struct publish *p = arg;
	struct core *c = p->core;
	value_auto struct value *done = value_new(VALUE_LIST);
	struct value *v;
	struct err why;

	if (f == NULL || forget_all(p, done, &why) == -1) {
		refuse(p, f == NULL ? cause : &why, problems);
		return;
	}
	core_program_refresh(&c->programs);
	core_warm_refresh(&c->warm);
	core_log("%s: %s", p->program.hash,
	    p->program.kind == PREPARE_STORE ? "a STORE" : "a FORGET");
	if (p->front == c->nfronts) {
		v = value_new(VALUE_MAP);
		value_set_text(v, "item_hash", p->program.hash);
		value_set_text(v, "status",
		    p->program.kind == PREPARE_STORE ? "stored" : "forgotten");
		value_set_text(v, "sender", p->program.sender);
		value_set_bool(v, "unverified", p->program.unverified);
		if (p->program.kind == PREPARE_FORGET)
			value_set(v, "functions", value_copy(done));
		core_answer(c, p->serial, v);
	}
	end(p, NULL);
}

/* It stands in the audit log: only now it does something. */
static void
apply(struct publish *p)
{
	buf_auto struct buf b = { 0 };

	buf_put_str(&b, p->program.digest);
	core_prepare_ask(&p->core->prepare,
	    &(struct core_prepare_ask){ .type = PREPARE_APPLY, .body = &b },
	    applied, p);
}

/* What stands in the journal stands in the audit log: that comes first. */
static void
recorded(void *arg, const struct err *cause)
{
	struct publish *p = arg;
	uint64_t now = clock_real_ns();
	struct err why;
	bool fresh;

	if (cause != NULL)
		err_set(&why, ERR_BUSY, "%s", cause->text);
	else if (p->program.kind != PREPARE_PROGRAM) {
		apply(p);
		return;
	} else if (journal_add_program(p->core->journal, &p->program, now,
		       &fresh, &why) == 0) {
		core_log("%s: published", p->program.hash);
		if (fresh)
			core_cron_add(&p->core->cron, &p->program, now);
		if (fresh)
			core_warm_published(&p->core->warm, &p->program);
		core_events_published(p->core);
		answer(p, fresh);
		return;
	}
	refuse(p, &why, NULL);
}

static void
published(void *arg, struct frame *f, const struct err *why,
    const char *problems)
{
	struct publish *p = arg;
	struct core *c = p->core;
	struct prepare_program known;
	struct err e;

	if (f == NULL) {
		refuse(p, why, problems);
		return;
	}
	prepare_msgs_get_program(&f->body, &p->program);
	if (!buf_ok(&f->body) || p->program.kind >= PREPARE_KINDS) {
		err_set(&e, ERR_SYSTEM, "preparer: malformed frame");
		refuse(p, &e, NULL);
	} else if (p->program.kind != PREPARE_PROGRAM) {
		core_audit_published(&c->audit, &p->program, recorded, p);
	} else if (journal_find_program(c->journal, p->program.hash, &known,
		       &e) == 0) {
		answer(p, false);
	} else if (e.code == ERR_NOT_FOUND) {
		core_audit_published(&c->audit, &p->program, recorded, p);
	} else {
		refuse(p, &e, NULL);
	}
}

static struct publish *
new_publish(struct core *c)
{
	struct publish *p = calloc(1, sizeof(*p));

	invariant(p != NULL);
	p->core = c;
	c->npublish++;
	return p;
}

static void
read_it(struct publish *p, int *message)
{
	core_prepare_ask(&p->core->prepare,
	    &(struct core_prepare_ask){ .type = PREPARE_READ,
		.fds = message,
		.nfds = 1 },
	    published, p);
}

int
core_publish_hear(void *arg, struct frame *f, struct err *e)
{
	struct core *c = arg;
	struct publish *p;
	struct err why;

	if (f->nfds != 1 || !buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "publish: malformed frame");
	if (c->npublish >= CORE_PUBLISH_MAX) {
		err_set(&why, ERR_BUSY, "%d messages wait to be read already",
		    CORE_PUBLISH_MAX);
		core_refuse(c, f->serial, &why, NULL);
		return 0;
	}
	p = new_publish(c);
	p->serial = f->serial;
	p->front = c->nfronts;
	read_it(p, &f->fds[0]);
	return 0;
}

void
core_publish_heard(struct core *c, int *message,
    void (*fn)(void *, const struct err *), void *arg)
{
	struct publish *p = new_publish(c);

	p->front = NOBODY;
	p->fn = fn;
	p->arg = arg;
	read_it(p, message);
}
