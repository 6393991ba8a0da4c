#include <string.h>

#include "base/keccak4.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#define RATE 136
#define ROUNDS 24

/* Keccak reference 3.0, 1.2: constants of iota, and of rho along pi. */
static const uint64_t iota[ROUNDS] = { 0x0000000000000001, 0x0000000000008082,
	0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
	0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
	0x000000000000008a, 0x0000000000000088, 0x0000000080008009,
	0x000000008000000a, 0x000000008000808b, 0x800000000000008b,
	0x8000000000008089, 0x8000000000008003, 0x8000000000008002,
	0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
	0x8000000080008081, 0x8000000000008080, 0x0000000080000001,
	0x8000000080008008 };

#define LANES 25
#define AVX2 __attribute__((target("avx2")))

#define XOR(a, b) _mm256_xor_si256(a, b)
#define ROL(a, n) \
	_mm256_or_si256(_mm256_slli_epi64(a, n), _mm256_srli_epi64(a, 64 - (n)))

/* a[x + 5 * y]: the four states' lanes at x, y side by side. */
AVX2 static inline void
theta(const __m256i a[LANES], __m256i d[5])
{
	__m256i c[5];

#pragma GCC unroll 5
	for (int x = 0; x < 5; x++)
		c[x] = XOR(XOR(XOR(a[x], a[x + 5]), XOR(a[x + 10], a[x + 15])),
		    a[x + 20]);
#pragma GCC unroll 5
	for (int x = 0; x < 5; x++)
		d[x] = XOR(c[(x + 4) % 5], ROL(c[(x + 1) % 5], 1));
}

AVX2 static inline void
rho_pi(const __m256i a[LANES], const __m256i d[5], __m256i b[LANES])
{
	b[0] = XOR(a[0], d[0]);
	b[10] = ROL(XOR(a[1], d[1]), 1);
	b[7] = ROL(XOR(a[10], d[0]), 3);
	b[11] = ROL(XOR(a[7], d[2]), 6);
	b[17] = ROL(XOR(a[11], d[1]), 10);
	b[18] = ROL(XOR(a[17], d[2]), 15);
	b[3] = ROL(XOR(a[18], d[3]), 21);
	b[5] = ROL(XOR(a[3], d[3]), 28);
	b[16] = ROL(XOR(a[5], d[0]), 36);
	b[8] = ROL(XOR(a[16], d[1]), 45);
	b[21] = ROL(XOR(a[8], d[3]), 55);
	b[24] = ROL(XOR(a[21], d[1]), 2);
	b[4] = ROL(XOR(a[24], d[4]), 14);
	b[15] = ROL(XOR(a[4], d[4]), 27);
	b[23] = ROL(XOR(a[15], d[0]), 41);
	b[19] = ROL(XOR(a[23], d[3]), 56);
	b[13] = ROL(XOR(a[19], d[4]), 8);
	b[12] = ROL(XOR(a[13], d[3]), 25);
	b[2] = ROL(XOR(a[12], d[2]), 43);
	b[20] = ROL(XOR(a[2], d[2]), 62);
	b[14] = ROL(XOR(a[20], d[0]), 18);
	b[22] = ROL(XOR(a[14], d[4]), 39);
	b[9] = ROL(XOR(a[22], d[2]), 61);
	b[6] = ROL(XOR(a[9], d[4]), 20);
	b[1] = ROL(XOR(a[6], d[1]), 44);
}

AVX2 static void
permute(__m256i a[LANES])
{
	__m256i b[LANES], d[5];

	for (int round = 0; round < ROUNDS; round++) {
		theta(a, d);
		rho_pi(a, d, b);
#pragma GCC unroll 25
		for (int i = 0; i < LANES; i++)
			a[i] = XOR(b[i],
			    _mm256_andnot_si256(b[i / 5 * 5 + (i + 1) % 5],
				b[i / 5 * 5 + (i + 2) % 5]));
		a[0] = XOR(a[0], _mm256_set1_epi64x((long long)iota[round]));
	}
}

static long long
lane(const unsigned char *p, size_t i)
{
	long long v;

	memcpy(&v, p + 8 * i, sizeof(v)); /* x86-64 is little endian, too */
	return v;
}

AVX2 static void
absorb(__m256i a[LANES], const unsigned char *const block[KECCAK4])
{
	for (size_t i = 0; i < RATE / 8; i++)
		a[i] = XOR(a[i],
		    _mm256_set_epi64x(lane(block[3], i), lane(block[2], i),
			lane(block[1], i), lane(block[0], i)));
	permute(a);
}

AVX2 static void
hash(const void *const message[KECCAK4], size_t len,
    unsigned char *const digest[KECCAK4])
{
	unsigned char last[KECCAK4][RATE] = { { 0 } };
	const unsigned char *at[KECCAK4];
	long long lanes[KECCAK4];
	__m256i a[LANES];

	memset(a, 0, sizeof(a));
	memcpy(at, message, sizeof(at));
	for (; len >= RATE; len -= RATE) {
		absorb(a, at);
		for (int k = 0; k < KECCAK4; k++)
			at[k] += RATE;
	}
	for (int k = 0; k < KECCAK4; k++) {
		if (len > 0)
			memcpy(last[k], at[k], len);
		last[k][len] ^= 0x01;
		last[k][RATE - 1] ^= 0x80;
		at[k] = last[k];
	}
	absorb(a, at);
	for (int i = 0; i < KECCAK_SIZE / 8; i++) {
		_mm256_storeu_si256((__m256i *)lanes, a[i]);
		for (int k = 0; k < KECCAK4; k++)
			memcpy(digest[k] + 8 * i, &lanes[k], 8);
	}
}

bool
keccak4_is_fast(void)
{
	return __builtin_cpu_supports("avx2") != 0;
}

#else

bool
keccak4_is_fast(void)
{
	return false;
}

static void
hash(const void *const message[KECCAK4], size_t len,
    unsigned char *const digest[KECCAK4])
{
	(void)message;
	(void)len;
	(void)digest;
}

#endif

void
keccak4_256(const void *const message[KECCAK4], size_t len,
    unsigned char *const digest[KECCAK4])
{
	if (keccak4_is_fast()) {
		hash(message, len, digest);
		return;
	}
	for (int k = 0; k < KECCAK4; k++)
		keccak_256(message[k], len, digest[k]);
}
