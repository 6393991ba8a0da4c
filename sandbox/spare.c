#include <stdio.h>
#include <unistd.h>

#include "base/control.h"
#include "base/err.h"
#include "base/str.h"
#include "policy/machine.h"
#include "sandbox/ids.h"
#include "sandbox/spare.h"

struct spare_fit
spare_fit_of(const struct grant *g, uint32_t base)
{
	return (struct spare_fit){ .base = base,
		.lo_up = g->net != GRANT_NET_NONE,
		.want = { .memory = g->limit[GRANT_MEMORY],
		    .pids = g->limit[GRANT_PIDS],
		    .cpu = g->limit[GRANT_CPU] } };
}

/* The ids and the loopback cannot be changed any more; the limits can. */
static bool
same_map(const struct spare_fit *a, const struct spare_fit *b)
{
	return (a->base == b->base || !CONTROL(48)) && a->lo_up == b->lo_up;
}

static bool
same_limits(const struct spare_fit *a, const struct spare_fit *b)
{
	return a->want.memory == b->want.memory &&
	    a->want.pids == b->want.pids && a->want.cpu == b->want.cpu;
}

int
spare_add(struct spare_pool *p, struct err *e)
{
	struct spare *s = &p->item[p->len];

	invariant(p->len < SPARE_MAX);
	*s = (struct spare){ .slot = SLOT_EMPTY };
	if (slot_open(&s->slot, e) == -1)
		return -1;
	p->len++;
	return 0;
}

static int
make_cgroup(struct spare_pool *p, struct spare *s, struct err *e)
{
	char name[64];

	if (s->has_cgroup)
		return 0;
	snprintf(name, sizeof(name), "cella.%d.%u", getpid(), p->serial++);
	if (cgroup_create(p->cgroups, name, &s->fit.want, &s->cgroup,
		&s->limits, e) == -1)
		return -1;
	s->has_cgroup = true;
	return 0;
}

static int
remove_cgroup(struct spare *s, struct err *e)
{
	if (!s->has_cgroup)
		return 0;
	s->has_cgroup = false;
	return cgroup_remove(&s->cgroup, e);
}

/* From each state to the next one. */
static int
advance(struct spare_pool *p, struct spare *s, struct err *e)
{
	switch (s->state) {
	case SPARE_NEW:
		if (slot_map(&s->slot, s->fit.base, IDS_COUNT, p->rootless,
			s->fit.lo_up, e) == -1)
			return -1;
		s->state = SPARE_MAPPING;
		break;
	case SPARE_MAPPING:
		if (slot_wait_prepared(&s->slot, e) == -1)
			return -1;
		s->state = SPARE_MAPPED;
		break;
	case SPARE_RESETTING:
		if (slot_wait_reset(&s->slot, e) != 1)
			return -1;
		s->state = SPARE_MAPPED;
		break;
	case SPARE_MAPPED:
		if (make_cgroup(p, s, e) == -1)
			return -1;
		s->state = SPARE_FITTED;
		break;
	case SPARE_FITTED:
		break;
	}
	return 0;
}

/* Out of the pool. */
static struct spare
take(struct spare_pool *p, size_t i)
{
	struct spare taken = p->item[i];

	p->item[i] = p->item[--p->len];
	return taken;
}

static int
give_up(struct spare *s)
{
	struct err ignored;

	(void)spare_close(s, &ignored);
	return -1;
}

/*
 * How soon it can serve: one that has served has only to say that it is as it
 * was, which takes less than making another.
 */
static int
rank(const struct spare *s)
{
	switch (s->state) {
	case SPARE_FITTED:
		return 5;
	case SPARE_MAPPED:
		return 4;
	case SPARE_RESETTING:
		return slot_has_answered(&s->slot) ? 3 : 2;
	case SPARE_MAPPING:
		return 1;
	case SPARE_NEW:
		break;
	}
	return 0;
}

/* The furthest one that this fit can use; else a new one; else p->len. */
static size_t
find_best(const struct spare_pool *p, const struct spare_fit *f, bool fresh)
{
	size_t best = p->len;
	const struct spare *s;

	for (size_t i = 0; i < p->len; i++) {
		s = &p->item[i];
		if ((fresh && s->served) ||
		    (s->state != SPARE_NEW && !same_map(&s->fit, f)))
			continue;
		if (best == p->len || rank(s) > rank(&p->item[best]))
			best = i;
	}
	return best;
}

struct step {
	enum { STEP_NONE, STEP_ADD, STEP_ADVANCE, STEP_DROP } kind;
	size_t i;
};

/* Of what is out, as much as a pool may count on: half of its size. */
static size_t
coming_back(const struct spare_pool *p)
{
	return p->out < p->want / 2 ? p->out : p->want / 2;
}

static struct step
next_step(const struct spare_pool *p)
{
	size_t fresh = 0, last = 0;

	if (p->len + coming_back(p) < p->want)
		return (struct step){ STEP_ADD, 0 };
	for (size_t i = 0; i < p->len; i++) {
		if (p->item[i].state == SPARE_NEW) {
			fresh++;
			last = i;
		}
		if (p->item[i].state == SPARE_MAPPED ||
		    ((p->item[i].state == SPARE_MAPPING ||
			 p->item[i].state == SPARE_RESETTING) &&
			slot_has_answered(&p->item[i].slot)))
			return (struct step){ STEP_ADVANCE, i };
	}
	/* Whoever comes next needs one that can be fitted. */
	if (p->has_fit && fresh > 1)
		return (struct step){ STEP_ADVANCE, last };
	for (size_t i = 0; p->want > 1 && fresh == 0 && i < p->len; i++)
		if (!same_map(&p->item[i].fit, &p->fit))
			return (struct step){ STEP_DROP, i };
	return (struct step){ STEP_NONE, 0 };
}

enum spare_hurry
spare_hurry(const struct spare_pool *p)
{
	bool step = next_step(p).kind != STEP_NONE, coming = false;

	/* What failed now fails at once again: the launcher would spin. */
	if (p->failed)
		return SPARE_NOTHING;
	for (size_t i = 0; i < p->len; i++) {
		if (p->item[i].state == SPARE_FITTED &&
		    same_map(&p->item[i].fit, &p->fit))
			return step ? SPARE_QUIETLY : SPARE_NOTHING;
		coming |= p->item[i].state != SPARE_NEW;
	}
	if (step && p->has_fit && p->want > 1)
		return SPARE_NOW;
	/* What is coming from a slot is looked for when we are awake. */
	return step || coming ? SPARE_QUIETLY : SPARE_NOTHING;
}

static int
take_step(struct spare_pool *p, struct err *e)
{
	struct step step = next_step(p);
	bool resetting;
	struct spare s;

	switch (step.kind) {
	case STEP_NONE:
		return 0;
	case STEP_ADD:
		return spare_add(p, e);
	case STEP_DROP:
		s = take(p, step.i);
		return spare_close(&s, e);
	case STEP_ADVANCE:
		break;
	}
	s = take(p, step.i);
	if (s.state == SPARE_NEW)
		s.fit = p->fit;
	resetting = s.state == SPARE_RESETTING;
	if (advance(p, &s, e) == -1) {
		(void)give_up(&s);
		/* A machine left something in it: no failure of ours. */
		return resetting ? 0 : -1;
	}
	p->item[p->len++] = s;
	return 0;
}

int
spare_refill(struct spare_pool *p, struct err *e)
{
	int r = take_step(p, e);

	p->failed = r == -1;
	return r;
}

int
spare_take(struct spare_pool *p, const struct grant *g, uint32_t base,
    bool fresh, struct spare *out, struct err *e)
{
	struct spare_fit f = spare_fit_of(g, base);
	size_t i;

	p->fit = f;
	p->has_fit = true;
	p->failed = false;
	*out = (struct spare){ .slot = SLOT_EMPTY };
	while ((i = find_best(p, &f, fresh)) < p->len) {
		*out = take(p, i);
		if (out->state != SPARE_RESETTING || advance(p, out, e) == 0)
			break;
		/* A machine left something in it. */
		(void)give_up(out);
		*out = (struct spare){ .slot = SLOT_EMPTY };
	}
	if (out->slot.pid == 0 && slot_open(&out->slot, e) == -1)
		return -1;
	if (out->state == SPARE_FITTED && !same_limits(&out->fit, &f)) {
		out->state = SPARE_MAPPED;
		if (remove_cgroup(out, e) == -1)
			return give_up(out);
	}
	if (CONTROL(48) || out->state == SPARE_NEW)
		out->fit = f;
	if (out->state == SPARE_NEW && advance(p, out, e) == -1)
		return give_up(out);
	return 0;
}

int
spare_finish(struct spare_pool *p, struct spare *s, struct err *e)
{
	/* While the slot is still at work. */
	if (make_cgroup(p, s, e) == -1)
		return -1;
	while (s->state != SPARE_FITTED)
		if (advance(p, s, e) == -1)
			return -1;
	return 0;
}

void
spare_started(struct spare *s)
{
	slot_started(&s->slot);
	cgroup_started(&s->cgroup);
}

int
spare_give_back(struct spare_pool *p, struct spare *s, bool reusable,
    struct err *e)
{
	struct err ignored;

	if (!reusable || p->len >= p->want || !s->slot.gone)
		return spare_close(s, e);
	if (remove_cgroup(s, e) == -1 || slot_reset(&s->slot, e) == -1) {
		(void)spare_close(s, &ignored);
		return -1;
	}
	s->state = SPARE_RESETTING;
	s->served = true;
	p->item[p->len++] = *s;
	return 0;
}

int
spare_close(struct spare *s, struct err *e)
{
	int r;

	/* It dies while its cgroups, in which it never stood, go. */
	slot_kill(&s->slot);
	r = remove_cgroup(s, e);
	s->state = SPARE_NEW;
	slot_close(&s->slot);
	return r;
}

int
spare_forget(struct spare_pool *p, uint32_t base, struct err *e)
{
	struct spare s;

	if (p->fit.base == base)
		p->has_fit = false;
	for (size_t i = p->len; i-- > 0;) {
		if (p->item[i].state == SPARE_NEW ||
		    p->item[i].fit.base != base)
			continue;
		s = take(p, i);
		if (spare_close(&s, e) == -1)
			return -1;
	}
	return 0;
}

int
spare_fini(struct spare_pool *p, struct err *e)
{
	int r = 0;

	while (p->len > 0)
		if (spare_close(&p->item[--p->len], e) == -1)
			r = -1;
	return r;
}
