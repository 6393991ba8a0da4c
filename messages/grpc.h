/*
 * What gRPC adds to HTTP/2, as bytes and texts: statuses, messages with their
 * lengths in front, times and sentences in header fields.  Pure.  Source:
 * grpc/doc/PROTOCOL-HTTP2.md, and for the numbers grpc/doc/statuscodes.md.
 */
#ifndef MESSAGES_GRPC_H
#define MESSAGES_GRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum grpc_status {
	GRPC_OK,
	GRPC_CANCELLED,
	GRPC_UNKNOWN,
	GRPC_INVALID_ARGUMENT,
	GRPC_DEADLINE_EXCEEDED,
	GRPC_NOT_FOUND,
	GRPC_ALREADY_EXISTS,
	GRPC_PERMISSION_DENIED,
	GRPC_RESOURCE_EXHAUSTED,
	GRPC_FAILED_PRECONDITION,
	GRPC_ABORTED,
	GRPC_OUT_OF_RANGE,
	GRPC_UNIMPLEMENTED,
	GRPC_INTERNAL,
	GRPC_UNAVAILABLE,
	GRPC_DATA_LOSS,
	GRPC_UNAUTHENTICATED,
	GRPC_STATUSES,
};

/* "OK", "INVALID_ARGUMENT"...; "?" for what is none. */
const char *grpc_status_name(unsigned status);

/*
 * grpc-timeout: one to eight digits and a unit out of H M S m u n.  What is
 * longer than 2^64 ns is that.  False: malformed.
 */
bool grpc_timeout(const char *text, size_t len, uint64_t *ns);

/*
 * grpc-message: bytes but '%' from ' ' to '~' as they are, the rest as %XX.
 * Reading never fails: what is no such escape stays as it stands.  Either adds
 * to a buffer.
 */
void grpc_message_encode(struct buf *out, const char *text);
void grpc_message_decode(struct buf *out, const char *text, size_t len);

/*
 * The value of a field whose name ends in "-bin": base64 (RFC 4648, 4), with
 * or without its padding.  False: malformed; out is then of no use.
 */
bool grpc_binary_decode(struct buf *out, const char *text, size_t len);

/* ---- messages ---- */

#define GRPC_PREFIX 5 /* bytes in front of each: a flag, a u32, big endian */

void grpc_prefix(uint8_t out[GRPC_PREFIX], uint32_t len);

/* Messages out of a stream's bytes, one at a time. */
struct grpc_reader {
	uint32_t max; /* bytes of a message; longer ones are refused */
	uint8_t prefix[GRPC_PREFIX];
	size_t nprefix;
	uint32_t len;       /* of the message, once the prefix is whole */
	struct buf message; /* grows as it comes, not as it is promised */
};

enum grpc_read {
	GRPC_READ_MORE,    /* all was taken, and nothing is whole */
	GRPC_READ_STARTED, /* a prefix is whole: len is how long it will be */
	GRPC_READ_MESSAGE, /* it is whole; go on with grpc_reader_next() */
	GRPC_READ_TOO_LONG,
	GRPC_READ_COMPRESSED,
	GRPC_READ_MALFORMED, /* a flag that there is not */
};

void grpc_reader_init(struct grpc_reader *, uint32_t max);
void grpc_reader_fini(struct grpc_reader *);

/* Takes from the front of data; after the last three, nothing any more. */
enum grpc_read grpc_reader_feed(struct grpc_reader *, const char **data,
    size_t *len);

/* The message was used. */
void grpc_reader_next(struct grpc_reader *);

/* Between messages: only there may a stream end. */
bool grpc_reader_is_between(const struct grpc_reader *);

#endif
