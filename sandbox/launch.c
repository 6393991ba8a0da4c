#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/control.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "policy/landlock_plan.h"
#include "sandbox/ids.h"
#include "sandbox/landlock.h"
#include "sandbox/launch.h"
#include "sandbox/launch_filter.h"

/* CPU time is polled no more often than this. */
#define CPU_POLL_MIN UINT64_C(2000000)
#define CPU_POLL_MAX UINT64_C(100000000)

void
launch_probe(struct launch_context *c, bool rootless)
{
	struct launch_host *h = &c->found;

	cgroup_host_probe(&c->cgroups);
	h->rootless = rootless;
	h->cgroup = (uint8_t)c->cgroups.backend;
	h->landlock_abi = (uint8_t)landlock_abi();
	h->missing = landlock_missing(h->landlock_abi);
	c->spares =
	    (struct spare_pool){ .cgroups = &c->cgroups, .rootless = rootless };
	if (c->cgroups.backend == CGROUP_NONE)
		h->missing |= MACHINE_CONTROL_BIT(MACHINE_CGROUP);
	/* No back end throttles disks yet. */
	h->missing |= MACHINE_CONTROL_BIT(MACHINE_IO_MAX);
}

/* A required control that is missing stops the launch, by name. */
static int
check_controls(const struct launch_context *c, const struct machine *m,
    struct err *e)
{
	for (int i = 0; i < MACHINE_CONTROLS; i++)
		if ((c->found.missing & MACHINE_CONTROL_BIT(i)) != 0 &&
		    (m->optional & MACHINE_CONTROL_BIT(i)) == 0)
			return err_set(e, ERR_DENIED,
			    "control %s is required and this host cannot "
			    "enforce it%s%s",
			    machine_control_name((enum machine_control)i),
			    i == MACHINE_CGROUP ? ": " : "",
			    i == MACHINE_CGROUP ? c->cgroups.why : "");
	return 0;
}

static void
add_rlimit(struct child_self *p, int resource, uint64_t value)
{
	struct rlimit now;

	/* Never raised: where the host's is lower, the host's holds. */
	if (getrlimit((__rlimit_resource_t)resource, &now) == 0 &&
	    now.rlim_max != RLIM_INFINITY && now.rlim_max < value)
		value = now.rlim_max;
	invariant(p->nrlimits < CHILD_RLIMITS_MAX);
	p->rlimit[p->nrlimits++] = (struct child_rlimit){ resource, value };
}

static void
plan_rlimits(struct child_self *p, const struct grant *g)
{
	p->nrlimits = 0;
	if (CONTROL(49))
		add_rlimit(p, RLIMIT_CORE, 0);
	add_rlimit(p, RLIMIT_FSIZE, g->limit[GRANT_FSIZE]);
	add_rlimit(p, RLIMIT_MEMLOCK, g->limit[GRANT_MEMLOCK]);
	add_rlimit(p, RLIMIT_MSGQUEUE, 0);
	add_rlimit(p, RLIMIT_NICE, 0);
	add_rlimit(p, RLIMIT_NOFILE, g->limit[GRANT_NOFILE]);
	add_rlimit(p, RLIMIT_RTPRIO, 0);
	add_rlimit(p, RLIMIT_SIGPENDING, g->limit[GRANT_SIGPENDING]);
	add_rlimit(p, RLIMIT_STACK, g->limit[GRANT_STACK]);
}

/* What was set, which is less than the grant where the host's is lower. */
static uint64_t
planned_rlimit(const struct child_self *p, int resource)
{
	for (size_t i = 0; i < p->nrlimits; i++)
		if (p->rlimit[i].resource == resource)
			return p->rlimit[i].value;
	return 0;
}

static void
plan_self(struct child_self *p, const struct launch_context *c,
    const struct machine *m)
{
	memset(p, 0, sizeof(*p));
	memcpy(p->cwd, m->cwd, sizeof(p->cwd));
	p->uid = MACHINE_UID;
	p->gid = MACHINE_GID;
	p->keep_groups = c->found.rootless;
	p->core_sched = true;
	p->no_speculation = m->tier == GRANT_STRICT;
	p->optional = m->optional;
	plan_rlimits(p, &m->grant);
}

static void
plan_child(struct child_plan *p, const struct launch_context *c,
    const struct child_self *self, const struct machine *m,
    const struct mount_plan *mounts, const struct mount_apply_trees *t)
{
	memset(p, 0, sizeof(*p));
	memcpy(p->hostname, m->hostname, sizeof(p->hostname));
	p->self = *self;
	p->landlock = c->found.landlock_abi > 0;
	p->nmounts = mounts->len;
	for (size_t i = 0; i < mounts->len; i++)
		invariant(str_copy(p->target[i], sizeof(p->target[i]),
		    mount_plan_place(&mounts->step[i])));
	if (p->landlock)
		landlock_plan(&p->rules, m, c->found.landlock_abi, t->top.name,
		    t->top.len);
}

static void
gather_fds(struct child_fds *f, const struct launch_fds *in,
    const struct launch_context *c, const struct cgroup *g,
    const struct mount_apply_trees *t)
{
	for (int i = 0; i < START_FD_COUNT; i++)
		f->start[i] = -1;
	for (int i = 0; i < 3; i++)
		f->start[i] = in->std[i];
	f->start[START_FD_CHANNEL_IN] = in->channel[0];
	f->start[START_FD_CHANNEL_OUT] = in->channel[1];
	f->start[START_FD_ARGS] = in->args;
	f->start[START_FD_EXE] = c->init;
	for (int i = 0; i < CHILD_TASKS_MAX; i++)
		f->tasks[i] = g->tasks[i];
	f->cgroup = c->cgroups.backend == CGROUP_V2 ? g->dir[0] : -1;
	f->root = t->root;
	for (size_t i = 0; i < CHILD_MOUNTS_MAX; i++)
		f->mount[i] = i < MOUNT_PLAN_MAX ? t->tree[i] : -1;
}

/* Time spent since the last mark goes to a phase. */
static void
mark(struct launch_created *r, enum launch_phase phase, uint64_t *last)
{
	uint64_t now = clock_mono_ns();

	r->phase_ns[phase] += now - *last;
	*last = now;
}

/* The caller undoes what this leaves half done. */
static int
start_in(struct launch *l, const struct launch_context *c,
    const struct machine *m, const struct mount_plan *mounts,
    const struct mount_apply_trees *t, const struct launch_fds *in, int filter,
    struct launch_created *r, uint64_t *last, struct err *e)
{
	struct child_plan *plan = slot_plan(&l->spare.slot);
	fd_auto int said = -1, turn = -1;
	struct child_fds fds;
	uint32_t missing;
	int pair[2];

	plan_self(&l->self, c, m);
	plan_child(plan, c, &l->self, m, mounts, t);
	gather_fds(&fds, in, c, &l->spare.cgroup, t);
	if (pipe2(pair, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");
	l->status = pair[0];
	said = pair[1];
	fds.start[START_FD_FILTER] = filter;
	fds.start[START_FD_STATUS] = said;
	/* The parent's owner is one for all launchers beneath it. */
	if (c->cgroups.backend == CGROUP_V2 && c->locks != -1 &&
	    (turn = ids_wait(c->locks, "cgroup", e)) == -1)
		return -1;
	l->started = clock_mono_ns();
	if (cgroup_give(&l->spare.cgroup, l->spare.fit.base, e) == -1 ||
	    slot_start(&l->spare.slot, &fds, &l->pidfd, &missing, e) == -1)
		return -1;
	mark(r, LAUNCH_PHASE_START, last);
	r->degraded |= missing;
	/* The child read each of them back before it went on. */
	r->nofile = planned_rlimit(&l->self, RLIMIT_NOFILE);
	r->fsize = planned_rlimit(&l->self, RLIMIT_FSIZE);
	/* Of no use to a machine that runs, which may be one of hundreds. */
	spare_started(&l->spare);
	return 0;
}

/*
 * Before anything of the machine runs.  What is asked for once is opened once:
 * most launchers never have a machine with a way out.
 */
static int
attach_net(struct launch *l, struct launch_context *c, const struct machine *m,
    struct err *e)
{
	if (m->grant.net != GRANT_NET_EGRESS)
		return 0;
	if (c->found.rootless)
		return err_set(e, ERR_DENIED,
		    "network: a way out needs a node that runs as root");
	if (!c->net.open && net_open(&c->net, c->locks, e) == -1)
		return -1;
	if (net_attach(&c->net, l->spare.slot.pid, &m->grant.egress, &l->net,
		e) == -1)
		return -1;
	return slot_raise_link(&l->spare.slot, &l->net.plan,
	    m->resolver ? &l->resolver : NULL, e);
}

static struct mount_apply_owner
find_owner(const struct launch_context *c, const struct spare *s, int files)
{
	const uint32_t base = s->fit.base;

	if (c->found.rootless)
		return (struct mount_apply_owner){ .userns = -1, .files = -1 };
	return (struct mount_apply_owner){ .uid = base + MACHINE_UID,
		.gid = base + MACHINE_GID,
		.userns = s->slot.userns,
		.files = files };
}

static void
report_start(const struct launch *l, const struct launch_context *c,
    struct launch_created *r)
{
	const struct cgroup_limits *got = &l->spare.limits;

	r->degraded = c->found.missing;
	r->uid = l->spare.fit.base + MACHINE_UID;
	r->memory = got->memory;
	r->pids = got->pids;
	r->cpu_quota_us = got->cpu_quota_us;
	r->cpu_period_us = got->cpu_period_us;
}

static int
finish_slot(struct launch *l, struct launch_context *c, const struct machine *m,
    struct launch_created *r, uint64_t *last, struct err *e)
{
	if (spare_finish(&c->spares, &l->spare, e) == -1)
		return -1;
	report_start(l, c, r);
	if (m->meter && (l->meter = cgroup_open_cpu(&l->spare.cgroup, e)) == -1)
		return -1;
	if (attach_net(l, c, m, e) == -1)
		return -1;
	mark(r, LAUNCH_PHASE_SLOT, last);
	return 0;
}

int
launch_start(struct launch *out, struct launch_context *c,
    const struct machine *m, uint32_t base, const struct launch_fds *in,
    struct launch_created *r, struct err *e)
{
	static struct mount_plan mounts;
	static struct mount_apply_trees trees;
	static struct launch l;
	uint64_t last = clock_mono_ns();
	struct mount_apply_owner owner;
	struct err ignored;
	int status = -1, filter;

	l = (struct launch){ .wall_ns = m->grant.limit[GRANT_WALL],
		.cpu_ns = m->grant.limit[GRANT_CPU_TIME],
		.cpu = m->grant.limit[GRANT_CPU],
		.pidfd = -1,
		.resolver = -1,
		.meter = -1,
		.upper = -1,
		.status = -1,
		.groups = m->grant.groups,
		.wx = m->grant.wx,
		.channel = m->channel,
		.reusable = m->tier != GRANT_STRICT &&
		    m->grant.net != GRANT_NET_EGRESS };
	if (check_controls(c, m, e) == -1 ||
	    mount_plan_build(&mounts, m, e) == -1 ||
	    spare_take(&c->spares, &m->grant, base, m->tier == GRANT_STRICT,
		&l.spare, e) == -1)
		return -1;
	memset(r, 0, sizeof(*r));
	mark(r, LAUNCH_PHASE_SLOT, &last);
	/* The slot prepares itself meanwhile. */
	filter = launch_filter_block(l.groups, l.wx, l.channel,
	    c->found.landlock_abi, &r->filter_len, e);
	mark(r, LAUNCH_PHASE_FILTER, &last);
	owner = find_owner(c, &l.spare, in->files);
	if (filter != -1 &&
	    mount_apply(&c->mounts, m, &mounts, &owner, in->source, &trees,
		e) == 0) {
		mark(r, LAUNCH_PHASE_MOUNTS, &last);
		status = finish_slot(&l, c, m, r, &last, e);
		if (status == 0)
			status = start_in(&l, c, m, &mounts, &trees, in, filter,
			    r, &last, e);
		l.upper = fd_take(&trees.upper);
		mount_apply_close(&trees);
	}
	for (size_t i = 0; i < mounts.len; i++)
		if (mounts.step[i].replaced)
			l.state = mounts.step[i];
	if (status == -1) {
		l.reusable = false;
		(void)launch_remove(&l, c, &ignored);
		return -1;
	}
	c->spares.out += l.reusable;
	l.counted = l.reusable;
	*out = l;
	return 0;
}

void
launch_kill(struct launch *l, enum launch_cause cause)
{
	if (l->cause == LAUNCH_CAUSE_SELF)
		l->cause = (uint8_t)cause;
	l->killed = true;
	/* PID 1 of its namespace: the kernel kills the others with it. */
	syscall(SYS_pidfd_send_signal, l->pidfd, SIGKILL, NULL, 0);
}

/* When its CPU time may be over at the earliest; 0: it is. */
static uint64_t
check_cpu(struct launch *l, uint64_t now)
{
	uint64_t used, left;
	struct err e;

	/* Unreadable usage is an unbounded machine: end it. */
	if (cgroup_cpu_ns(&l->spare.cgroup, &used, &e) == -1 ||
	    used >= l->cpu_ns) {
		launch_kill(l, LAUNCH_CAUSE_CPU);
		return 0;
	}
	/* v1 kills one task and lets the others go on: we do not. */
	if (cgroup_oomed(&l->spare.cgroup)) {
		launch_kill(l, LAUNCH_CAUSE_SELF);
		return 0;
	}
	/* It cannot use more than its quota until then. */
	left = (l->cpu_ns - used) * 100 / l->cpu;
	left = left < CPU_POLL_MIN ? CPU_POLL_MIN : left;
	left = left > CPU_POLL_MAX ? CPU_POLL_MAX : left;
	return now + left;
}

uint64_t
launch_check_time(struct launch *l, uint64_t now)
{
	uint64_t wall_end = l->started + l->wall_ns, next;

	if (l->killed || !CONTROL(42))
		return UINT64_MAX;
	if (now < l->look_again)
		return l->look_again;
	if (now >= wall_end) {
		launch_kill(l, LAUNCH_CAUSE_WALL);
		return UINT64_MAX;
	}
	next = wall_end;
	if (l->spare.cgroup.host->backend != CGROUP_NONE) {
		next = check_cpu(l, now);
		if (next == 0)
			return UINT64_MAX;
	}
	l->look_again = next < wall_end ? next : wall_end;
	return l->look_again;
}

/* The last word that init said; it may have been killed before any. */
static void
read_status(int fd, struct launch_exited *x)
{
	struct start_status s;

	x->end = LAUNCH_END_LOST;
	while (fd_read_full(fd, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		x->code = s.value;
		switch ((enum start_word)s.word) {
		case START_RUNNING:
			x->end = LAUNCH_END_LOST;
			break;
		case START_EXITED:
			x->end = LAUNCH_END_EXIT;
			break;
		case START_SIGNALED:
			x->end = LAUNCH_END_SIGNAL;
			break;
		case START_NO_EXEC:
			x->end = LAUNCH_END_NO_EXEC;
			break;
		case START_NO_START:
			x->end = LAUNCH_END_NO_START;
			break;
		}
	}
}

/* Its socket is in the machine's network for as long as core holds it. */
int
launch_connect(struct launch *l, uint16_t port, struct err *e)
{
	l->reusable = false;
	return slot_connect(&l->spare.slot, port, e);
}

/* Without a state it cannot go on. */
int
launch_replace_state(struct launch *l, const struct launch_context *c,
    int source, int files, int *upper, struct err *e)
{
	const struct mount_apply_owner owner = find_owner(c, &l->spare, files);
	fd_auto int tree =
	    mount_apply_state(&l->state, &owner, source, upper, e);

	if (tree != -1 && slot_replace_state(&l->spare.slot, tree, e) == 0)
		return 0;
	fd_close(upper);
	launch_kill(l, LAUNCH_CAUSE_STOP);
	return err_in(e, "mount %s", l->state.target);
}

int
launch_join(struct launch *l, const struct launch_context *c,
    const struct launch_join_fds *in, struct err *e)
{
	struct join_fds f = { .std = { in->std[0], in->std[1], in->std[2] },
		.args = in->args };
	uint32_t ignored;
	int r = -1;

	l->reusable = false;
	f.filter = launch_filter_block(l->groups, l->wx, l->channel,
	    c->found.landlock_abi, &ignored, e);
	if (f.filter == -1)
		return -1;
	if (cgroup_open_tasks(&l->spare.cgroup, f.tasks, e) == 0)
		r = slot_join(&l->spare.slot, &l->self, &f, in->status, e);
	for (int i = 0; i < CHILD_TASKS_MAX; i++)
		fd_close(&f.tasks[i]);
	return r;
}

int
launch_collect(struct launch *l, struct launch_exited *x, struct err *e)
{
	struct cgroup_usage u = { 0 };
	int r;

	memset(x, 0, sizeof(*x));
	x->wall_ns = clock_mono_ns() - l->started;
	r = slot_wait_gone(&l->spare.slot, e);
	read_status(l->status, x);
	x->cause = l->cause;
	if (r == 0)
		r = cgroup_usage(&l->spare.cgroup, &u, e);
	x->cpu_ns = u.cpu_ns;
	x->memory_peak = u.memory_peak;
	x->pids_peak = u.pids_peak;
	x->oom_kills = CONTROL(44) ? u.oom_kills : 0;
	x->throttled_ns = u.throttled_ns;
	return r;
}

int
launch_remove(struct launch *l, struct launch_context *c, struct err *e)
{
	struct err why;
	int r;

	fd_close(&l->pidfd);
	fd_close(&l->status);
	fd_close(&l->resolver);
	fd_close(&l->meter);
	fd_close(&l->upper);
	c->spares.out -= l->counted;
	/* Dead before its rules go. */
	r = spare_give_back(&c->spares, &l->spare, l->reusable, e);
	if (net_detach(&c->net, &l->net, &why) == -1) {
		*e = why;
		return -1;
	}
	return r;
}
