/* What became of what sessions asked for (session_ops.h). */
#ifndef RUNTIME_SESSION_TELL_H
#define RUNTIME_SESSION_TELL_H

#include "messages/merkle_tree.h"
#include "runtime/session.h"

/* What of a machine's memory is not its ranges: where its state is described.
 * Sorted, aligned to their sizes; they do not touch the ranges. */
#define SESSION_PARTS_MAX 8
struct session_parts {
	size_t len;
	struct merkle_part part[SESSION_PARTS_MAX];
};

/* dev, cmd, reason and data of tohost (see session_yield.c). */
struct session_yield {
	uint64_t tohost;
	const void
	    *tx; /* what the machine wrote to that range, from its start */
	size_t tx_len;
	/* Of a manual one: so many it says it has put out. */
	uint64_t vouchers, notices;
};

/* Its directory is read.  content: of the ranges, from their starts; NULL: they
 * are zero.  Bytes behind a range's end are nobody's. */
void session_tell_opened(struct session *, const struct machine_config *,
    const struct buf content[MACHINE_RANGES], const struct session_parts *);
/* It waits: after load with the yield that it waits in. */
void session_tell_ready(struct session *, const struct session_yield *,
    const struct session_parts *);
/* load came to nothing. */
void session_tell_failed(struct session *, enum grpc_status, const char *text);
void session_tell_yielded(struct session *, const struct session_yield *);
void session_tell_halted(struct session *);
/* It is gone, and nobody knows why; or it does what it may not. */
void session_tell_died(struct session *, enum grpc_status, const char *text);
void session_tell_weighed(struct session *, const struct session_parts *);
/* What it made of its state has no place in one: the input is an exception
 * with that text. */
void session_tell_unfit(struct session *, const char *text);
/* Or the disk has no room for it now: it is given again after a while. */
void session_tell_later(struct session *);
/* GRPC_OK, or why not. */
void session_tell_stored(struct session *, enum grpc_status, const char *text);
void session_tell_stopped(struct session *);
void session_tell_time(struct session *);

#endif
