/*
 * Files of protocol buffers as protoc describes them: a FileDescriptorSet
 * (google/protobuf/descriptor.proto), which has each file's imports in front of
 * it.  The set is our own, made when Cella is built: it is not mistrusted.
 */
#ifndef MESSAGES_PROTO_SET_H
#define MESSAGES_PROTO_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "messages/protobuf.h"

/* A file's FileDescriptorProto; borrowed from the set. */
struct proto_set_file {
	const unsigned char *data;
	size_t len;
};

/* A text that need not end with a NUL. */
struct proto_set_name {
	const char *text;
	size_t len;
};

/* False: there is none of that name. */
bool proto_set_file(struct protobuf_reader set, struct proto_set_name,
    struct proto_set_file *);

/*
 * The file that declares a symbol: a message, an enumeration, a service with
 * its package, or a field or method of one.
 */
bool proto_set_symbol(struct protobuf_reader set, struct proto_set_name,
    struct proto_set_file *);

/* The n-th name that a file imports, from 0. */
bool proto_set_import(const struct proto_set_file *, size_t n,
    struct proto_set_name *);

#endif
