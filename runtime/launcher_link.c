#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "policy/ceiling.h"
#include "policy/machine.h"
#include "runtime/launcher_link.h"

static int
bad_frame(struct frame *f, struct err *e)
{
	frame_fini(f);
	return err_set(e, ERR_SYSTEM, "launcher: malformed frame");
}

/* A machine may end at any time, between a question and its answer too. */
static int
keep_early(struct launcher_link *l, struct frame *f, struct err *e)
{
	if (l->nearly == LAUNCHER_LINK_EARLY_MAX)
		return bad_frame(f, e);
	launch_msgs_get_exited(&f->body, &l->early[l->nearly]);
	if (!buf_ok(&f->body))
		return bad_frame(f, e);
	l->nearly++;
	frame_fini(f);
	return 0;
}

/* One answer of the type; an error frame becomes the error. */
static int
receive(struct launcher_link *l, uint32_t type, struct frame *f, struct err *e)
{
	int r;

	for (;;) {
		r = frame_recv(l->sock, f, e);
		if (r == 0)
			return err_set(e, ERR_SYSTEM, "the launcher is gone");
		if (r == -1)
			return -1;
		if (f->type == type)
			return 0;
		if (f->type != LAUNCH_EXITED)
			break;
		if (keep_early(l, f, e) == -1)
			return -1;
	}
	if (f->type == LAUNCH_ERROR)
		launch_msgs_get_error(&f->body, e);
	else
		err_set(e, ERR_SYSTEM, "launcher: unexpected frame %u",
		    f->type);
	frame_fini(f);
	return -1;
}

int
launcher_link_open(struct launcher_link *l, int sock, const struct ceiling *c,
    uint32_t spares, struct err *e)
{
	buf_auto struct buf b = { 0 };

	*l = (struct launcher_link){ .sock = sock };
	grant_put(&b, &c->grant);
	buf_put_u32(&b, c->optional);
	buf_put_u32(&b, spares);
	return frame_send(sock, LAUNCH_CEILING, 0, &b, NULL, 0, e);
}

int
launcher_link_wait_ready(struct launcher_link *l, struct err *e)
{
	struct frame f;

	if (l->ready)
		return 0;
	if (receive(l, LAUNCH_READY, &f, e) == -1)
		return -1;
	launch_msgs_get_host(&f.body, &l->host);
	if (!buf_ok(&f.body))
		return bad_frame(&f, e);
	frame_fini(&f);
	l->ready = true;
	return 0;
}

static int
take_one(struct frame *f, struct err *e)
{
	int fd;

	if (f->nfds != 1)
		return bad_frame(f, e);
	fd = fd_take(&f->fds[0]);
	frame_fini(f);
	return fd;
}

int
launcher_link_volume(struct launcher_link *l, uint32_t tenant, uint64_t bytes,
    uint64_t inodes, uint32_t *serial, struct err *e)
{
	buf_auto struct buf b = { 0 };
	struct frame f;

	if (launcher_link_wait_ready(l, e) == -1)
		return -1;
	buf_put_u32(&b, tenant);
	buf_put_u64(&b, bytes);
	buf_put_u64(&b, inodes);
	if (frame_send(l->sock, LAUNCH_VOLUME, ++l->serial, &b, NULL, 0, e) ==
		-1 ||
	    receive(l, LAUNCH_VOLUME_MADE, &f, e) == -1)
		return -1;
	*serial = f.serial;
	return take_one(&f, e);
}

void
launcher_link_free_volume(struct launcher_link *l, uint32_t serial)
{
	struct err ignored; /* who is gone has freed it */

	(void)frame_send(l->sock, LAUNCH_FREE_VOLUME, serial, NULL, NULL, 0,
	    &ignored);
}

bool
launcher_link_take_given(struct frame *f, const struct machine *m,
    struct launcher_link_given *g)
{
	const bool wants[] = { m->resolver, m->meter,
		machine_find_state(m) != 0 };
	int *const to[] = { &g->resolver, &g->meter, &g->upper };
	size_t n = 1;

	for (size_t i = 0; i < nitems(wants); i++)
		n += wants[i];
	*g = (struct launcher_link_given){ -1, -1, -1 };
	if (f->nfds != n)
		return false;
	n = 1;
	for (size_t i = 0; i < nitems(wants); i++)
		if (wants[i])
			*to[i] = fd_take(&f->fds[n++]);
	return true;
}

int
launcher_link_create(struct launcher_link *l, uint32_t tenant,
    const struct machine *m, const int *fds, size_t nfds, uint32_t *serial,
    struct launch_created *created, struct launcher_link_given *given,
    struct err *e)
{
	buf_auto struct buf b = { 0 };
	struct frame f;
	int pidfd;

	if (launcher_link_wait_ready(l, e) == -1)
		return -1;
	buf_put_u32(&b, tenant);
	machine_put(&b, m);
	if (frame_send(l->sock, LAUNCH_CREATE, ++l->serial, &b, fds, nfds, e) ==
		-1 ||
	    receive(l, LAUNCH_CREATED, &f, e) == -1)
		return -1;
	launch_msgs_get_created(&f.body, created);
	if (!buf_ok(&f.body) || !launcher_link_take_given(&f, m, given))
		return bad_frame(&f, e);
	*serial = f.serial;
	pidfd = fd_take(&f.fds[0]);
	frame_fini(&f);
	return pidfd;
}

int
launcher_link_connect(struct launcher_link *l, uint32_t serial, uint16_t port,
    struct err *e)
{
	buf_auto struct buf b = { 0 };
	struct frame f;

	buf_put_u32(&b, port);
	if (frame_send(l->sock, LAUNCH_CONNECT, serial, &b, NULL, 0, e) == -1 ||
	    receive(l, LAUNCH_CONNECTED, &f, e) == -1)
		return -1;
	return take_one(&f, e);
}

int
launcher_link_kill(struct launcher_link *l, uint32_t serial,
    enum launch_cause cause, struct err *e)
{
	buf_auto struct buf b = { 0 };

	buf_put_u8(&b, (uint8_t)cause);
	return frame_send(l->sock, LAUNCH_KILL, serial, &b, NULL, 0, e);
}

bool
launcher_link_has_exited(const struct launcher_link *l)
{
	return l->nearly > 0;
}

int
launcher_link_exited(struct launcher_link *l, struct launch_exited *x,
    struct err *e)
{
	struct frame f;

	if (l->nearly > 0) {
		*x = l->early[0];
		l->nearly--;
		memmove(l->early, l->early + 1, l->nearly * sizeof(*x));
		return 0;
	}
	if (receive(l, LAUNCH_EXITED, &f, e) == -1)
		return -1;
	launch_msgs_get_exited(&f.body, x);
	if (!buf_ok(&f.body))
		return bad_frame(&f, e);
	frame_fini(&f);
	return 0;
}
