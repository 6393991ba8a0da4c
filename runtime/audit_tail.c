#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "runtime/audit_tail.h"

#define ROOM ((uint64_t)1 << 20)

static const char zeros[64 << 10];

static int
write_at(int fd, const char *data, size_t len, uint64_t at)
{
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, data, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

int
audit_tail_open(struct audit_tail *t, int fd, uint64_t size, struct err *e)
{
	*t = (struct audit_tail){ fd, size, size, false };
	if (ftruncate(fd, (off_t)size) == 0)
		return 0;
	err_sys(e, "the audit log");
	fd_close(&t->fd);
	return -1;
}

void
audit_tail_close(struct audit_tail *t)
{
	/* If it fails, readers stop at the first NUL all the same. */
	if (t->fd != -1)
		t->torn = ftruncate(t->fd, (off_t)t->size) == -1;
	fd_close(&t->fd);
}

/* What follows size is as if nothing had been written. */
static int
take_back(struct audit_tail *t)
{
	t->room = t->size;
	t->torn = ftruncate(t->fd, (off_t)t->size) == -1;
	return t->torn ? -1 : 0;
}

int
audit_tail_append(struct audit_tail *t, const struct buf *b, bool sync,
    struct err *e)
{
	if (t->torn && take_back(t) == -1)
		return err_sys(e, "the audit log is cut off in a record");
	if (write_at(t->fd, b->data, b->len, t->size) == -1 ||
	    (sync && fdatasync(t->fd) == -1)) {
		err_sys(e, "the audit log cannot be written");
		(void)take_back(t);
		return -1;
	}
	t->size += b->len;
	if (t->room < t->size)
		t->room = t->size;
	return 0;
}

void
audit_tail_make_room(struct audit_tail *t)
{
	uint64_t at = t->room, end = t->size + ROOM;

	if (t->torn || t->room >= t->size + ROOM / 4)
		return;
	for (; at < end; at += sizeof(zeros))
		if (write_at(t->fd, zeros, sizeof(zeros), at) == -1)
			break;
	if (at >= end && fdatasync(t->fd) == 0)
		t->room = at;
	else if (ftruncate(t->fd, (off_t)t->room) == -1)
		t->torn = true;
}
