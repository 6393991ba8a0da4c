#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/merkle_tree.h"

struct merkle_tree_node {
	struct merkle_hash hash;
	size_t child[2]; /* 0: nothing is there; both: it is a part */
};

static size_t
add_node(struct merkle_tree *t)
{
	if (t->len == t->size) {
		t->size = t->size == 0 ? 256 : 2 * t->size;
		t->node = realloc(t->node, t->size * sizeof(*t->node));
		invariant(t->node != NULL);
	}
	memset(&t->node[t->len], 0, sizeof(t->node[0]));
	return t->len++;
}

static const struct merkle_hash *
hash_of(const struct merkle_tree *t, size_t node, unsigned log2)
{
	return node == 0 ? merkle_pristine(log2) : &t->node[node].hash;
}

/* Those that begin below an address come first. */
static size_t
count_below(const struct merkle_part *part, size_t n, uint64_t address)
{
	size_t below = 0;

	while (below < n && part[below].address < address)
		below++;
	return below;
}

static size_t
make(struct merkle_tree *t, const struct merkle_part *part, size_t n,
    uint64_t address, unsigned log2)
{
	uint64_t middle;
	size_t below, at, left, right;

	if (n == 0)
		return 0;
	at = add_node(t);
	if (part[0].log2 == log2) {
		invariant(n == 1 && part[0].address == address);
		t->node[at].hash = part[0].hash;
		return at;
	}
	invariant(log2 > MERKLE_WORD && part[0].log2 < log2);
	middle = address + (UINT64_C(1) << (log2 - 1));
	below = count_below(part, n, middle);
	left = make(t, part, below, address, log2 - 1);
	right = make(t, part + below, n - below, middle, log2 - 1);
	t->node[at].child[0] = left;
	t->node[at].child[1] = right;
	merkle_parent(hash_of(t, left, log2 - 1), hash_of(t, right, log2 - 1),
	    &t->node[at].hash);
	return at;
}

void
merkle_tree_make(struct merkle_tree *t, const struct merkle_part *part,
    size_t n)
{
	memset(t, 0, sizeof(*t));
	(void)add_node(t); /* 0 is none */
	(void)make(t, part, n, 0, MERKLE_MEMORY);
}

void
merkle_tree_fini(struct merkle_tree *t)
{
	free(t->node);
	memset(t, 0, sizeof(*t));
}

const struct merkle_hash *
merkle_tree_root(const struct merkle_tree *t)
{
	return hash_of(t, t->len > 1, MERKLE_MEMORY);
}

void
merkle_tree_prove(const struct merkle_tree *t, uint64_t address,
    unsigned log2_target, struct merkle_proof *out)
{
	size_t at = t->len > 1, side, other;

	invariant(log2_target >= MERKLE_WORD && log2_target < MERKLE_MEMORY);
	out->address = address;
	out->log2_target = log2_target;
	out->log2_root = MERKLE_MEMORY;
	out->root = *merkle_tree_root(t);
	for (unsigned s = MERKLE_MEMORY; s > log2_target; s--) {
		/* A part is whole, or asked for with all around it. */
		invariant(at == 0 || t->node[at].child[0] != 0 ||
		    t->node[at].child[1] != 0);
		side = address >> (s - 1) & 1;
		other = at == 0 ? 0 : t->node[at].child[!side];
		out->sibling[MERKLE_MEMORY - s] = *hash_of(t, other, s - 1);
		at = at == 0 ? 0 : t->node[at].child[side];
	}
	out->target = *hash_of(t, at, log2_target);
}
