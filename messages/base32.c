#include <stdint.h>

#include "messages/base32.h"

static int
digit_of(char c)
{
	return c >= 'a' && c <= 'z' ? c - 'a'
	    : c >= 'A' && c <= 'Z'  ? c - 'A'
	    : c >= '2' && c <= '7'  ? c - '2' + 26
				    : -1;
}

bool
base32_decode(const char *text, size_t len, unsigned char *out, size_t n)
{
	uint32_t bits = 0;
	size_t done = 0, have = 0;
	int digit;

	if (len != (8 * n + 4) / 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		digit = digit_of(text[i]);
		if (digit == -1)
			return false;
		bits = bits << 5 | (uint32_t)digit;
		have += 5;
		if (have < 8)
			continue;
		have -= 8;
		out[done++] = (unsigned char)(bits >> have);
	}
	/* What the last letter has beyond the last byte is nothing. */
	return (bits & ((1U << have) - 1)) == 0;
}
