#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/merkle_range.h"

/* How many nodes of a level are known: those above an entry. */
static size_t
count(const struct merkle_range *r, unsigned level)
{
	return r->len == 0 ? 0 : ((r->len - 1) >> level) + 1;
}

static const struct merkle_hash *
pristine(unsigned level)
{
	return merkle_pristine(MERKLE_RANGE_ENTRY + level);
}

void
merkle_range_make(struct merkle_range *r, uint64_t address, unsigned log2,
    const struct merkle_hash *entries, size_t len)
{
	unsigned levels = log2 - MERKLE_RANGE_ENTRY;
	struct merkle_hash *at;
	size_t all = 0, n;

	invariant(log2 >= MERKLE_RANGE_ENTRY && log2 < MERKLE_MEMORY);
	invariant(len <= UINT64_C(1) << levels);
	*r = (struct merkle_range){ .address = address,
		.log2 = log2,
		.len = len };
	for (unsigned k = 0; k <= levels; k++)
		all += count(r, k);
	r->node = calloc(all + 1, sizeof(*r->node)); /* one behind the last */
	invariant(r->node != NULL);
	for (size_t i = 0; i < len; i++)
		merkle_memory(entries[i].byte, MERKLE_HASH, MERKLE_RANGE_ENTRY,
		    &r->node[i]);
	at = r->node;
	for (unsigned k = 0; k < levels && len > 0; k++) {
		struct merkle_hash *above = at + count(r, k);

		n = count(r, k);
		/* An odd one's pair is written where its parent will be. */
		if (n % 2 == 1)
			merkle_parent(&at[n - 1], pristine(k), &above[n / 2]);
		merkle_parents(at, n / 2, above);
		at = above;
	}
	r->root = len > 0 ? *at : *merkle_pristine(log2);
}

void
merkle_range_fini(struct merkle_range *r)
{
	free(r->node);
	memset(r, 0, sizeof(*r));
}

void
merkle_range_prove(const struct merkle_range *r, size_t index,
    struct merkle_proof *out)
{
	unsigned levels = r->log2 - MERKLE_RANGE_ENTRY;
	const struct merkle_hash *at = r->node;
	size_t other;

	invariant(index < r->len);
	out->address = r->address + ((uint64_t)index << MERKLE_RANGE_ENTRY);
	out->log2_target = MERKLE_RANGE_ENTRY;
	out->log2_root = r->log2;
	out->target = r->node[index];
	out->root = r->root;
	for (unsigned k = 0; k < levels; k++) {
		other = (index >> k) ^ 1;
		out->sibling[levels - 1 - k] =
		    other < count(r, k) ? at[other] : *pristine(k);
		at += count(r, k);
	}
}
