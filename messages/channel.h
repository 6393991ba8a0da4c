/*
 * The channel between a node and a machine: frames and the dialogue's nonces.
 * docs/channel.md is the format.  Pure: bytes in, frames out.
 */
#ifndef MESSAGES_CHANNEL_H
#define MESSAGES_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

#define CHANNEL_HEAD 8
#define CHANNEL_PAYLOAD_MAX (1U << 20)

enum channel_kind {
	CHANNEL_READY = 1000,
	CHANNEL_REQUEST,
	CHANNEL_BODY,
	CHANNEL_BODY_END,
	CHANNEL_RESPONSE,
	CHANNEL_FAILED,
	CHANNEL_OUTPUT,
	CHANNEL_SHUTDOWN,
	CHANNEL_BYE,
	CHANNEL_FINISH = 1010, /* of sessions, from here on: raw payloads */
	CHANNEL_ADVANCE,
	CHANNEL_INSPECT,
	CHANNEL_VOUCHER,
	CHANNEL_NOTICE,
	CHANNEL_REPORT,
	CHANNEL_EXCEPTION,
	CHANNEL_DONE,
	CHANNEL_SETTLED,
};

/* What FINISH says. */
enum channel_finish {
	CHANNEL_REJECTS,
	CHANNEL_ACCEPTS,
	CHANNEL_ACCEPTS_AND_COPIES, /* and a copy handles what comes next */
};

/* What DONE says of an output. */
enum channel_done {
	CHANNEL_DONE_OK,
	CHANNEL_DONE_FIRST,   /* FINISH must come first: EBADE */
	CHANNEL_DONE_QUERY,   /* not while a query is handled: EOPNOTSUPP */
	CHANNEL_DONE_NO_ROOM, /* too long, or too many: ENOBUFS */
};

/* One frame; payload is borrowed from the reader until the next call. */
struct channel_frame {
	uint32_t kind, len;
	const char *payload;
};

/* Bytes as they come, cut into frames. */
struct channel_reader {
	struct buf in;
	uint32_t max; /* bytes of a payload; 0: CHANNEL_PAYLOAD_MAX */
};

void channel_reader_fini(struct channel_reader *);
void channel_feed(struct channel_reader *, const void *, size_t);

/*
 * 1: a whole frame.  0: more bytes are needed.  -1: a length above the bound,
 * which is the machine's fault (ERR_GUEST).
 */
int channel_next(struct channel_reader *, struct channel_frame *, struct err *);

/* Appends one frame to a buffer. */
void channel_put(struct buf *, uint32_t kind, const void *payload, size_t len);

/* The counter of one side. */
struct channel_dialogue {
	uint32_t counter;
};

/* The label of the next JSON message to send. */
uint32_t channel_dialogue_send(struct channel_dialogue *);

/* ERR_GUEST if it is not the one that is due. */
int channel_dialogue_receive(struct channel_dialogue *, const char *nonce,
    struct err *);

#endif
