/* base32 (RFC 4648, 6), in letters of either case and without padding. */
#ifndef MESSAGES_BASE32_H
#define MESSAGES_BASE32_H

#include <stdbool.h>
#include <stddef.h>

/* Exactly n bytes from len letters; false if it is anything else. */
bool base32_decode(const char *text, size_t len, unsigned char *out, size_t n);

#endif
