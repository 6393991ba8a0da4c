/*
 * Messages of protocol buffers as JSON, from their bytes and what protoc-c
 * knows of them: nothing of a large one is kept.
 */
#ifndef MESSAGES_PROTO_JSON_H
#define MESSAGES_PROTO_JSON_H

#include <stddef.h>

struct ProtobufCMessageDescriptor;
struct buf;
struct err;

/*
 * Adds an object on one line, with the names of the .proto.  Bytes are "0x" and
 * digits, and so are messages that are nothing but bytes ("data"); numbers
 * above 2^53 are texts, enums their names; what is absent is left out, but
 * lists, and numbers and texts that are zero.  ERR_INVALID: malformed, or too
 * deep.
 */
int proto_json_put(struct buf *, const struct ProtobufCMessageDescriptor *,
    const void *, size_t, struct err *);

#endif
