#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/car.h"
#include "messages/varint.h"

#define HEADER_MAX (64 << 10)
#define HEAD_MAX 64 /* a length and a CID */

static int
malformed(uint64_t at, struct err *e)
{
	return err_set(e, ERR_GUEST, "malformed CAR at byte %llu",
	    (unsigned long long)at);
}

/* As many of these bytes as there are. */
static int
peek(const struct car *c, unsigned char out[HEAD_MAX], size_t *n, uint64_t at,
    struct err *e)
{
	uint64_t left = c->source->size - at;

	*n = left < HEAD_MAX ? (size_t)left : HEAD_MAX;
	return c->source->read(c->source->arg, out, *n, at, e);
}

/* The roots that it names are whoever made it's business. */
static int
skip_header(const struct car *c, uint64_t *at, struct err *e)
{
	unsigned char head[HEAD_MAX];
	uint64_t len;
	size_t n;

	if (peek(c, head, &n, 0, e) == -1)
		return -1;
	n = varint_read(head, n, &len);
	if (n == 0 || len == 0 || len > HEADER_MAX || len > c->source->size - n)
		return malformed(0, e);
	*at = n + len;
	return 0;
}

static int
add_block(struct car *c, uint64_t *at, struct err *e)
{
	unsigned char head[HEAD_MAX];
	struct car_block *b;
	size_t n, first, name;
	uint64_t len;
	struct cid cid;

	if (peek(c, head, &n, *at, e) == -1)
		return -1;
	first = varint_read(head, n, &len);
	if (first == 0 || len > c->source->size - *at - first)
		return malformed(*at, e);
	name = cid_read(head + first, n - first, &cid);
	if (name == 0 || name > len || len - name > CAR_BLOCK_MAX)
		return malformed(*at, e);
	if ((c->n & (c->n - 1)) == 0) {
		c->block =
		    realloc(c->block, (c->n == 0 ? 1 : 2 * c->n) * sizeof(*b));
		invariant(c->block != NULL);
	}
	b = &c->block[c->n++];
	memcpy(b->digest, cid.digest, sizeof(b->digest));
	b->at = *at + first + name;
	b->len = (uint32_t)(len - name);
	*at += first + len;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct car_block *x = a, *y = b;

	return memcmp(x->digest, y->digest, sizeof(x->digest));
}

int
car_open(struct car *c, const struct car_source *source, struct err *e)
{
	uint64_t at = 0;

	*c = (struct car){ .source = source };
	if (skip_header(c, &at, e) == -1)
		return -1;
	while (at < source->size) {
		if (c->n == CAR_BLOCKS_MAX)
			return err_set(e, ERR_GUEST, "CAR: too many blocks");
		if (add_block(c, &at, e) == -1)
			return -1;
	}
	if (c->n > 0)
		qsort(c->block, c->n, sizeof(*c->block), compare);
	return 0;
}

void
car_fini(struct car *c)
{
	free(c->block);
	c->block = NULL;
}

const struct car_block *
car_find(const struct car *c, const struct cid *cid)
{
	struct car_block key;

	if (c->n == 0)
		return NULL;
	memcpy(key.digest, cid->digest, sizeof(key.digest));
	return bsearch(&key, c->block, c->n, sizeof(key), compare);
}
