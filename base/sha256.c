#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nettle/hmac.h>
#include <nettle/sha2.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"

struct sha256 {
	struct sha256_ctx ctx;
};

struct sha256 *
sha256_new(void)
{
	struct sha256 *h = malloc(sizeof(*h));

	invariant(h != NULL);
	sha256_init(&h->ctx);
	return h;
}

void
sha256_add(struct sha256 *h, const void *data, size_t len)
{
	sha256_update(&h->ctx, len, data);
}

void
sha256_end(struct sha256 *h, char hex[SHA256_HEX])
{
	unsigned char digest[SHA256_LEN];

	sha256_digest(&h->ctx, sizeof(digest), digest);
	str_hex(hex, digest, sizeof(digest));
	free(h);
}

void
sha256_raw(const void *data, size_t len, unsigned char digest[SHA256_LEN])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, data);
	sha256_digest(&ctx, SHA256_LEN, digest);
}

void
sha256_of(const void *data, size_t len, char hex[SHA256_HEX])
{
	unsigned char digest[SHA256_LEN];

	sha256_raw(data, len, digest);
	str_hex(hex, digest, sizeof(digest));
}

void
sha256_hmac(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA256_LEN])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, key_len, key);
	hmac_sha256_update(&ctx, len, data);
	hmac_sha256_digest(&ctx, SHA256_LEN, out);
	explicit_bzero(&ctx, sizeof(ctx));
}

int
sha256_file(int fd, char hex[SHA256_HEX], uint64_t *size, struct err *e)
{
	static const size_t chunk = 256 << 10;
	struct sha256 *h = sha256_new();
	char *data = malloc(chunk);
	uint64_t at = 0;
	ssize_t n;

	invariant(data != NULL);
	while ((n = pread(fd, data, chunk, (off_t)at)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		sha256_add(h, data, (size_t)n);
		at += (uint64_t)n;
	}
	if (n == -1)
		err_sys(e, "read");
	sha256_end(h, hex);
	free(data);
	if (size != NULL)
		*size = at;
	return n == -1 ? -1 : 0;
}
