#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/core_drain.h"

static void
keep_tail(struct core_drain *d, const char *data, size_t n)
{
	if (n > CORE_DRAIN_TAIL) {
		data += n - CORE_DRAIN_TAIL;
		n = CORE_DRAIN_TAIL;
	}
	if (d->len + n > CORE_DRAIN_TAIL) {
		memmove(d->tail, d->tail + d->len + n - CORE_DRAIN_TAIL,
		    CORE_DRAIN_TAIL - n);
		d->len = CORE_DRAIN_TAIL - n;
	}
	memcpy(d->tail + d->len, data, n);
	d->len += n;
}

static void
drain_some(void *arg, uint32_t events)
{
	static char data[64 << 10];
	struct core_drain *d = arg;
	ssize_t n = read(d->fd, data, sizeof(data));

	(void)events;
	if (n > 0) {
		d->total += (uint64_t)n;
		keep_tail(d, data, (size_t)n);
		d->fns->heard(d->arg, data, (size_t)n);
		if (d->total > d->limit)
			d->fns->too_much(d->arg);
		return;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	core_drain_close(d);
	d->fns->over(d->arg);
}

int
core_drain_start(struct core_drain *d, struct loop *loop, int fd,
    uint64_t limit, const struct core_drain_fns *fns, void *arg, struct err *e)
{
	*d = (struct core_drain){ .loop = loop,
		.fd = fd,
		.limit = limit,
		.fns = fns,
		.arg = arg };
	if (loop_add(loop, &d->watch, fd, EPOLLIN, drain_some, d, e) == 0)
		return 0;
	fd_close(&d->fd);
	return -1;
}

void
core_drain_close(struct core_drain *d)
{
	if (d->fd == -1)
		return;
	loop_remove(d->loop, &d->watch);
	fd_close(&d->fd);
}
