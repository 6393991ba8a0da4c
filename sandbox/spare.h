/*
 * Slots that wait for a machine, made while nobody waits for them.  What can
 * be known ahead is done ahead: a slot is fitted for the kind of machine that
 * was started last, that is mapped to its tenant's ids, with its loopback and
 * with cgroups of its limits.  A slot serves one machine at a time, all of one
 * tenant: what was fitted for another is thrown away, never taken over.
 */
#ifndef SANDBOX_SPARE_H
#define SANDBOX_SPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/grant.h"
#include "sandbox/cgroup.h"
#include "sandbox/slot.h"

struct err;

#define SPARE_MAX 8

/* All that a slot is fitted for. */
struct spare_fit {
	uint32_t base; /* first host id of the tenant's range */
	bool lo_up;
	struct cgroup_want want;
};

enum spare_state {
	SPARE_NEW,       /* in namespaces that no id is mapped into */
	SPARE_MAPPING,   /* told its ids, not heard from since */
	SPARE_RESETTING, /* its machine is gone, nobody knows what it left */
	SPARE_MAPPED,
	SPARE_FITTED, /* with cgroups */
};

struct spare {
	struct slot slot;
	bool served; /* a machine was in it before */
	enum spare_state state;
	struct spare_fit fit; /* from SPARE_MAPPING on */
	bool has_cgroup;
	struct cgroup cgroup;
	struct cgroup_limits limits; /* as read back */
};

struct spare_pool {
	const struct cgroup_host *cgroups; /* borrowed */
	bool rootless;
	unsigned serial; /* names of cgroups */
	size_t want, len;
	size_t out; /* with machines that may leave them as they were */
	bool has_fit;
	bool failed; /* the last step did: the next machine tries again */
	struct spare_fit fit; /* of the last machine */
	struct spare item[SPARE_MAX];
};

struct spare_fit spare_fit_of(const struct grant *, uint32_t base);

/* One more, without a fit: for the first machine. */
int spare_add(struct spare_pool *, struct err *);

enum spare_hurry {
	SPARE_NOTHING, /* the pool is full */
	SPARE_QUIETLY, /* something to do while nobody waits */
	SPARE_NOW,     /* the next machine of this kind would have to wait */
};

enum spare_hurry spare_hurry(const struct spare_pool *);

/*
 * One step, none of which waits for another process: a slot that is missing,
 * or a part of a fit.  One slot for whoever comes stays without a fit.
 */
int spare_refill(struct spare_pool *, struct err *);

/*
 * One on its way to that fit, from the pool if there is one, else made: told
 * its ids, and nobody waits for it.  fresh: never one that has served.  The
 * caller gives it back or closes it.
 */
int spare_take(struct spare_pool *, const struct grant *, uint32_t base,
    bool fresh, struct spare *, struct err *);

/* Fitted: the grant's limits are written and read back, the slot is ready. */
int spare_finish(struct spare_pool *, struct spare *, struct err *);

/* Its machine runs: what only a start needs goes. */
void spare_started(struct spare *);

/*
 * Its machine is dead: the cgroups go, and the slot waits to be looked at, if
 * it is one that may serve again; else as spare_close().
 */
int spare_give_back(struct spare_pool *, struct spare *, bool reusable,
    struct err *);

/* The slot ends and what was made for it goes. */
int spare_close(struct spare *, struct err *);

/* All that are mapped to these ids, which somebody else may have next. */
int spare_forget(struct spare_pool *, uint32_t base, struct err *);

/* All of them; -1: the last that could not be removed. */
int spare_fini(struct spare_pool *, struct err *);

#endif
