/*
 * Unsigned numbers of one to nine bytes, seven bits in each and the lowest
 * first: of multiformats (unsigned-varint) and, up to there, of protocol
 * buffers (encoding.md, "Base 128 Varints").
 */
#ifndef MESSAGES_VARINT_H
#define MESSAGES_VARINT_H

#include <stddef.h>
#include <stdint.h>

/* The bytes that it takes; 0: it does not end, or is written too long. */
size_t varint_read(const void *, size_t len, uint64_t *);

#endif
