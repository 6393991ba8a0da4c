/*
 * One end of a conversation in frames, on a loop: it never waits.  What the
 * other side does not take yet is kept, up to a bound; who lets it grow beyond
 * that is cut off, for one process that stands still must not stop another.
 */
#ifndef MESSAGES_FRAME_LINK_H
#define MESSAGES_FRAME_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "messages/frame.h"

struct err;

#define FRAME_LINK_MAX (16 << 20) /* bytes kept for the other side */
#define FRAME_LINK_FDS_MAX 4096   /* descriptors kept with them */

struct frame_link_waiting;

struct frame_link {
	struct loop *loop;
	int sock; /* owned; -1: closed */
	struct loop_watch watch;
	/* -1 ends the conversation.  What it leaves in the frame is freed. */
	int (*received)(void *arg, struct frame *, struct err *);
	/* The other side is gone, or was cut off: why.  Closed already. */
	void (*gone)(void *arg, const struct err *why);
	void *arg;
	struct frame_link_waiting *first, **last;
	size_t bytes, fds;
	bool cut; /* gone() is called on the next turn */
};

/* sock is taken over, also on failure. */
int frame_link_open(struct frame_link *, struct loop *, int sock,
    int (*received)(void *, struct frame *, struct err *),
    void (*gone)(void *, const struct err *), void *arg, struct err *);

/* Descriptors are borrowed.  To one that is closed: nothing. */
void frame_link_send(struct frame_link *, uint32_t type, uint32_t serial,
    const struct buf *, const int *fds, size_t nfds);

/* Without a word to gone(). */
void frame_link_close(struct frame_link *);

#endif
