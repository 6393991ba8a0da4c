/*
 * Protocol buffers (encoding.md): fields of a message one by one, and whole
 * messages by protobuf-c, which is asked only after its input was looked at.
 */
#ifndef MESSAGES_PROTOBUF_H
#define MESSAGES_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

struct ProtobufCMessage;
struct ProtobufCMessageDescriptor;
struct buf;
struct err;

/* ---- fields ---- */

enum protobuf_wire {
	PROTOBUF_VARINT = 0,
	PROTOBUF_FIXED64 = 1,
	PROTOBUF_BYTES = 2,
	PROTOBUF_FIXED32 = 5,
};

struct protobuf_reader {
	const unsigned char *data;
	size_t len;
};

struct protobuf_field {
	uint32_t number;
	enum protobuf_wire wire;
	uint64_t value;            /* but of PROTOBUF_BYTES */
	const unsigned char *data; /* of PROTOBUF_BYTES; borrowed */
	size_t len;
};

/* 1: a field; 0: the end; -1: malformed, or a group, which is of proto2. */
int protobuf_next(struct protobuf_reader *, struct protobuf_field *);

/* ---- messages ---- */

#define PROTOBUF_FIELDS_MAX 16384 /* of one message, inner ones included */
#define PROTOBUF_DEPTH_MAX 16     /* messages in messages */

/*
 * ERR_INVALID: malformed, or more than the bounds say, or a text that is not
 * UTF-8 or has a NUL in it (the library would end it there): where says which.
 * What comes back costs at most a few hundred bytes for each field, and the
 * message's length; protobuf_free() it.  NULL: so it is.
 */
struct ProtobufCMessage *protobuf_unpack(
    const struct ProtobufCMessageDescriptor *, const void *, size_t,
    struct err *);
void protobuf_free(struct ProtobufCMessage *);

/* Adds its bytes. */
void protobuf_pack(struct buf *out, const struct ProtobufCMessage *);

#endif
