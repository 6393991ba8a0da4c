#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "messages/files_msgs.h"
#include "runtime/files_named.h"

/* Links are followed, but none leads out of the root. */
int
files_named_open(int root, const char *prefix, const char *path, struct err *e)
{
	const struct open_how how = { .flags =
					  O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	const size_t len = strlen(prefix);
	const char *below = path + len;
	int fd;

	if (root == -1)
		return err_set(e, ERR_DENIED,
		    "'%s': directories are taken from nowhere here", path);
	if (path[0] != '/')
		return err_set(e, ERR_INVALID, "'%s' is not an absolute path",
		    path);
	if (strncmp(path, prefix, len) != 0 ||
	    (len > 0 && *below != '/' && *below != '\0'))
		return err_set(e, ERR_DENIED, "'%s' is not below '%s'", path,
		    prefix);
	fd = (int)syscall(SYS_openat2, root, *below == '\0' ? "/" : below, &how,
	    sizeof(how));
	return fd == -1 ? err_sys(e, "'%s'", path) : fd;
}

/* The directory that it will be in; its own name goes to name. */
int
files_named_parent(int root, const char *prefix, const char *path,
    char name[NAME_MAX + 1], struct err *e)
{
	char parent[FILES_PATH_MAX];
	const char *slash;
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	slash = memrchr(path, '/', len);
	if (slash == NULL || len - (size_t)(slash + 1 - path) > NAME_MAX)
		return err_set(e, ERR_INVALID, "'%s' is not an absolute path",
		    path);
	snprintf(name, NAME_MAX + 1, "%.*s",
	    (int)(len - (size_t)(slash + 1 - path)), slash + 1);
	snprintf(parent, sizeof(parent), "%.*s",
	    slash == path ? 1 : (int)(slash - path), path);
	return files_named_open(root, prefix, parent, e);
}
