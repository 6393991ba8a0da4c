/* Protocol buffers (encoding.md), read field by field.  Pure. */
#ifndef MESSAGES_PROTOBUF_H
#define MESSAGES_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

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

#endif
