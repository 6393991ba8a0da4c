/* Bytes as text: base64 of RFC 4648, 4, with its padding, and nothing else. */
#ifndef MESSAGES_BASE64_H
#define MESSAGES_BASE64_H

#include <stddef.h>

/* The caller frees; a NUL stands behind either. */
char *base64_text(const void *, size_t len);

/* NULL: it is none: another letter, a blank, bits that say nothing. */
char *base64_bytes(const char *, size_t len, size_t *out_len);

#endif
