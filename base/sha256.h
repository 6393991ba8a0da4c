/* SHA-256 (FIPS 180-4), by nettle.  A digest is 32 bytes. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct err;

#define SHA256_LEN 32
#define SHA256_HEX (2 * SHA256_LEN + 1) /* with the final NUL */

struct sha256;

struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *, const void *, size_t);

/* Writes the digest as hexadecimal digits and frees the state. */
void sha256_end(struct sha256 *, char hex[SHA256_HEX]);

void sha256_of(const void *, size_t, char hex[SHA256_HEX]);
void sha256_raw(const void *, size_t, unsigned char digest[SHA256_LEN]);

/* HMAC-SHA-256 (RFC 2104); out may be the key. */
void sha256_hmac(const void *key, size_t key_len, const void *, size_t,
    unsigned char out[SHA256_LEN]);

/*
 * Of a whole file, read from offset 0 by pread(2), so that the descriptor's
 * position does not move; size gets its length in bytes unless it is NULL.
 */
int sha256_file(int fd, char hex[SHA256_HEX], uint64_t *size, struct err *);

#endif
