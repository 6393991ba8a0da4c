#include <string.h>

#include "base/err.h"
#include "base/keccak4.h"
#include "messages/pages.h"

/* Of 2^level pages of zeroes. */
static const struct merkle_hash *
zero(unsigned level)
{
	static struct merkle_hash known[PAGES_LEVELS + 1];
	static const unsigned char page[PAGES_SIZE];
	static bool made;

	if (!made) {
		keccak_256(page, sizeof(page), known[0].byte);
		for (int i = 1; i <= PAGES_LEVELS; i++)
			merkle_parent(&known[i - 1], &known[i - 1], &known[i]);
		made = true;
	}
	return &known[level];
}

void
pages_begin(struct pages *p)
{
	p->len = p->leaves = 0;
	p->waiting = 0;
}

/* A node of 2^level pages is whole; there are as many in front as it has. */
static void
add_node(struct pages *p, unsigned level, const struct merkle_hash *h)
{
	struct merkle_hash node = *h;
	uint64_t before = p->leaves >> level;

	p->leaves += UINT64_C(1) << level;
	for (; before % 2 == 1; before /= 2, level++)
		merkle_parent(&p->whole[level], &node, &node);
	p->whole[level] = node;
}

static void
add_four(struct pages *p, const unsigned char *data)
{
	const void *const page[KECCAK4] = { data, data + PAGES_SIZE,
		data + 2 * PAGES_SIZE, data + 3 * PAGES_SIZE };
	struct merkle_hash leaf[KECCAK4];
	unsigned char *const to[KECCAK4] = { leaf[0].byte, leaf[1].byte,
		leaf[2].byte, leaf[3].byte };

	keccak4_256(page, PAGES_SIZE, to);
	for (int i = 0; i < KECCAK4; i++)
		add_node(p, 0, &leaf[i]);
}

void
pages_add(struct pages *p, const void *data, size_t len)
{
	const unsigned char *from = data;
	size_t n;

	p->len += len;
	while (len > 0) {
		if (p->waiting == 0 && len >= sizeof(p->tail)) {
			add_four(p, from);
			n = sizeof(p->tail);
		} else {
			n = sizeof(p->tail) - p->waiting;
			n = n < len ? n : len;
			memcpy(p->tail + p->waiting, from, n);
			p->waiting += n;
		}
		if (p->waiting == sizeof(p->tail)) {
			add_four(p, p->tail);
			p->waiting = 0;
		}
		from += n;
		len -= n;
	}
}

/* What waits, up to whole pages. */
static void
flush(struct pages *p)
{
	struct merkle_hash leaf;
	size_t whole = (p->waiting + PAGES_SIZE - 1) / PAGES_SIZE;

	memset(p->tail + p->waiting, 0, whole * PAGES_SIZE - p->waiting);
	for (size_t i = 0; i < whole; i++) {
		keccak_256(p->tail + i * PAGES_SIZE, PAGES_SIZE, leaf.byte);
		add_node(p, 0, &leaf);
	}
	p->waiting = 0;
}

void
pages_add_zeroes(struct pages *p, uint64_t len)
{
	static const unsigned char zeroes[PAGES_SIZE];
	uint64_t fill = (PAGES_SIZE - p->len % PAGES_SIZE) % PAGES_SIZE, pages;
	unsigned level;

	if (len < 2 * PAGES_SIZE) {
		for (; len > PAGES_SIZE; len -= PAGES_SIZE)
			pages_add(p, zeroes, PAGES_SIZE);
		pages_add(p, zeroes, (size_t)len);
		return;
	}
	pages_add(p, zeroes, (size_t)fill);
	flush(p); /* whole pages alone wait */
	len -= fill;
	p->len += len;
	/* As large nodes as there is a place for. */
	for (pages = len / PAGES_SIZE; pages > 0;
	     pages -= UINT64_C(1) << level) {
		level = p->leaves == 0 ? PAGES_LEVELS
				       : (unsigned)__builtin_ctzll(p->leaves);
		while (UINT64_C(1) << level > pages)
			level--;
		add_node(p, level, zero(level));
	}
	p->waiting = (size_t)(len % PAGES_SIZE);
	memset(p->tail, 0, p->waiting);
}

void
pages_end(struct pages *p, struct merkle_hash *root)
{
	unsigned level;
	uint64_t last;

	flush(p);
	memset(root, 0, sizeof(*root));
	if (p->leaves == 0)
		return;
	/* The last node, up to the root: beside it is a whole one, or nothing.
	 */
	level = (unsigned)__builtin_ctzll(p->leaves);
	*root = p->whole[level];
	for (last = (p->leaves - 1) >> level; last > 0; last >>= 1, level++)
		if (last % 2 == 1)
			merkle_parent(&p->whole[level], root, root);
		else
			merkle_parent(root, zero(level), root);
}

void
pages_root(const void *data, size_t len, struct merkle_hash *root)
{
	struct pages p;

	pages_begin(&p);
	pages_add(&p, data, len);
	pages_end(&p, root);
}
