/*
 * How our own processes talk: one frame is one record of a SOCK_SEQPACKET
 * socket pair, with a type, a serial number, a body (base/buf.h) and
 * descriptors beside it.  A record that is cut, too long, or carries more
 * descriptors than fit is an error for the whole connection; whatever
 * descriptors came with it are closed.
 */
#ifndef MESSAGES_FRAME_H
#define MESSAGES_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

#define FRAME_BODY_MAX (128 << 10)
#define FRAME_FDS_MAX 100

struct frame {
	uint32_t type, serial;
	struct buf body; /* for buf_get_*; owned by the frame */
	size_t nfds;
	int fds[FRAME_FDS_MAX]; /* close-on-exec; -1 once taken */
};

/* A connected pair; close-on-exec. */
int frame_pair(int sock[2], struct err *);

/* Descriptors are borrowed. */
int frame_send(int sock, uint32_t type, uint32_t serial, const struct buf *,
    const int *fds, size_t nfds, struct err *);

/*
 * Waits for one.  1: frame_fini() it; 0: the other side is gone; -1: error.
 */
int frame_recv(int sock, struct frame *, struct err *);

/* The same two for who must not wait: 0 is no room, or nobody. */
int frame_try_send(int sock, uint32_t type, uint32_t serial, const struct buf *,
    const int *fds, size_t nfds, struct err *);
#define FRAME_NOT_YET 2
int frame_try_recv(int sock, struct frame *, struct err *);

/* Frees the body and closes the descriptors that nobody took. */
void frame_fini(struct frame *);

#define frame_auto __attribute__((cleanup(frame_fini)))

#endif
