#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/keccak4.h"
#include "messages/merkle.h"

#define CHUNK 12 /* log2: memory is hashed in pieces of this size */
#define CHUNK_SIZE ((size_t)1 << CHUNK)
#define WORD_SIZE ((size_t)1 << MERKLE_WORD)
#define CHUNK_WORDS (CHUNK_SIZE / WORD_SIZE)

bool
merkle_is_same(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->byte, b->byte, MERKLE_HASH) == 0;
}

void
merkle_parent(const struct merkle_hash *left, const struct merkle_hash *right,
    struct merkle_hash *out)
{
	struct merkle_hash both[2] = { *left, *right };

	keccak_256(both, sizeof(both), out->byte);
}

const struct merkle_hash *
merkle_pristine(unsigned log2)
{
	static struct merkle_hash known[MERKLE_MEMORY + 1];
	static bool made;
	const unsigned char zero[WORD_SIZE] = { 0 };

	if (!made) {
		keccak_256(zero, sizeof(zero), known[MERKLE_WORD].byte);
		for (int i = MERKLE_WORD + 1; i <= MERKLE_MEMORY; i++)
			merkle_parent(&known[i - 1], &known[i - 1], &known[i]);
		made = true;
	}
	invariant(log2 >= MERKLE_WORD && log2 <= MERKLE_MEMORY);
	return &known[log2];
}

/* n messages of one length, one behind the other. */
static void
hash_all(const void *data, size_t len, size_t n, struct merkle_hash *out)
{
	const unsigned char *p = data;
	size_t i = 0;

	for (; n - i >= KECCAK4; i += KECCAK4, p += KECCAK4 * len) {
		const void *const m[KECCAK4] = { p, p + len, p + 2 * len,
			p + 3 * len };
		unsigned char *const to[KECCAK4] = { out[i].byte,
			out[i + 1].byte, out[i + 2].byte, out[i + 3].byte };

		keccak4_256(m, len, to);
	}
	for (; i < n; i++, p += len)
		keccak_256(p, len, out[i].byte);
}

void
merkle_parents(const struct merkle_hash *children, size_t n,
    struct merkle_hash *out)
{
	hash_all(children, 2 * MERKLE_HASH, n, out);
}

/* n nodes of that size, up to one of another; there is room for one more. */
static void
climb(struct merkle_hash *node, size_t n, unsigned from, unsigned to,
    struct merkle_hash *out)
{
	if (n == 0) {
		*out = *merkle_pristine(to);
		return;
	}
	for (; from < to; from++) {
		if (n % 2 == 1)
			node[n++] = *merkle_pristine(from);
		n /= 2;
		merkle_parents(node, n, node);
	}
	invariant(n == 1);
	*out = node[0];
}

/* Of at most CHUNK_SIZE bytes. */
static void
hash_chunk(const unsigned char *data, size_t len, unsigned log2,
    struct merkle_hash *out)
{
	struct merkle_hash node[CHUNK_WORDS + 1];
	unsigned char last[WORD_SIZE] = { 0 };
	size_t n = len / WORD_SIZE;

	hash_all(data, WORD_SIZE, n, node);
	if (len % WORD_SIZE > 0) {
		memcpy(last, data + n * WORD_SIZE, len % WORD_SIZE);
		keccak_256(last, sizeof(last), node[n++].byte);
	}
	climb(node, n, MERKLE_WORD, log2, out);
}

void
merkle_memory(const void *data, size_t len, unsigned log2,
    struct merkle_hash *out)
{
	size_t n = (len + CHUNK_SIZE - 1) / CHUNK_SIZE;
	const unsigned char *p = data;
	struct merkle_hash *node;

	invariant(log2 >= MERKLE_WORD && log2 <= MERKLE_MEMORY);
	invariant(log2 == MERKLE_MEMORY || len <= (UINT64_C(1) << log2));
	if (log2 <= CHUNK) {
		hash_chunk(p, len, log2, out);
		return;
	}
	node = calloc(n + 1, sizeof(*node));
	invariant(node != NULL);
	for (size_t i = 0; i < n; i++, p += CHUNK_SIZE)
		hash_chunk(p,
		    len - i * CHUNK_SIZE < CHUNK_SIZE ? len - i * CHUNK_SIZE
						      : CHUNK_SIZE,
		    CHUNK, &node[i]);
	climb(node, n, CHUNK, log2, out);
	free(node);
}

/* ---- proofs ---- */

void
merkle_proof_root(const struct merkle_proof *p, struct merkle_hash *out)
{
	const struct merkle_hash *sibling;

	invariant(p->log2_target <= p->log2_root &&
	    p->log2_root - p->log2_target <= MERKLE_LEVELS);
	*out = p->target;
	for (unsigned s = p->log2_target; s < p->log2_root; s++) {
		sibling = &p->sibling[p->log2_root - 1 - s];
		if ((p->address >> s & 1) != 0)
			merkle_parent(sibling, out, out);
		else
			merkle_parent(out, sibling, out);
	}
}
