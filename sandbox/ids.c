#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/control.h"
#include "base/err.h"
#include "base/fd.h"
#include "sandbox/ids.h"

int
ids_take(int dir, uint32_t *base, struct err *e)
{
	char name[32];

	for (uint32_t i = 0; i < IDS_RANGES; i++) {
		fd_auto int fd = -1;

		snprintf(name, sizeof(name), "ids.%u", i);
		fd = openat(dir, name,
		    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd == -1)
			return err_sys(e, "lock %s", name);
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || !CONTROL(16)) {
			*base = IDS_FIRST + i * IDS_COUNT;
			return fd_take(&fd);
		}
		if (errno != EWOULDBLOCK)
			return err_sys(e, "lock %s", name);
	}
	return err_set(e, ERR_BUSY, "ids: all %d ranges are in use",
	    IDS_RANGES);
}
