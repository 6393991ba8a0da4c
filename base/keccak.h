/*
 * Keccak-256 as Ethereum uses it: the sponge of the Keccak submission with
 * rate 136 and padding byte 0x01 (SHA-3 of FIPS 202 pads with 0x06).
 */
#ifndef BASE_KECCAK_H
#define BASE_KECCAK_H

#include <stddef.h>

#define KECCAK_SIZE 32

void keccak_256(const void *, size_t, unsigned char digest[KECCAK_SIZE]);

#endif
