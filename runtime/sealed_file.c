#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "runtime/sealed_file.h"

int
sealed_file(const char *path, int *copy, struct err *e)
{
	fd_auto int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *data;
	size_t len;

	*copy = -1;
	if (fd == -1)
		return err_sys(e, "%s", path);
	if (fd_read_all(fd, SEALED_FILE_MAX, &data, &len, e) == -1)
		return err_in(e, "%s", path);
	*copy = fd_sealed("file", data, len, e);
	explicit_bzero(data, len);
	free(data);
	return *copy == -1 ? -1 : 0;
}
