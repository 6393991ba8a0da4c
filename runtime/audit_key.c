#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "policy/audit.h"
#include "runtime/audit_key.h"
#include "runtime/audit_log.h"

int
audit_key_open(int dir, struct err *e)
{
	fd_auto int fd = openat(dir, AUDIT_LOG_KEY,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd == -1)
		return err_sys(e, AUDIT_LOG_DIR "/" AUDIT_LOG_KEY);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		return err_set(e, ERR_BUSY, "the audit log has a writer");
	return fd_take(&fd);
}

int
audit_key_save(int fd, const struct audit_chain *c)
{
	buf_auto struct buf b = { 0 };
	ssize_t n;

	buf_put_u64(&b, c->seq);
	buf_add(&b, c->key, SHA256_LEN);
	n = pwrite(fd, b.data, b.len, 0);
	explicit_bzero(b.data, b.len);
	return n == (ssize_t)b.len ? 0 : -1;
}

static int
write_initial(int dir, const struct audit_chain *c, struct err *e)
{
	char hex[2 * SHA256_LEN + 1], *text;
	fd_auto int fd = -1;
	int r;

	(void)unlinkat(dir, AUDIT_LOG_INITIAL, 0);
	fd = openat(dir, AUDIT_LOG_INITIAL,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd == -1)
		return err_sys(e, AUDIT_LOG_DIR "/" AUDIT_LOG_INITIAL);
	str_hex(hex, c->key, SHA256_LEN);
	text = str_printf("%" PRIu64 ":%s\n", c->seq, hex);
	r = fd_write_full(fd, text, strlen(text));
	explicit_bzero(text, strlen(text));
	explicit_bzero(hex, sizeof(hex));
	free(text);
	if (r == -1 || fsync(fd) == -1)
		return err_sys(e, AUDIT_LOG_DIR "/" AUDIT_LOG_INITIAL);
	return 0;
}

int
audit_key_make(int fd, int dir, struct audit_chain *c, struct err *e)
{
	if (getrandom(c->key, SHA256_LEN, 0) != SHA256_LEN)
		return err_sys(e, "random bytes");
	if (write_initial(dir, c, e) == -1)
		return -1;
	if (audit_key_save(fd, c) == -1 || fsync(fd) == -1 || fsync(dir) == -1)
		return err_sys(e, AUDIT_LOG_DIR "/" AUDIT_LOG_KEY);
	return 0;
}

bool
audit_key_load(int fd, struct audit_chain *c)
{
	char data[8 + SHA256_LEN];
	struct buf b;

	if (pread(fd, data, sizeof(data), 0) != (ssize_t)sizeof(data))
		return false;
	b = buf_over(data, sizeof(data));
	c->seq = buf_get_u64(&b);
	memcpy(c->key, data + 8, SHA256_LEN);
	explicit_bzero(data, sizeof(data));
	return c->seq > 0;
}
