#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"

int
dir_each(int dir, int (*fn)(int, const char *, void *), void *arg,
    struct err *e)
{
	_Alignas(struct dirent64) char data[8192];
	/* A descriptor of its own: the position of the caller's is not ours. */
	fd_auto int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent64 *d;
	ssize_t n;
	int r;

	if (fd == -1)
		return err_sys(e, "directory");
	while ((n = getdents64(fd, data, sizeof(data))) > 0)
		for (ssize_t at = 0; at < n; at += d->d_reclen) {
			d = (struct dirent64 *)(void *)(data + at);
			if (strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0)
				continue;
			r = fn(fd, d->d_name, arg);
			if (r != 0)
				return r;
		}
	return n == -1 ? err_sys(e, "directory") : 0;
}

static int
remove_one(int dir, const char *name, void *arg)
{
	(void)arg;
	dir_remove(dir, name);
	return 0;
}

void
dir_remove(int dir, const char *name)
{
	struct err ignored;
	fd_auto int sub = -1;

	if (unlinkat(dir, name, 0) == 0 || errno != EISDIR)
		return;
	sub =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub != -1)
		(void)dir_each(sub, remove_one, NULL, &ignored);
	unlinkat(dir, name, AT_REMOVEDIR);
}
