#include <stdint.h>
#include <string.h>

#include <nettle/sha3.h>

#include "base/keccak.h"

#define RATE 136

static void
absorb(struct sha3_state *s, const unsigned char block[RATE])
{
	uint64_t lane;

	for (size_t i = 0; i < RATE / 8; i++) {
		lane = 0;
		for (size_t k = 0; k < 8; k++)
			lane |= (uint64_t)block[8 * i + k] << (8 * k);
		s->a[i] ^= lane;
	}
	sha3_permute(s);
}

void
keccak_256(const void *data, size_t len, unsigned char digest[32])
{
	struct sha3_state s = { 0 };
	unsigned char last[RATE] = { 0 };
	const unsigned char *p = data;

	for (; len >= RATE; len -= RATE, p += RATE)
		absorb(&s, p);
	if (len > 0)
		memcpy(last, p, len);
	last[len] ^= 0x01;
	last[RATE - 1] ^= 0x80;
	absorb(&s, last);
	for (size_t i = 0; i < 32; i++)
		digest[i] = (unsigned char)(s.a[i / 8] >> (8 * (i % 8)));
}
