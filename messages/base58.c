#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/base58.h"

static const char alphabet[] =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* number = number * factor + carry, big endian; false if it does not fit. */
static bool
multiply_add(unsigned char *number, size_t len, unsigned factor, unsigned carry)
{
	for (size_t i = len; i-- > 0;) {
		carry += number[i] * factor;
		number[i] = (unsigned char)carry;
		carry >>= 8;
	}
	return carry == 0;
}

bool
base58_decode(const char *text, unsigned char *out, size_t len)
{
	unsigned char number[BASE58_BYTES_MAX] = { 0 };
	size_t ones = strspn(text, "1"), zeros = 0;
	const char *at;

	if (len > sizeof(number))
		return false;
	for (const char *p = text; *p != '\0'; p++) {
		at = strchr(alphabet, *p);
		if (at == NULL ||
		    !multiply_add(number, len, 58, (unsigned)(at - alphabet)))
			return false;
	}
	while (zeros < len && number[zeros] == 0)
		zeros++;
	if (zeros != ones)
		return false;
	memcpy(out, number, len);
	return true;
}

/* Divides in place and returns the remainder. */
static unsigned
divide(unsigned char *number, size_t len, unsigned by)
{
	unsigned rest = 0;

	for (size_t i = 0; i < len; i++) {
		rest = rest << 8 | number[i];
		number[i] = (unsigned char)(rest / by);
		rest %= by;
	}
	return rest;
}

char *
base58_encode(const unsigned char *data, size_t len)
{
	unsigned char number[BASE58_BYTES_MAX];
	char text[2 * BASE58_BYTES_MAX + 1];
	size_t at = sizeof(text) - 1, zeros = 0, digits;

	invariant(len <= sizeof(number));
	memcpy(number, data, len);
	while (zeros < len && data[zeros] == 0)
		zeros++;
	/* log(256) / log(58) is below 1.37: so many digits are enough. */
	digits = (len - zeros) * 137 / 100 + 1;
	text[at] = '\0';
	for (size_t i = 0; i < digits; i++)
		text[--at] = alphabet[divide(number, len, 58)];
	while (text[at] == '1')
		at++;
	for (size_t i = 0; i < zeros; i++)
		text[--at] = '1';
	return str_dup(text + at);
}
