#include <nettle/sha1.h>

#include "base/sha1.h"

void
sha1_raw(const void *data, size_t len, unsigned char digest[SHA1_LEN])
{
	struct sha1_ctx ctx;

	sha1_init(&ctx);
	sha1_update(&ctx, len, data);
	sha1_digest(&ctx, SHA1_LEN, digest);
}
