#include <stdlib.h>
#include <string.h>

#include <nettle/base64.h>

#include "base/err.h"
#include "messages/base64.h"

char *
base64_text(const void *data, size_t len)
{
	char *out = malloc(BASE64_ENCODE_RAW_LENGTH(len) + 1);

	invariant(out != NULL);
	base64_encode_raw(out, len, data);
	out[BASE64_ENCODE_RAW_LENGTH(len)] = '\0';
	return out;
}

/* The library skips blanks. */
static int
has_blanks(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\r\n\v\f", text[i]) != NULL)
			return 1;
	return 0;
}

char *
base64_bytes(const char *text, size_t len, size_t *out_len)
{
	struct base64_decode_ctx ctx;
	char *out = malloc(BASE64_DECODE_LENGTH(len) + 1);

	invariant(out != NULL);
	base64_decode_init(&ctx);
	*out_len = BASE64_DECODE_LENGTH(len);
	if (len % 4 != 0 || has_blanks(text, len) ||
	    !base64_decode_update(&ctx, out_len, (uint8_t *)out, len, text) ||
	    !base64_decode_final(&ctx)) {
		free(out);
		return NULL;
	}
	out[*out_len] = '\0';
	return out;
}
