#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/node_key.h"

#define NAME "node.key"
#define FRESH "node.key.new"

int
node_key_make(int dir, struct err *e)
{
	unsigned char key[RECEIPT_KEY];
	char hex[2 * RECEIPT_KEY + 1];
	fd_auto int fd = -1;

	if (faccessat(dir, NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return err_sys(e, "random bytes");
	str_hex(hex, key, sizeof(key));
	(void)unlinkat(dir, FRESH, 0);
	fd = openat(dir, FRESH, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd == -1 || fd_write_full(fd, hex, strlen(hex)) == -1 ||
	    fsync(fd) == -1 || renameat(dir, FRESH, dir, NAME) == -1 ||
	    fsync(dir) == -1)
		return err_sys(e, "audit/" NAME);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(hex, sizeof(hex));
	return 0;
}

int
node_key_read(int dir, unsigned char key[RECEIPT_KEY], struct err *e)
{
	fd_auto int fd =
	    openat(dir, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	char *text;
	size_t len;
	bool good;

	if (fd == -1)
		return err_sys(e, NAME);
	if (fd_read_all(fd, 256, &text, &len, e) == -1)
		return -1;
	good = str_is_sha256(text) && str_unhex(key, RECEIPT_KEY, text);
	explicit_bzero(text, len);
	free(text);
	return good ? 0 : err_set(e, ERR_INVALID, NAME ": it is no key");
}
