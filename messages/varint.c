#include "messages/varint.h"

#define BYTES_MAX 9

size_t
varint_read(const void *data, size_t len, uint64_t *value)
{
	const unsigned char *p = data;

	*value = 0;
	for (size_t i = 0; i < len && i < BYTES_MAX; i++) {
		*value |= (uint64_t)(p[i] & 0x7f) << (7 * i);
		if (p[i] < 0x80)
			return i > 0 && p[i] == 0 ? 0 : i + 1;
	}
	return 0;
}
