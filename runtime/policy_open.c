#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "runtime/policy_open.h"

int
policy_open(const char *path, struct err *e)
{
	fd_auto int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat s;

	if (fd == -1 || fstat(fd, &s) == -1)
		return err_sys(e, "%s", path);
	if (!S_ISREG(s.st_mode) || (s.st_uid != 0 && s.st_uid != geteuid()) ||
	    (s.st_mode & 022) != 0)
		return err_set(e, ERR_DENIED,
		    "%s: a policy must be a file of root's or yours that "
		    "nobody else can write",
		    path);
	return fd_take(&fd);
}
