/* The pipes between us and a machine. */
#ifndef RUNTIME_PIPES_H
#define RUNTIME_PIPES_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct machine;

/* Our end does not block; the machine's does, as programs expect. */
int pipes_make(int *reads, int *writes, bool ours_reads, struct err *);

/* What is at its end from the start: a descriptor, or -1. */
int pipes_nothing(struct err *);

/* A machine's ends of what it reads and writes, closed once they are passed on.
 */
struct pipes_ends {
	int in, out, err, channel_in, channel_out; /* -1: there is none */
};
#define PIPES_NO_ENDS              \
	{                          \
		-1, -1, -1, -1, -1 \
	}

void pipes_close_ends(struct pipes_ends *);

/*
 * The descriptors of LAUNCH_CREATE in their order (messages/launch_msgs.h);
 * fds has room for FRAME_FDS_MAX.  source: of mounts that have one.
 */
size_t pipes_list(const struct pipes_ends *, int args, const struct machine *,
    const int *source, int *fds);

#endif
