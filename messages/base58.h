/* base58btc: the alphabet of Bitcoin, leading zero bytes as leading "1"s. */
#ifndef MESSAGES_BASE58_H
#define MESSAGES_BASE58_H

#include <stdbool.h>
#include <stddef.h>

#define BASE58_BYTES_MAX 128

/* Exactly len bytes from text; false if it is anything else. */
bool base58_decode(const char *text, unsigned char *out, size_t len);

/* The caller frees. */
char *base58_encode(const unsigned char *, size_t len);

#endif
