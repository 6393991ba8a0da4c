#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "runtime/core.h"
#include "runtime/core_warm_parts.h"

#define KEPT_NS (CLOCK_SECOND / 10)

static void
drop_first(struct core_warm_function *w)
{
	fd_close(&w->kept[0].fd);
	w->nkept--;
	memmove(w->kept, w->kept + 1, w->nkept * sizeof(w->kept[0]));
}

/* They stand in the order in which they came. */
static void
too_old(void *arg)
{
	struct core_warm_function *w = arg;
	uint64_t now = clock_mono_ns();

	while (w->nkept > 0 && now - w->kept[0].since_ns >= KEPT_NS)
		drop_first(w);
	if (w->nkept > 0)
		loop_timer_set(w->all->core->loop, &w->kept_timer,
		    w->kept[0].since_ns + KEPT_NS, too_old, w);
}

void
core_warm_kept_add(struct core_warm_function *w, int *fd)
{
	if (w->nkept == CORE_WARM_KEPT_MAX)
		drop_first(w);
	w->kept[w->nkept++] =
	    (struct core_warm_kept){ fd_take(fd), clock_mono_ns() };
	if (w->kept_timer.place == 0)
		loop_timer_set(w->all->core->loop, &w->kept_timer,
		    w->kept[0].since_ns + KEPT_NS, too_old, w);
}

int
core_warm_kept_take(struct core_warm_function *w)
{
	char byte;
	int fd;

	while (w->nkept > 0) {
		fd = w->kept[--w->nkept].fd;
		if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
		    errno == EAGAIN)
			return fd;
		fd_close(&fd);
	}
	return -1;
}

void
core_warm_kept_close(struct core_warm_function *w)
{
	while (w->nkept > 0)
		drop_first(w);
	loop_timer_stop(w->all->core->loop, &w->kept_timer);
}
