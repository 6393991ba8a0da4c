/*
 * Protocol buffers (encoding.md), written field by field: what is zero or empty
 * is left out, as proto3 has it, but for those that say so.
 */
#ifndef MESSAGES_PROTOBUF_WRITE_H
#define MESSAGES_PROTOBUF_WRITE_H

#include <stddef.h>
#include <stdint.h>

struct buf;

void protobuf_write_number(struct buf *, uint32_t field, uint64_t);
void protobuf_write_text(struct buf *, uint32_t field, const char *);

/* Alone: one of a packed field's. */
void protobuf_write_varint(struct buf *, uint64_t);

/* Also if it is empty: of a message, of one of several, of an optional one. */
void protobuf_write_bytes(struct buf *, uint32_t field, const void *, size_t);

/* In front of so many bytes, which follow. */
void protobuf_write_head(struct buf *, uint32_t field, size_t len);

#endif
