/*
 * Keccak-256 of four messages of one length at a time (keccak.h): side by side
 * where the CPU has AVX2, one after the other where it has not.
 */
#ifndef BASE_KECCAK4_H
#define BASE_KECCAK4_H

#include <stdbool.h>
#include <stddef.h>

#include "base/keccak.h"

#define KECCAK4 4

/* Digests may lie where messages do. */
void keccak4_256(const void *const message[KECCAK4], size_t len,
    unsigned char *const digest[KECCAK4]);

/* Whether they are computed side by side. */
bool keccak4_is_fast(void);

#endif
