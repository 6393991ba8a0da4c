#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "messages/front_msgs.h"
#include "messages/item_hash.h"
#include "runtime/core_fetch.h"
#include "runtime/core_launcher.h"
#include "runtime/core_prepare.h"
#include "runtime/core_relay.h"

/* For one job.  The machines that unpack have limits of their own. */
#define JOB_NS (600 * CLOCK_SECOND)
/* What one message can refer to, and some. */
#define FETCHES_MAX 300

struct core_prepare_job {
	struct core_prepare *all;
	struct core_prepare_job *next;
	enum prepare_type type;
	struct buf body;
	int fds[CORE_PREPARE_FDS];
	size_t nfds;
	unsigned nfetched;
	bool bound; /* to made, else anybody may do it */
	struct core_prepare_made made;
	core_prepare_fn *fn;
	void *arg;
};

static void
close_fds(struct core_prepare_job *j)
{
	for (size_t i = 0; i < j->nfds; i++)
		fd_close(&j->fds[i]);
}

static void
free_job(struct core_prepare_job *j)
{
	buf_fini(&j->body);
	close_fds(j);
	free(j);
}

static void
fail_job(struct core_prepare_job *j, const struct err *why)
{
	j->fn(j->arg, NULL, why, "");
	free_job(j);
}

static bool
is_for(const struct core_prepare_job *j, const struct core_preparer *p)
{
	return !j->bound || j->made.number == (unsigned)(p - p->all->preparer);
}

static void takes_too_long(void *arg);

static void
give(struct core_prepare *all, struct core_preparer *p,
    struct core_prepare_job *j)
{
	p->busy = j;
	j->made.number = (unsigned)(p - all->preparer);
	j->made.generation = p->generation;
	j->made.serial = ++all->serial;
	loop_timer_set(all->loop, &p->patience, clock_mono_ns() + JOB_NS,
	    takes_too_long, p);
	frame_link_send(&p->jobs, j->type, j->made.serial, &j->body, j->fds,
	    j->nfds);
	/* A message may be read again. */
	if (j->type != PREPARE_READ)
		close_fds(j);
}

/* The first job that this one may do. */
static void
feed(struct core_prepare *all, struct core_preparer *p)
{
	struct core_prepare_job **at = &all->first, *j;

	while (*at != NULL && !is_for(*at, p))
		at = &(*at)->next;
	j = *at;
	if (j == NULL || !p->open || p->busy != NULL)
		return;
	*at = j->next;
	if (all->last == &j->next)
		all->last = at;
	j->next = NULL;
	give(all, p, j);
}

static void
enqueue(struct core_prepare *all, struct core_prepare_job *j)
{
	j->next = NULL;
	*all->last = j;
	all->last = &j->next;
	for (size_t i = 0; i < MONITOR_PREPARERS; i++)
		feed(all, &all->preparer[i]);
}

/* What the job missed is here, or it is not to be had. */
static void
fetched(void *arg, const struct err *why)
{
	struct core_prepare_job *j = arg;
	struct core_prepare_job **at = &j->all->held;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	if (why == NULL)
		enqueue(j->all, j);
	else
		fail_job(j, why);
}

/* True: it goes on by itself when what it missed is here. */
static bool
fetch_missing(struct core_prepare_job *j, const char *hash)
{
	if (j->all->fetch == NULL ||
	    (j->type != PREPARE_READ && j->type != PREPARE_ASSEMBLE) ||
	    j->nfetched >= FETCHES_MAX || !core_fetch_can(j->all->fetch, hash))
		return false;
	j->nfetched++;
	j->next = j->all->held;
	j->all->held = j;
	core_fetch_want(j->all->fetch, hash, fetched, j);
	return true;
}

/* 1: it is not over yet. */
static int
hear_failed(struct core_prepare_job *j, struct frame *f, struct err *e)
{
	char *problems = malloc(FRONT_PROBLEMS_MAX), hash[ITEM_HASH_MAX] = "";
	struct err why;

	invariant(problems != NULL);
	if (f->type == PREPARE_MISSING)
		buf_get_str(&f->body, hash, sizeof(hash));
	front_msgs_get_refused(&f->body, &why, problems);
	if (!buf_ok(&f->body)) {
		free(problems);
		return err_set(e, ERR_SYSTEM, "preparer: malformed frame");
	}
	if (item_hash_kind(hash) != ITEM_HASH_NONE && fetch_missing(j, hash)) {
		free(problems);
		return 1;
	}
	j->fn(j->arg, NULL, &why, problems);
	free(problems);
	return 0;
}

static bool
is_answer(const struct core_prepare_job *j, const struct frame *f)
{
	return f->serial == j->made.serial &&
	    ((j->type == PREPARE_READ && f->type == PREPARE_READ_DONE) ||
		(j->type == PREPARE_ASSEMBLE && f->type == PREPARE_ASSEMBLED) ||
		(j->type == PREPARE_PACK && f->type == PREPARE_PACKED) ||
		(j->type == PREPARE_EVENT && f->type == PREPARE_EVENT_DONE) ||
		(j->type == PREPARE_APPLY && f->type == PREPARE_APPLIED) ||
		(j->type == PREPARE_TAKE && f->type == PREPARE_TAKEN) ||
		f->type == PREPARE_MISSING || f->type == PREPARE_FAILED);
}

static int
hear_answer(void *arg, struct frame *f, struct err *e)
{
	struct core_preparer *p = arg;
	struct core_prepare_job *j = p->busy;
	int r = 0;

	if (j == NULL || !is_answer(j, f))
		return err_set(e, ERR_SYSTEM, "preparer: unexpected frame %u",
		    f->type);
	if (f->type == PREPARE_FAILED || f->type == PREPARE_MISSING)
		r = hear_failed(j, f, e);
	else
		j->fn(j->arg, f, NULL, "");
	if (r == -1)
		return -1;
	p->busy = NULL;
	loop_timer_stop(p->all->loop, &p->patience);
	if (r == 0)
		free_job(j);
	feed(p->all, p);
	return 0;
}

/* What waits for this very process waits in vain. */
static void
drop_bound(struct core_prepare *all, struct core_preparer *p,
    const struct err *why)
{
	struct core_prepare_job **at = &all->first, *j, *dropped = NULL;

	while ((j = *at) != NULL)
		if (j->bound && is_for(j, p)) {
			*at = j->next;
			j->next = dropped;
			dropped = j;
		} else {
			at = &j->next;
		}
	all->last = at;
	while ((j = dropped) != NULL) {
		dropped = j->next;
		fail_job(j, why);
	}
}

static void
detach(struct core_preparer *p, const struct err *cause)
{
	struct core_prepare_job *j = p->busy;
	struct err why;

	if (!p->open)
		return;
	p->open = false;
	p->busy = NULL;
	loop_timer_stop(p->all->loop, &p->patience);
	frame_link_close(&p->jobs);
	frame_link_close(&p->launcher);
	core_relay_end(p);
	err_set(&why, ERR_SYSTEM, "the preparer is gone: %s", cause->text);
	if (j != NULL)
		fail_job(j, &why);
	drop_bound(p->all, p, &why);
}

static void
gone(void *arg, const struct err *why)
{
	detach(arg, why);
}

/* It may never look at its socket again: its parent ends it. */
static void
takes_too_long(void *arg)
{
	struct core_preparer *p = arg;
	buf_auto struct buf b = { 0 };
	struct err why;

	err_set(&why, ERR_TIMEOUT, "one job took %u s",
	    (unsigned)(JOB_NS / CLOCK_SECOND));
	buf_put_u32(&b, (uint32_t)(p - p->all->preparer));
	detach(p, &why);
	frame_link_send(p->all->monitor, MONITOR_STUCK, 0, &b, NULL, 0);
}

void
core_prepare_init(struct core_prepare *all, struct loop *loop,
    struct core_launcher *launcher, struct frame_link *monitor,
    const struct ceiling *ceiling)
{
	*all = (struct core_prepare){ .loop = loop,
		.launcher = launcher,
		.monitor = monitor,
		.ceiling = ceiling };
	all->last = &all->first;
	for (size_t i = 0; i < MONITOR_PREPARERS; i++)
		all->preparer[i] = (struct core_preparer){ .all = all,
			.jobs.sock = -1,
			.launcher.sock = -1 };
}

void
core_prepare_fini(struct core_prepare *all)
{
	struct core_prepare_job *j;

	for (size_t i = 0; i < MONITOR_PREPARERS; i++) {
		frame_link_close(&all->preparer[i].jobs);
		frame_link_close(&all->preparer[i].launcher);
	}
	while ((j = all->first) != NULL) {
		all->first = j->next;
		free_job(j);
	}
	while ((j = all->held) != NULL) {
		all->held = j->next;
		free_job(j);
	}
}

int
core_prepare_attach(struct core_prepare *all, unsigned number, int jobs,
    int launcher, struct err *e)
{
	struct core_preparer *p = &all->preparer[number];
	struct err why;

	err_set(&why, ERR_SYSTEM, "another took its place");
	detach(p, &why);
	p->generation++;
	if (frame_link_open(&p->jobs, all->loop, jobs, hear_answer, gone, p,
		e) == -1) {
		fd_close(&launcher);
		return -1;
	}
	if (frame_link_open(&p->launcher, all->loop, launcher, core_relay_hear,
		gone, p, e) == -1) {
		frame_link_close(&p->jobs);
		return -1;
	}
	p->open = true;
	feed(all, p);
	return 0;
}

struct core_prepare_job *
core_prepare_ask(struct core_prepare *all, const struct core_prepare_ask *a,
    core_prepare_fn *fn, void *arg)
{
	struct core_prepare_job *j = calloc(1, sizeof(*j));

	invariant(j != NULL);
	*j = (struct core_prepare_job){ .all = all,
		.type = a->type,
		.nfds = a->nfds,
		.bound = a->bound != NULL,
		.fn = fn,
		.arg = arg };
	invariant(a->nfds <= CORE_PREPARE_FDS);
	for (size_t i = 0; i < a->nfds; i++)
		j->fds[i] = fd_take(&a->fds[i]);
	j->made.tenant = a->tenant;
	if (a->bound != NULL)
		j->made = *a->bound;
	if (a->body != NULL)
		buf_add(&j->body, a->body->data, a->body->len);
	enqueue(all, j);
	return j;
}

uint32_t
core_prepare_tenant(const struct core_preparer *p)
{
	return p->busy == NULL ? 0 : p->busy->made.tenant;
}

struct core_prepare_made
core_prepare_maker(const struct core_prepare_job *j)
{
	return j->made;
}

bool
core_prepare_holds(const struct core_prepare *all,
    const struct core_prepare_made *m)
{
	const struct core_preparer *p = &all->preparer[m->number];

	return p->open && p->generation == m->generation;
}

void
core_prepare_release(struct core_prepare *all,
    const struct core_prepare_made *m)
{
	buf_auto struct buf b = { 0 };

	if (!core_prepare_holds(all, m))
		return;
	buf_put_u32(&b, m->serial);
	frame_link_send(&all->preparer[m->number].jobs, PREPARE_RELEASE, 0, &b,
	    NULL, 0);
}
