#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "messages/frame.h"

#define HEAD 8 /* type, serial */

union control {
	char space[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
	struct cmsghdr align;
};

int
frame_pair(int sock[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) == -1)
		return err_sys(e, "socketpair");
	return 0;
}

/* 1: sent; 0: with MSG_DONTWAIT, there is no room. */
static int
send_one(int sock, uint32_t type, uint32_t serial, const struct buf *body,
    const int *fds, size_t nfds, int flags, struct err *e)
{
	union control control;
	buf_auto struct buf all = { 0 };
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	invariant(nfds <= FRAME_FDS_MAX);
	buf_put_u32(&all, type);
	buf_put_u32(&all, serial);
	if (body != NULL)
		buf_add(&all, body->data, body->len);
	if (all.len > HEAD + FRAME_BODY_MAX)
		return err_set(e, ERR_INVALID,
		    "frame %u: %zu bytes are too many", type, all.len);
	iov = (struct iovec){ all.data, all.len };
	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | flags);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN && (flags & MSG_DONTWAIT) != 0)
		return 0;
	if (n != (ssize_t)all.len)
		return err_sys(e, "frame %u: send", type);
	return 1;
}

int
frame_send(int sock, uint32_t type, uint32_t serial, const struct buf *body,
    const int *fds, size_t nfds, struct err *e)
{
	return send_one(sock, type, serial, body, fds, nfds, 0, e) == 1 ? 0
									: -1;
}

int
frame_try_send(int sock, uint32_t type, uint32_t serial, const struct buf *body,
    const int *fds, size_t nfds, struct err *e)
{
	return send_one(sock, type, serial, body, fds, nfds, MSG_DONTWAIT, e);
}

/* Whatever came, so that it can be closed even when the rest is bad. */
static void
take_fds(struct frame *f, struct msghdr *msg)
{
	struct cmsghdr *c;
	size_t n;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		invariant(f->nfds + n <= FRAME_FDS_MAX);
		memcpy(f->fds + f->nfds, CMSG_DATA(c), n * sizeof(int));
		f->nfds += n;
	}
}

static int
receive_one(int sock, struct frame *out, int flags, struct err *e)
{
	union control control;
	struct frame f = { 0 };
	char *data = malloc(HEAD + FRAME_BODY_MAX + 1);
	struct iovec iov = { data, HEAD + FRAME_BODY_MAX };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	ssize_t n;

	invariant(data != NULL);
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | flags);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN && (flags & MSG_DONTWAIT) != 0) {
		free(data);
		return FRAME_NOT_YET;
	}
	f.body = (struct buf){ .data = data,
		.len = n > 0 ? (size_t)n : 0,
		.size = HEAD + FRAME_BODY_MAX + 1 };
	if (n == -1 && errno != ECONNRESET) {
		frame_fini(&f);
		return err_sys(e, "frame: receive");
	}
	if (n <= 0) {
		frame_fini(&f);
		return 0;
	}
	take_fds(&f, &msg);
	f.type = buf_get_u32(&f.body);
	f.serial = buf_get_u32(&f.body);
	if (f.body.failed || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		frame_fini(&f);
		return err_set(e, ERR_INVALID, "frame: cut or malformed");
	}
	*out = f;
	return 1;
}

int
frame_recv(int sock, struct frame *out, struct err *e)
{
	return receive_one(sock, out, 0, e);
}

int
frame_try_recv(int sock, struct frame *out, struct err *e)
{
	return receive_one(sock, out, MSG_DONTWAIT, e);
}

void
frame_fini(struct frame *f)
{
	for (size_t i = 0; i < f->nfds; i++)
		if (f->fds[i] != -1)
			close(f->fds[i]);
	f->nfds = 0;
	buf_fini(&f->body);
}
