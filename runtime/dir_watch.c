#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "runtime/dir_watch.h"

int
dir_watch_open(int dir, struct err *e)
{
	char path[32];
	fd_auto int fd = inotify_init1(IN_CLOEXEC);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	if (fd == -1 ||
	    inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) ==
		-1)
		return err_sys(e, "inotify");
	return fd_take(&fd);
}

int
dir_watch_wait(int watch, struct err *e)
{
	char events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];

	if (read(watch, events, sizeof(events)) == -1 && errno != EINTR)
		return err_sys(e, "inotify");
	return 0;
}
