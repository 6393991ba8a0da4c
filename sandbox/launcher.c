#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/frame.h"
#include "sandbox/caps.h"
#include "sandbox/launch.h"
#include "sandbox/launch_filter.h"
#include "sandbox/launcher.h"
#include "sandbox/slot_join.h"
#include "sandbox/tenants.h"

#define MACHINES_MAX 1024
#define VOLUMES_MAX 1024
#define INIT_SIZE_MAX (1 << 20)
#define QUIET_MS 2 /* without an event: nobody waits for us */

#define PHASE_SETUP 1U
#define PHASE_SERVE 2U

struct volume {
	bool used;
	uint32_t serial;
};

struct running {
	bool used;
	uint32_t serial, tenant;
	struct launch launch;
};

struct launcher {
	const struct launcher_args *args;
	struct launch_context context;
	unsigned phase;
	struct grant ceiling;
	uint32_t optional; /* controls that a machine may call so */
	struct tenants tenants;
	struct volume volume[VOLUMES_MAX];
	struct running running[MACHINES_MAX];
};

static int
answer_error(struct launcher *l, uint32_t serial, const struct err *why,
    struct err *e)
{
	buf_auto struct buf b = { 0 };

	launch_msgs_put_error(&b, why);
	return frame_send(l->args->core, LAUNCH_ERROR, serial, &b, NULL, 0, e);
}

static struct running *
find(struct launcher *l, uint32_t serial)
{
	for (size_t i = 0; i < MACHINES_MAX; i++)
		if (l->running[i].used && l->running[i].serial == serial)
			return &l->running[i];
	return NULL;
}

static int
answer_ceiling(struct launcher *l, struct frame *f, struct err *e)
{
	buf_auto struct buf b = { 0 };

	grant_get(&f->body, &l->ceiling);
	l->optional = buf_get_u32(&f->body);
	l->context.spares.want = buf_get_u32(&f->body);
	if (!buf_ok(&f->body) || l->context.spares.want > SPARE_MAX)
		return err_set(e, ERR_INVALID, "ceiling: malformed frame");
	if (l->ceiling.net != GRANT_NET_EGRESS && caps_drop_network(e) == -1)
		return -1;
	l->phase = PHASE_SERVE; /* never back: the ceiling comes once */
	launch_msgs_put_host(&b, &l->context.found);
	if (frame_send(l->args->core, LAUNCH_READY, f->serial, &b, NULL, 0,
		e) == -1)
		return -1;
	/* While core makes up its mind: what most machines need. */
	launch_filter_prepare(grant_of_tier(GRANT_STANDARD));
	return 0;
}

static struct volume *
find_volume(struct launcher *l, bool used, uint32_t serial)
{
	for (size_t i = 0; i < VOLUMES_MAX; i++)
		if (l->volume[i].used == used &&
		    (!used || l->volume[i].serial == serial))
			return &l->volume[i];
	return NULL;
}

static int
answer_volume(struct launcher *l, struct frame *f, struct err *e)
{
	uint32_t tenant = buf_get_u32(&f->body);
	struct tenant *t;
	uint64_t bytes = buf_get_u64(&f->body);
	uint64_t inodes = buf_get_u64(&f->body);
	struct mount_apply_owner owner = { .userns = -1 };
	struct volume *v = find_volume(l, false, 0);
	fd_auto int tree = -1;
	struct err why;

	if (!buf_ok(&f->body) || bytes == 0 || inodes == 0 ||
	    find_volume(l, true, f->serial) != NULL)
		return err_set(e, ERR_INVALID, "volume: malformed frame");
	if (v == NULL) {
		err_set(&why, ERR_BUSY, "more than %d volumes", VOLUMES_MAX);
	} else if ((t = tenants_take(&l->tenants, tenant, &why)) != NULL) {
		owner.uid = l->args->rootless ? 0 : t->base + MACHINE_UID;
		owner.gid = l->args->rootless ? 0 : t->base + MACHINE_GID;
		tree = mount_apply_volume((unsigned)(v - l->volume), bytes,
		    inodes, &owner, &why);
	}
	if (tree == -1)
		return answer_error(l, f->serial, &why, e);
	*v = (struct volume){ true, f->serial };
	return frame_send(l->args->core, LAUNCH_VOLUME_MADE, f->serial, NULL,
	    &tree, 1, e);
}

static int
answer_free_volume(struct launcher *l, struct frame *f, struct err *e)
{
	struct volume *v = find_volume(l, true, f->serial);

	if (!buf_ok(&f->body) || v == NULL)
		return err_set(e, ERR_INVALID, "free: no such volume");
	v->used = false;
	return mount_apply_free_volume((unsigned)(v - l->volume), e);
}

/* One descriptor for each mount that needs one, after the fixed ones. */
static int
sort_fds(const struct machine *m, const struct frame *f, struct launch_fds *out,
    struct err *e)
{
	size_t at = 0, want = 4;

	for (size_t i = 0; i < m->nmounts; i++)
		want += machine_has_source(&m->mount[i]);
	want += m->channel ? 2 : 0;
	if (f->nfds != want)
		return err_set(e, ERR_INVALID,
		    "create: %zu descriptors instead of %zu", f->nfds, want);
	for (size_t i = 0; i < 3; i++)
		out->std[i] = f->fds[at++];
	out->args = f->fds[at++];
	out->channel[0] = m->channel ? f->fds[at++] : -1;
	out->channel[1] = m->channel ? f->fds[at++] : -1;
	for (size_t i = 0; i < MACHINE_MOUNTS_MAX; i++)
		out->source[i] =
		    i < m->nmounts && machine_has_source(&m->mount[i])
		    ? f->fds[at++]
		    : -1;
	return 0;
}

static int
create(struct launcher *l, uint32_t tenant, const struct machine *m,
    struct launch_fds *fds, struct running *r, struct launch_created *created,
    struct err *e)
{
	struct tenant *t;

	t = tenants_take(&l->tenants, tenant, e);
	if (t == NULL ||
	    (machine_find_state(m) != 0 &&
		tenants_map_files(&l->tenants, t, e) == -1))
		return -1;
	fds->files = t->files;
	return launch_start(&r->launch, &l->context, m, t->base, fds, created,
	    e);
}

/* What core has of a machine, it has alone. */
static int
give_created(struct launcher *l, struct running *r, const struct buf *b,
    struct err *e)
{
	int *const its[] = { &r->launch.resolver, &r->launch.meter,
		&r->launch.upper };
	int given[1 + nitems(its)] = { r->launch.pidfd };
	size_t n = 1;

	for (size_t i = 0; i < nitems(its); i++)
		if (*its[i] != -1)
			given[n++] = *its[i];
	if (frame_send(l->args->core, LAUNCH_CREATED, r->serial, b, given, n,
		e) == -1)
		return -1;
	for (size_t i = 0; i < nitems(its); i++)
		fd_close(its[i]);
	return 0;
}

/*
 * What is malformed or above the ceiling ends the connection: core has
 * checked it, so whoever sends it is not core.
 */
static int
answer_create(struct launcher *l, struct frame *f, struct err *e)
{
	static struct machine m;
	struct launch_created created;
	buf_auto struct buf b = { 0 };
	uint32_t tenant = buf_get_u32(&f->body);
	struct running *r = NULL;
	struct launch_fds fds;
	struct err why;

	if (machine_get(&f->body, &m, e) == -1 ||
	    grant_check(&m.grant, &l->ceiling, e) == -1 ||
	    sort_fds(&m, f, &fds, e) == -1)
		return -1;
	if ((m.optional & ~l->optional) != 0)
		return err_set(e, ERR_DENIED,
		    "create: a control is optional above the ceiling");
	if (find(l, f->serial) != NULL)
		return err_set(e, ERR_INVALID, "create: serial in use");
	for (size_t i = 0; i < MACHINES_MAX && r == NULL; i++)
		if (!l->running[i].used)
			r = &l->running[i];
	if (r == NULL) {
		err_set(&why, ERR_BUSY, "more than %d machines", MACHINES_MAX);
		return answer_error(l, f->serial, &why, e);
	}
	if (create(l, tenant, &m, &fds, r, &created, &why) == -1)
		return answer_error(l, f->serial, &why, e);
	r->used = true;
	r->serial = f->serial;
	r->tenant = tenant;
	launch_msgs_put_created(&b, &created);
	return give_created(l, r, &b, e);
}

static int
answer_connect(struct launcher *l, struct frame *f, struct err *e)
{
	struct running *r = find(l, f->serial);
	uint32_t port = buf_get_u32(&f->body);
	fd_auto int fd = -1;
	struct err why;

	if (!buf_ok(&f->body) || port == 0 || port > 65535)
		return err_set(e, ERR_INVALID, "connect: malformed frame");
	if (r == NULL)
		err_set(&why, ERR_NOT_FOUND, "the machine is gone");
	else
		fd = launch_connect(&r->launch, (uint16_t)port, &why);
	if (fd == -1)
		return answer_error(l, f->serial, &why, e);
	return frame_send(l->args->core, LAUNCH_CONNECTED, f->serial, NULL, &fd,
	    1, e);
}

/* Core knows which machines have one that is replaced. */
static int
answer_state(struct launcher *l, struct frame *f, struct err *e)
{
	struct running *r = find(l, f->serial);
	struct tenant *t;
	int upper = -1, status;
	struct err why;

	if (!buf_ok(&f->body) || (r != NULL && !r->launch.state.replaced))
		return err_set(e, ERR_INVALID, "state: malformed frame");
	t = r == NULL ? NULL : tenants_find(&l->tenants, r->tenant);
	if (t == NULL || r->launch.killed)
		err_set(&why, ERR_NOT_FOUND, "the machine is gone");
	else
		(void)launch_replace_state(&r->launch, &l->context, f->fds[0],
		    t->files, &upper, &why);
	if (upper == -1)
		return answer_error(l, f->serial, &why, e);
	status = frame_send(l->args->core, LAUNCH_STATE_REPLACED, f->serial,
	    NULL, &upper, 1, e);
	fd_close(&upper);
	return status;
}

/* Who asked hears of it over the last descriptor, and not from us. */
static int
answer_join(struct launcher *l, struct frame *f, struct err *e)
{
	const struct launch_join_fds fds = {
		{ f->fds[0], f->fds[1], f->fds[2] }, f->fds[3], f->fds[4]
	};
	struct running *r = find(l, f->serial);
	struct err why;

	if (!buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "join: malformed frame");
	if (r != NULL && !r->launch.killed &&
	    launch_join(&r->launch, &l->context, &fds, &why) == -1)
		slot_join_say(fds.status, START_NO_START, (uint32_t)why.sys,
		    CHILD_CGROUP);
	return 0;
}

static int
answer_kill(struct launcher *l, struct frame *f, struct err *e)
{
	struct running *r = find(l, f->serial);
	uint8_t cause = buf_get_u8(&f->body);

	if (!buf_ok(&f->body) || cause >= LAUNCH_CAUSES)
		return err_set(e, ERR_INVALID, "kill: malformed frame");
	if (r != NULL) /* it may just have ended by itself */
		launch_kill(&r->launch, (enum launch_cause)cause);
	return 0;
}

/* Core hears of the end before the clearing up, which it need not wait for. */
static int
finish(struct launcher *l, struct running *r, struct err *e)
{
	buf_auto struct buf b = { 0 };
	struct launch_exited x;
	struct err why;
	int status;

	r->used = false;
	if (launch_collect(&r->launch, &x, &why) == -1) {
		status = answer_error(l, r->serial, &why, e);
	} else {
		launch_msgs_put_exited(&b, &x);
		status = frame_send(l->args->core, LAUNCH_EXITED, r->serial, &b,
		    NULL, 0, e);
	}
	/* What cannot be removed would outlive us: end the conversation. */
	if (launch_remove(&r->launch, &l->context, &why) == -1) {
		*e = why;
		return -1;
	}
	return status;
}

/* Somebody else may have the ids next: nothing of them may be left. */
static int
answer_free_tenant(struct launcher *l, struct frame *f, struct err *e)
{
	uint32_t number = buf_get_u32(&f->body);
	struct tenant *t = tenants_find(&l->tenants, number);

	if (!buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "free: malformed frame");
	if (t == NULL)
		return 0; /* nothing was ever made for it */
	for (size_t k = 0; k < MACHINES_MAX; k++) {
		if (!l->running[k].used || l->running[k].tenant != number)
			continue;
		launch_kill(&l->running[k].launch, LAUNCH_CAUSE_STOP);
		if (finish(l, &l->running[k], e) == -1)
			return -1;
	}
	if (spare_forget(&l->context.spares, t->base, e) == -1)
		return -1;
	mount_cache_forget(&l->context.mounts.cache, t->base + MACHINE_UID);
	tenants_give_back(&l->tenants, t);
	return 0;
}

/* Everything that core can ask for, and when. */
static const struct request {
	enum launch_type type;
	unsigned phases;
	size_t min_fds, max_fds;
	int (*answer)(struct launcher *, struct frame *, struct err *);
} requests[] = {
	{ LAUNCH_CEILING, PHASE_SETUP, 0, 0, answer_ceiling },
	{ LAUNCH_VOLUME, PHASE_SERVE, 0, 0, answer_volume },
	{ LAUNCH_FREE_VOLUME, PHASE_SERVE, 0, 0, answer_free_volume },
	{ LAUNCH_FREE_TENANT, PHASE_SERVE, 0, 0, answer_free_tenant },
	{ LAUNCH_CREATE, PHASE_SERVE, 5, 6 + MACHINE_MOUNTS_MAX,
	    answer_create },
	{ LAUNCH_CONNECT, PHASE_SERVE, 0, 0, answer_connect },
	{ LAUNCH_STATE, PHASE_SERVE, 1, 1, answer_state },
	{ LAUNCH_JOIN, PHASE_SERVE, 5, 5, answer_join },
	{ LAUNCH_KILL, PHASE_SERVE, 0, 0, answer_kill },
};

static int
dispatch(struct launcher *l, struct frame *f, struct err *e)
{
	const struct request *r = NULL;

	for (size_t i = 0; i < nitems(requests); i++)
		if (requests[i].type == f->type)
			r = &requests[i];
	if (r == NULL)
		return err_set(e, ERR_INVALID, "frame %u: no such request",
		    f->type);
	if ((r->phases & l->phase) == 0)
		return err_set(e, ERR_DENIED, "frame %u: not in this phase",
		    f->type);
	if (f->nfds < r->min_fds || f->nfds > r->max_fds)
		return err_set(e, ERR_INVALID,
		    "frame %u: %zu descriptors are outside %zu..%zu", f->type,
		    f->nfds, r->min_fds, r->max_fds);
	return r->answer(l, f, e);
}

/* Milliseconds until some machine's time must be looked at; -1: never. */
static int
check_times(struct launcher *l)
{
	uint64_t now = clock_mono_ns(), next = UINT64_MAX, t;

	for (size_t i = 0; i < MACHINES_MAX; i++)
		if (l->running[i].used) {
			t = launch_check_time(&l->running[i].launch, now);
			next = t < next ? t : next;
		}
	if (next == UINT64_MAX)
		return -1;
	t = next <= now ? 0 : (next - now + 999999) / 1000000;
	return t > 60000 ? 60000 : (int)t;
}

/* 1: go on; 0: core is gone. */
static int
turn(struct launcher *l, struct err *e)
{
	struct pollfd p[2 + MACHINES_MAX];
	enum spare_hurry hurry = spare_hurry(&l->context.spares);
	struct err ignored;
	struct frame f;
	int r, wait, quiet = hurry == SPARE_NOW ? 0 : QUIET_MS;
	struct running *of[2 + MACHINES_MAX];
	nfds_t n = 2;

	for (size_t i = 0; i < MACHINES_MAX; i++)
		if (l->running[i].used) {
			of[n] = &l->running[i];
			p[n] =
			    (struct pollfd){ of[n]->launch.pidfd, POLLIN, 0 };
			n++;
		}
	p[0] = (struct pollfd){ l->args->core, POLLIN, 0 };
	p[1] = (struct pollfd){ net_news(&l->context.net), POLLIN, 0 };
	wait = check_times(l);
	if (hurry != SPARE_NOTHING && (wait == -1 || wait > quiet))
		wait = quiet;
	r = poll(p, n, wait);
	if (r == -1)
		return errno == EINTR ? 1 : err_sys(e, "poll");
	/*
	 * Slots are made when nobody waits, a step at a time; when none is
	 * left, as soon as there is nothing else to do.  One that cannot be
	 * made now is made by the machine that needs it, which is told why.
	 */
	if (r == 0 && hurry != SPARE_NOTHING)
		(void)spare_refill(&l->context.spares, &ignored);
	if (p[1].revents != 0 && net_check(&l->context.net, e) == -1)
		return -1;
	for (nfds_t i = 2; i < n; i++)
		if (p[i].revents != 0 && finish(l, of[i], e) == -1)
			return -1;
	if (p[0].revents == 0)
		return 1;
	r = frame_recv(l->args->core, &f, e);
	if (r != 1)
		return r;
	r = dispatch(l, &f, e);
	frame_fini(&f);
	return r == -1 ? -1 : 1;
}

/* The first failure is kept; what comes after it is cleared up all the same. */
static void
keep_first(int step, const struct err *why, int *r, struct err *e)
{
	if (step == -1 && *r == 0) {
		*r = -1;
		*e = *why;
	}
}

/* Nothing is left behind, however the conversation ended; or it is told. */
static int
end_all(struct launcher *l, struct err *e)
{
	struct launch_exited x;
	struct err why;
	int r = 0;

	for (size_t i = 0; i < MACHINES_MAX; i++)
		if (l->running[i].used) {
			launch_kill(&l->running[i].launch, LAUNCH_CAUSE_STOP);
			(void)launch_collect(&l->running[i].launch, &x, &why);
			keep_first(launch_remove(&l->running[i].launch,
				       &l->context, &why),
			    &why, &r, e);
		}
	keep_first(spare_fini(&l->context.spares, &why), &why, &r, e);
	keep_first(net_close(&l->context.net, &why), &why, &r, e);
	while (l->tenants.len > 0)
		tenants_give_back(&l->tenants, &l->tenants.item[0]);
	cgroup_host_fini(&l->context.cgroups);
	mount_apply_fini(&l->context.mounts);
	fd_close(&l->context.init);
	return r;
}

/*
 * Machines execute init from a copy in memory that cannot change, so that
 * none of them ever holds a file of the host.
 */
static int
copy_init(int from, struct err *e)
{
	char *data;
	size_t len;
	int fd;

	if (fd_read_all(from, INIT_SIZE_MAX, &data, &len, e) == -1)
		return err_in(e, "cella-init");
	fd = fd_sealed("cella-init", data, len, e);
	free(data);
	return fd;
}

int
launcher_serve(const struct launcher_args *args, struct err *e)
{
	struct launcher *l = calloc(1, sizeof(*l));
	struct err why;
	int r = -1;

	invariant(l != NULL);
	l->args = args;
	l->phase = PHASE_SETUP;
	l->context.mounts.dev = -1;
	l->context.net = NET_HOST_CLOSED;
	l->context.locks = args->rootless ? -1 : args->locks;
	l->tenants.locks = l->context.locks;
	launch_probe(&l->context, args->rootless);
	l->context.init = copy_init(args->init, e);
	if (l->context.init != -1 &&
	    (args->rootless || net_clear(args->locks, e) == 0) &&
	    mount_apply_init(&l->context.mounts, args->rootless, e) == 0 &&
	    spare_add(&l->context.spares, e) == 0) {
		while ((r = turn(l, e)) == 1)
			;
	}
	if (end_all(l, &why) == -1 && r != -1) {
		*e = why;
		r = -1;
	}
	free(l);
	return r;
}
