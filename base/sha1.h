/* SHA-1 (FIPS 180-4), by nettle: for protocols that name it, never to trust. */
#ifndef BASE_SHA1_H
#define BASE_SHA1_H

#include <stddef.h>

#define SHA1_LEN 20

void sha1_raw(const void *, size_t, unsigned char digest[SHA1_LEN]);

#endif
