#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/keccak.h"
#include "messages/merkle_epoch.h"

/* Of 2^level entries that have not come. */
static const struct merkle_hash *
pristine(unsigned level)
{
	static struct merkle_hash known[MERKLE_EPOCH_LEVELS + 1];
	static bool made;
	const unsigned char zero[MERKLE_HASH] = { 0 };

	if (!made) {
		keccak_256(zero, sizeof(zero), known[0].byte);
		for (int i = 1; i <= MERKLE_EPOCH_LEVELS; i++)
			merkle_parent(&known[i - 1], &known[i - 1], &known[i]);
		made = true;
	}
	return &known[level];
}

void
merkle_epoch_fini(struct merkle_epoch *t)
{
	for (int i = 0; i <= MERKLE_EPOCH_LEVELS; i++)
		free(t->level[i].node);
	memset(t, 0, sizeof(*t));
}

static void
push(struct merkle_epoch *t, unsigned level, const struct merkle_hash *h)
{
	size_t size = t->level[level].size;
	struct merkle_hash *node = t->level[level].node;

	if (t->level[level].len == size) {
		size = size == 0 ? 16 : 2 * size;
		node = realloc(node, size * sizeof(*node));
		invariant(node != NULL);
		t->level[level].node = node;
		t->level[level].size = size;
	}
	node[t->level[level].len++] = *h;
}

/*
 * Of each level the node that is begun and not whole, or pristine if there is
 * none: with the whole ones, that is all there is to know.
 */
static void
make_edge(struct merkle_epoch *t)
{
	uint64_t at;

	t->edge[0] = *pristine(0);
	for (unsigned k = 1; k <= MERKLE_EPOCH_LEVELS; k++) {
		at = t->len >> (k - 1);
		if ((t->len & ((UINT64_C(1) << k) - 1)) == 0)
			t->edge[k] = *pristine(k);
		else if (at % 2 == 0)
			merkle_parent(&t->edge[k - 1], pristine(k - 1),
			    &t->edge[k]);
		else
			merkle_parent(&t->level[k - 1].node[at - 1],
			    &t->edge[k - 1], &t->edge[k]);
	}
}

void
merkle_epoch_add(struct merkle_epoch *t, const struct merkle_hash *entry)
{
	struct merkle_hash node = *entry;
	unsigned k = 0;

	invariant(t->len < MERKLE_EPOCH_MAX);
	push(t, 0, &node);
	t->len++;
	for (; (t->len >> k) % 2 == 0; k++) {
		merkle_parent(&t->level[k].node[t->level[k].len - 2],
		    &t->level[k].node[t->level[k].len - 1], &node);
		push(t, k + 1, &node);
		if (k + 1 == MERKLE_EPOCH_LEVELS)
			break;
	}
	make_edge(t);
}

/* Whole, begun, or not there yet. */
static const struct merkle_hash *
node_at(const struct merkle_epoch *t, unsigned level, uint64_t index)
{
	if (index < t->level[level].len)
		return &t->level[level].node[index];
	return t->len > 0 && index == t->len >> level ? &t->edge[level]
						      : pristine(level);
}

void
merkle_epoch_root(const struct merkle_epoch *t, struct merkle_hash *out)
{
	*out = *node_at(t, MERKLE_EPOCH_LEVELS, 0);
}

void
merkle_epoch_prove(const struct merkle_epoch *t, uint64_t index,
    struct merkle_proof *out)
{
	invariant(index < t->len);
	out->address = index << MERKLE_EPOCH_ENTRY;
	out->log2_target = MERKLE_EPOCH_ENTRY;
	out->log2_root = MERKLE_EPOCH_ROOT;
	out->target = t->level[0].node[index];
	merkle_epoch_root(t, &out->root);
	for (unsigned k = 0; k < MERKLE_EPOCH_LEVELS; k++)
		out->sibling[MERKLE_EPOCH_LEVELS - 1 - k] =
		    *node_at(t, k, (index >> k) ^ 1);
}

/* What is to its left was whole then, and nothing was to its right. */
void
merkle_epoch_prove_then(const struct merkle_epoch *t, uint64_t index,
    struct merkle_proof *out)
{
	invariant(index < t->len);
	out->address = index << MERKLE_EPOCH_ENTRY;
	out->log2_target = MERKLE_EPOCH_ENTRY;
	out->log2_root = MERKLE_EPOCH_ROOT;
	out->target = t->level[0].node[index];
	for (unsigned k = 0; k < MERKLE_EPOCH_LEVELS; k++)
		out->sibling[MERKLE_EPOCH_LEVELS - 1 - k] =
		    (index >> k) % 2 == 1 ? t->level[k].node[(index >> k) - 1]
					  : *pristine(k);
	merkle_proof_root(out, &out->root);
}
