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

static bool
is_same(const struct spare_fit *a, const struct spare_fit *b)
{
	return (a->base == b->base || !CONTROL(48)) && a->lo_up == b->lo_up &&
	    a->want.memory == b->want.memory && a->want.pids == b->want.pids &&
	    a->want.cpu == b->want.cpu;
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
fit_slot(struct spare_pool *p, struct spare *s, const struct spare_fit *f,
    struct err *e)
{
	char name[64];

	if (slot_map(&s->slot, f->base, IDS_COUNT, p->rootless, f->lo_up, e) ==
	    -1)
		return -1;
	snprintf(name, sizeof(name), "cella.%d.%u", getpid(), p->serial++);
	if (cgroup_create(p->cgroups, name, &f->want, &s->cgroup, &s->limits,
		e) == -1)
		return -1;
	s->fit = *f;
	s->fitted = true;
	return 0;
}

/* Out of the pool. */
static struct spare
take(struct spare_pool *p, struct spare *s)
{
	struct spare taken = *s;

	*s = p->item[--p->len];
	return taken;
}

static int
give_up(struct spare *s)
{
	struct err ignored;

	(void)spare_close(s, &ignored);
	return -1;
}

static struct spare *
find(struct spare_pool *p, const struct spare_fit *f)
{
	for (size_t i = 0; i < p->len; i++)
		if (f == NULL
			? !p->item[i].fitted
			: p->item[i].fitted && is_same(&p->item[i].fit, f))
			return &p->item[i];
	return NULL;
}

/* Whoever comes next needs one that can be fitted. */
static size_t
count_free(const struct spare_pool *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->len; i++)
		n += !p->item[i].fitted;
	return n;
}

/* One of another fit than the last machine's, which nobody may want again. */
static struct spare *
find_stale(struct spare_pool *p)
{
	for (size_t i = 0; i < p->len; i++)
		if (p->item[i].fitted && !is_same(&p->item[i].fit, &p->fit))
			return &p->item[i];
	return NULL;
}

enum step { STEP_NONE, STEP_ADD, STEP_FIT, STEP_DROP };

static enum step
next_step(struct spare_pool *p)
{
	if (p->len < p->want)
		return STEP_ADD;
	if (p->has_fit && count_free(p) > 1)
		return STEP_FIT;
	if (p->want > 1 && count_free(p) == 0 && find_stale(p) != NULL)
		return STEP_DROP;
	return STEP_NONE;
}

bool
spare_wants(struct spare_pool *p)
{
	return next_step(p) != STEP_NONE;
}

int
spare_refill(struct spare_pool *p, struct err *e)
{
	struct spare s;

	switch (next_step(p)) {
	case STEP_ADD:
		return spare_add(p, e);
	case STEP_FIT:
		s = take(p, find(p, NULL));
		if (fit_slot(p, &s, &p->fit, e) == -1)
			return give_up(&s);
		p->item[p->len++] = s;
		return 0;
	case STEP_DROP:
		s = take(p, find_stale(p));
		return spare_close(&s, e);
	case STEP_NONE:
		break;
	}
	return 0;
}

int
spare_take(struct spare_pool *p, const struct grant *g, uint32_t base,
    struct spare *out, struct err *e)
{
	struct spare_fit f = spare_fit_of(g, base);
	struct spare *s = find(p, &f);

	p->fit = f;
	p->has_fit = true;
	if (s == NULL)
		s = find(p, NULL);
	if (s == NULL) {
		*out = (struct spare){ .slot = SLOT_EMPTY };
		if (slot_open(&out->slot, e) == -1)
			return -1;
	} else {
		*out = take(p, s);
	}
	return out->fitted || fit_slot(p, out, &f, e) == 0 ? 0 : give_up(out);
}

int
spare_close(struct spare *s, struct err *e)
{
	slot_close(&s->slot);
	if (!s->fitted)
		return 0;
	s->fitted = false;
	return cgroup_remove(&s->cgroup, e);
}

void
spare_fini(struct spare_pool *p)
{
	struct err ignored;

	while (p->len > 0)
		(void)spare_close(&p->item[--p->len], &ignored);
}
