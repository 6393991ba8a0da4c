#include <stdlib.h>

#include "base/err.h"
#include "policy/ceiling.h"
#include "policy/machine.h"
#include "runtime/core_launcher.h"
#include "runtime/core_prepare.h"
#include "runtime/core_relay.h"

/* One that a preparer started, until it has ended. */
struct core_prepare_machine {
	struct core_prepare_machine *next;
	struct core_preparer *preparer;
	uint32_t theirs;
	struct core_machine machine;
};

/* One that was made for a preparer, until it frees it. */
struct core_prepare_volume {
	struct core_prepare_volume *next;
	uint32_t theirs, ours;
};

/* A question on its way: the preparer may be another when it is answered. */
struct question {
	struct core_preparer *preparer;
	uint32_t generation, theirs, ours;
};

static struct core_prepare_machine **
find(struct core_preparer *p, uint32_t theirs)
{
	struct core_prepare_machine **m = &p->machine;

	while (*m != NULL && (*m)->theirs != theirs)
		m = &(*m)->next;
	return m;
}

static void
forget(struct core_preparer *p, struct core_prepare_machine **at)
{
	struct core_prepare_machine *m = *at;

	*at = m->next;
	core_launcher_unfollow(p->all->launcher, &m->machine);
	free(m);
}

static struct core_prepare_volume **
find_volume(struct core_preparer *p, uint32_t theirs)
{
	struct core_prepare_volume **v = &p->volume;

	while (*v != NULL && (*v)->theirs != theirs)
		v = &(*v)->next;
	return v;
}

static void
free_in_launcher(struct core_preparer *p, uint32_t ours)
{
	frame_link_send(&p->all->launcher->link, LAUNCH_FREE_VOLUME, ours, NULL,
	    NULL, 0);
}

static void
free_volume(struct core_preparer *p, struct core_prepare_volume **at)
{
	struct core_prepare_volume *v = *at;

	*at = v->next;
	free_in_launcher(p, v->ours);
	free(v);
}

static void
keep_volume(struct core_preparer *p, const struct question *q)
{
	struct core_prepare_volume *v = calloc(1, sizeof(*v));

	invariant(v != NULL);
	*v = (struct core_prepare_volume){ p->volume, q->theirs, q->ours };
	p->volume = v;
}

static void
ended(void *arg, const struct launch_exited *x)
{
	struct core_prepare_machine *m = arg;
	struct core_preparer *p = m->preparer;
	buf_auto struct buf b = { 0 };

	launch_msgs_put_exited(&b, x);
	frame_link_send(&p->launcher, LAUNCH_EXITED, m->theirs, &b, NULL, 0);
	forget(p, find(p, m->theirs));
}

static void
answered(void *arg, struct frame *f, const struct err *why)
{
	struct question *q = arg;
	struct core_preparer *p = q->preparer;
	struct core_prepare_machine **m = find(p, q->theirs);
	buf_auto struct buf b = { 0 };

	if (!p->open || p->generation != q->generation) {
		/* What nobody waits for. */
		if (f != NULL && f->type == LAUNCH_CREATED)
			core_launcher_kill(p->all->launcher, q->ours,
			    LAUNCH_CAUSE_STOP);
		else if (f != NULL)
			free_in_launcher(p, q->ours);
	} else if (f == NULL) {
		if (*m != NULL)
			forget(p, m);
		launch_msgs_put_error(&b, why);
		frame_link_send(&p->launcher, LAUNCH_ERROR, q->theirs, &b, NULL,
		    0);
	} else {
		if (f->type == LAUNCH_VOLUME_MADE)
			keep_volume(p, q);
		buf_add(&b, f->body.data + f->body.at,
		    f->body.len - f->body.at);
		frame_link_send(&p->launcher, f->type, q->theirs, &b, f->fds,
		    f->nfds);
	}
	free(q);
}

/* The rest of the frame goes on as it came. */
static void
pass_on(struct core_preparer *p, const struct frame *f, const struct buf *body,
    uint32_t serial)
{
	struct question *q = calloc(1, sizeof(*q));

	invariant(q != NULL);
	*q = (struct question){ p, p->generation, f->serial, serial };
	core_launcher_ask(p->all->launcher, (enum launch_type)f->type, serial,
	    body, f->fds, f->nfds, answered, q);
}

/* One tenant's code is never unpacked with the ids of another. */
static bool
is_of_job(const struct core_preparer *p, uint32_t tenant)
{
	return tenant != 0 && tenant == core_prepare_tenant(p);
}

static int
hear_volume(struct core_preparer *p, struct frame *f, struct err *e)
{
	struct buf body =
	    buf_over(f->body.data + f->body.at, f->body.len - f->body.at);
	uint64_t bytes, inodes;
	uint32_t tenant = buf_get_u32(&f->body);

	bytes = buf_get_u64(&f->body);
	inodes = buf_get_u64(&f->body);
	if (!buf_ok(&f->body) || f->nfds != 0 || bytes == 0 || inodes == 0 ||
	    !is_of_job(p, tenant) || *find_volume(p, f->serial) != NULL)
		return err_set(e, ERR_INVALID, "preparer: malformed volume");
	pass_on(p, f, &body, core_launcher_next_serial(p->all->launcher));
	return 0;
}

static int
check_create(struct core_preparer *p, struct frame *f, struct err *e)
{
	const struct ceiling *c = p->all->ceiling;
	static struct machine m;
	uint32_t tenant = buf_get_u32(&f->body);
	size_t want = 4;

	if (machine_get(&f->body, &m, e) == -1 ||
	    grant_check(&m.grant, &c->grant, e) == -1)
		return err_in(e, "preparer");
	for (size_t i = 0; i < m.nmounts; i++)
		want += machine_has_source(&m.mount[i]);
	want += m.channel ? 2 : 0;
	if (f->nfds != want || m.resolver || m.meter ||
	    machine_find_state(&m) != 0 || !is_of_job(p, tenant) ||
	    (m.optional & ~c->optional) != 0 || *find(p, f->serial) != NULL)
		return err_set(e, ERR_INVALID, "preparer: malformed machine");
	return 0;
}

static int
hear_create(struct core_preparer *p, struct frame *f, struct err *e)
{
	struct buf body =
	    buf_over(f->body.data + f->body.at, f->body.len - f->body.at);
	struct core_prepare_machine *m;
	uint32_t serial;

	if (check_create(p, f, e) == -1)
		return -1;
	m = calloc(1, sizeof(*m));
	invariant(m != NULL);
	serial = core_launcher_next_serial(p->all->launcher);
	m->preparer = p;
	m->theirs = f->serial;
	m->next = p->machine;
	p->machine = m;
	core_launcher_follow(p->all->launcher, &m->machine, serial, ended, m);
	pass_on(p, f, &body, serial);
	return 0;
}

static int
hear_free_volume(struct core_preparer *p, struct frame *f, struct err *e)
{
	struct core_prepare_volume **v = find_volume(p, f->serial);

	if (!buf_ok(&f->body) || *v == NULL)
		return err_set(e, ERR_INVALID, "preparer: no such volume");
	free_volume(p, v);
	return 0;
}

static int
hear_kill(struct core_preparer *p, struct frame *f, struct err *e)
{
	struct core_prepare_machine *m = *find(p, f->serial);
	uint8_t cause = buf_get_u8(&f->body);

	if (!buf_ok(&f->body) || cause >= LAUNCH_CAUSES)
		return err_set(e, ERR_INVALID, "preparer: malformed kill");
	if (m != NULL)
		core_launcher_kill(p->all->launcher, m->machine.serial,
		    (enum launch_cause)cause);
	return 0;
}

/* Its ceiling is ours, whatever it says. */
static void
answer_ceiling(struct core_preparer *p, const struct frame *f)
{
	buf_auto struct buf b = { 0 };

	launch_msgs_put_host(&b, &p->all->launcher->host);
	frame_link_send(&p->launcher, LAUNCH_READY, f->serial, &b, NULL, 0);
}

int
core_relay_hear(void *arg, struct frame *f, struct err *e)
{
	struct core_preparer *p = arg;

	switch ((enum launch_type)f->type) {
	case LAUNCH_CEILING:
		answer_ceiling(p, f);
		return 0;
	case LAUNCH_VOLUME:
		return hear_volume(p, f, e);
	case LAUNCH_CREATE:
		return hear_create(p, f, e);
	case LAUNCH_KILL:
		return hear_kill(p, f, e);
	case LAUNCH_FREE_VOLUME:
		return hear_free_volume(p, f, e);
	default:
		return err_set(e, ERR_INVALID, "preparer: frame %u", f->type);
	}
}

void
core_relay_end(struct core_preparer *p)
{
	while (p->machine != NULL) {
		core_launcher_kill(p->all->launcher, p->machine->machine.serial,
		    LAUNCH_CAUSE_STOP);
		forget(p, &p->machine);
	}
	while (p->volume != NULL)
		free_volume(p, &p->volume);
}
