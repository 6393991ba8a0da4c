#include <stdint.h>
#include <string.h>

#include "messages/base32.h"
#include "messages/base58.h"
#include "messages/cid.h"
#include "messages/varint.h"

#define V0_LEN 34 /* 0x12 (sha2-256), 0x20 (32 bytes), the digest */
#define V1_LEN 36
#define SHA2_256 0x12

bool
cid_parse(const char *text, struct cid *c)
{
	unsigned char raw[V1_LEN];

	if (strncmp(text, "Qm", 2) == 0)
		return base58_decode(text, raw, V0_LEN) &&
		    cid_read(raw, V0_LEN, c) == V0_LEN;
	return text[0] == 'b' &&
	    base32_decode(text + 1, strlen(text + 1), raw, V1_LEN) &&
	    cid_read(raw, V1_LEN, c) == V1_LEN;
}

size_t
cid_read(const void *data, size_t len, struct cid *c)
{
	const unsigned char *p = data;
	uint64_t value[4]; /* version, codec, hash, its length */
	size_t at = 0, n;

	if (len >= V0_LEN && p[0] == SHA2_256 && p[1] == SHA256_LEN) {
		c->codec = CID_DAG_PB;
		memcpy(c->digest, p + 2, SHA256_LEN);
		return V0_LEN;
	}
	for (int i = 0; i < 4; i++) {
		n = varint_read(p + at, len - at, &value[i]);
		if (n == 0)
			return 0;
		at += n;
	}
	if (value[0] != 1 || (value[1] != CID_RAW && value[1] != CID_DAG_PB) ||
	    value[2] != SHA2_256 || value[3] != SHA256_LEN ||
	    len - at < SHA256_LEN)
		return 0;
	c->codec = (enum cid_codec)value[1];
	memcpy(c->digest, p + at, SHA256_LEN);
	return at + SHA256_LEN;
}

bool
cid_equal(const struct cid *a, const struct cid *b)
{
	return a->codec == b->codec &&
	    memcmp(a->digest, b->digest, SHA256_LEN) == 0;
}
