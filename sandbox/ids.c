#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/control.h"
#include "base/err.h"
#include "base/fd.h"
#include "sandbox/ids.h"

int
ids_lock(int dir, const char *prefix, uint32_t number, bool create,
    struct err *e)
{
	fd_auto int fd = -1;
	char name[32];

	snprintf(name, sizeof(name), "%s.%u", prefix, number);
	fd = openat(dir, name,
	    O_RDWR | O_NOFOLLOW | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
	if (fd == -1) {
		err_sys(e, "lock %s", name);
		if (e->sys == ENOENT)
			e->code = ERR_NOT_FOUND;
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 || !CONTROL(16))
		return fd_take(&fd);
	err_sys(e, "lock %s", name);
	if (e->sys == EWOULDBLOCK)
		e->code = ERR_BUSY;
	return -1;
}

int
ids_take(int dir, uint32_t *base, struct err *e)
{
	int fd;

	for (uint32_t i = 0; i < IDS_RANGES; i++) {
		fd = ids_lock(dir, "ids", i, true, e);
		if (fd != -1) {
			*base = IDS_FIRST + i * IDS_COUNT;
			return fd;
		}
		if (e->code != ERR_BUSY)
			return -1;
	}
	return err_set(e, ERR_BUSY, "ids: all %d ranges are in use",
	    IDS_RANGES);
}

int
ids_wait(int dir, const char *name, struct err *e)
{
	fd_auto int fd =
	    openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd == -1)
		return err_sys(e, "lock %s", name);
	while (flock(fd, LOCK_EX) == -1)
		if (errno != EINTR)
			return err_sys(e, "lock %s", name);
	return fd_take(&fd);
}
