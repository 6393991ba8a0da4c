/*
 * Whole messages of protocol buffers, by protobuf-c, which is asked only after
 * its input was looked at.
 */
#ifndef MESSAGES_PROTO_MESSAGE_H
#define MESSAGES_PROTO_MESSAGE_H

#include <stddef.h>

struct ProtobufCMessage;
struct ProtobufCMessageDescriptor;
struct buf;
struct err;

#define PROTO_MESSAGE_FIELDS 16384 /* of one message, inner ones included */
#define PROTO_MESSAGE_DEPTH 16     /* messages in messages */

/*
 * ERR_INVALID: malformed, or more than the bounds say, or a text that is not
 * UTF-8 or has a NUL in it (the library would end it there): where says which.
 * What comes back costs at most a few hundred bytes for each field, and the
 * message's length; proto_message_free() it.  NULL: so it is.
 */
struct ProtobufCMessage *proto_message_unpack(
    const struct ProtobufCMessageDescriptor *, const void *, size_t,
    struct err *);
void proto_message_free(struct ProtobufCMessage *);

/* Adds its bytes. */
void proto_message_pack(struct buf *out, const struct ProtobufCMessage *);

#endif
