#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"

void
fd_close(int *fd)
{
	int saved = errno;

	if (*fd != -1)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int
fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

ssize_t
fd_read_full(int fd, void *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, (char *)data + done, len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int
fd_write_full(int fd, const void *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write(fd, (const char *)data + done, len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

int
fd_read_all(int fd, size_t max, char **data, size_t *len, struct err *e)
{
	size_t size = 4096, used = 0;
	char *p = malloc(size + 1), *bigger;
	ssize_t n;

	invariant(p != NULL);
	for (;;) {
		n = fd_read_full(fd, p + used, size - used);
		if (n == -1) {
			free(p);
			return err_sys(e, "read");
		}
		used += (size_t)n;
		if (used > max) {
			free(p);
			return err_set(e, ERR_INVALID, "more than %zu bytes",
			    max);
		}
		if (used < size)
			break;
		size *= 2;
		bigger = realloc(p, size + 1);
		invariant(bigger != NULL);
		p = bigger;
	}
	p[used] = '\0';
	*data = p;
	*len = used;
	return 0;
}

int
fd_sealed(const char *name, const void *data, size_t len, struct err *e)
{
	fd_auto int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	if (fd == -1)
		return err_sys(e, "memfd %s", name);
	if (fd_write_full(fd, data, len) == -1)
		return err_sys(e, "memfd %s: write", name);
	if (lseek(fd, 0, SEEK_SET) == -1 || fcntl(fd, F_ADD_SEALS, seals) == -1)
		return err_sys(e, "memfd %s: seal", name);
	return fd_take(&fd);
}

int
fd_read_sealed(int fd, size_t max, char **data, size_t *len, struct err *e)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int has = fcntl(fd, F_GET_SEALS);

	if (has == -1 || (has & seals) != seals)
		return err_set(e, ERR_INVALID, "it is no sealed file");
	return fd_read_all(fd, max, data, len, e);
}

union one_fd {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int
fd_send(int sock, int fd)
{
	union one_fd control = { { 0 } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -1;
}

int
fd_receive(int sock)
{
	union one_fd control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	struct cmsghdr *c;
	int fd = -1;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}
