#include <stdlib.h>

#include "base/err.h"
#include "base/fd.h"
#include "policy/ceiling.h"
#include "runtime/core_launcher.h"

/* The launcher answers in the order in which it was asked. */
struct core_launcher_question {
	struct core_launcher_question *next;
	uint32_t serial;
	enum launch_type answer;
	core_launcher_fn *fn;
	void *arg;
};

static struct core_machine **
find(struct core_launcher *l, uint32_t serial)
{
	struct core_machine **m = &l->machine[serial % CORE_LAUNCHER_BUCKETS];

	while (*m != NULL && (*m)->serial != serial)
		m = &(*m)->next;
	return m;
}

static int
hear_exited(struct core_launcher *l, struct frame *f, struct err *e)
{
	struct core_machine **at = find(l, f->serial), *m = *at;
	struct launch_exited x;

	launch_msgs_get_exited(&f->body, &x);
	if (!buf_ok(&f->body))
		return err_set(e, ERR_SYSTEM, "launcher: malformed frame");
	if (m == NULL)
		return 0; /* nobody asks any more */
	*at = m->next;
	m->serial = 0;
	m->ended(m->arg, &x);
	return 0;
}

static int
hear_answer(struct core_launcher *l, struct frame *f, struct err *e)
{
	struct core_launcher_question *q = l->first;
	struct err why;

	if (f->type == LAUNCH_ERROR)
		launch_msgs_get_error(&f->body, &why);
	/* An error that answers nothing is the launcher's last word. */
	if (f->type == LAUNCH_ERROR && (q == NULL || q->serial != f->serial)) {
		*e = why;
		return -1;
	}
	if (q == NULL || q->serial != f->serial ||
	    (f->type != LAUNCH_ERROR && f->type != q->answer))
		return err_set(e, ERR_SYSTEM, "launcher: unexpected frame %u",
		    f->type);
	l->first = q->next;
	if (l->first == NULL)
		l->last = &l->first;
	if (f->type == LAUNCH_ERROR)
		q->fn(q->arg, NULL, &why);
	else
		q->fn(q->arg, f, NULL);
	free(q);
	return 0;
}

static int
received(void *arg, struct frame *f, struct err *e)
{
	struct core_launcher *l = arg;

	if (f->type == LAUNCH_EXITED)
		return hear_exited(l, f, e);
	if (f->type != LAUNCH_READY)
		return hear_answer(l, f, e);
	launch_msgs_get_host(&f->body, &l->host);
	if (l->ready || !buf_ok(&f->body))
		return err_set(e, ERR_SYSTEM, "launcher: malformed frame");
	l->ready = true;
	l->on_ready(l->arg);
	return 0;
}

static void
gone(void *arg, const struct err *why)
{
	struct core_launcher *l = arg;

	l->on_gone(l->arg, why);
}

int
core_launcher_open(struct core_launcher *l, struct loop *loop, int sock,
    const struct ceiling *c, uint32_t spares, void (*on_ready)(void *),
    void (*on_gone)(void *, const struct err *), void *arg, struct err *e)
{
	buf_auto struct buf b = { 0 };

	*l = (struct core_launcher){ .on_ready = on_ready,
		.on_gone = on_gone,
		.arg = arg };
	l->last = &l->first;
	if (frame_link_open(&l->link, loop, sock, received, gone, l, e) == -1)
		return -1;
	grant_put(&b, &c->grant);
	buf_put_u32(&b, c->optional);
	buf_put_u32(&b, spares);
	frame_link_send(&l->link, LAUNCH_CEILING, 0, &b, NULL, 0);
	return 0;
}

void
core_launcher_close(struct core_launcher *l)
{
	struct core_launcher_question *q;

	frame_link_close(&l->link);
	while ((q = l->first) != NULL) {
		l->first = q->next;
		free(q);
	}
	l->last = &l->first;
}

uint32_t
core_launcher_next_serial(struct core_launcher *l)
{
	/* 0 is nobody's, and one that is still in use is passed over. */
	do
		l->serial++;
	while (l->serial == 0 || *find(l, l->serial) != NULL);
	return l->serial;
}

static enum launch_type
answer_to(enum launch_type type)
{
	switch (type) {
	case LAUNCH_VOLUME:
		return LAUNCH_VOLUME_MADE;
	case LAUNCH_CREATE:
		return LAUNCH_CREATED;
	case LAUNCH_STATE:
		return LAUNCH_STATE_REPLACED;
	default:
		invariant(type == LAUNCH_CONNECT);
		return LAUNCH_CONNECTED;
	}
}

void
core_launcher_ask(struct core_launcher *l, enum launch_type type,
    uint32_t serial, const struct buf *body, const int *fds, size_t nfds,
    core_launcher_fn *fn, void *arg)
{
	struct core_launcher_question *q = calloc(1, sizeof(*q));

	invariant(q != NULL);
	*q = (struct core_launcher_question){ NULL, serial, answer_to(type), fn,
		arg };
	*l->last = q;
	l->last = &q->next;
	frame_link_send(&l->link, type, serial, body, fds, nfds);
}

void
core_launcher_kill(struct core_launcher *l, uint32_t serial,
    enum launch_cause cause)
{
	buf_auto struct buf b = { 0 };

	buf_put_u8(&b, (uint8_t)cause);
	frame_link_send(&l->link, LAUNCH_KILL, serial, &b, NULL, 0);
}

void
core_launcher_follow(struct core_launcher *l, struct core_machine *m,
    uint32_t serial, void (*ended)(void *, const struct launch_exited *),
    void *arg)
{
	struct core_machine **at = find(l, serial);

	invariant(*at == NULL);
	*m = (struct core_machine){ NULL, serial, ended, arg };
	*at = m;
}

void
core_launcher_unfollow(struct core_launcher *l, struct core_machine *m)
{
	struct core_machine **at = find(l, m->serial);

	if (m->serial != 0 && *at == m)
		*at = m->next;
	m->serial = 0;
}
