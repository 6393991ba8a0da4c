#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/merkle_bytes.h"

#define BLOCK ((size_t)1 << MERKLE_BYTES_BLOCK)

static size_t
blocks_of(size_t len)
{
	return (len + BLOCK - 1) / BLOCK;
}

void
merkle_bytes_fini(struct merkle_bytes *m)
{
	buf_fini(&m->data);
	for (int i = 0; i < MERKLE_LEVELS; i++)
		free(m->level[i].node);
	free(m->run);
	memset(m, 0, sizeof(*m));
}

static void
add_run(struct merkle_bytes *m, size_t from, size_t to)
{
	/* The one before goes on, mostly. */
	if (m->nruns > 0 && from >= m->run[m->nruns - 1].from &&
	    from <= m->run[m->nruns - 1].to) {
		if (to > m->run[m->nruns - 1].to)
			m->run[m->nruns - 1].to = to;
		return;
	}
	if (m->nruns == m->runs_size) {
		m->runs_size = m->runs_size == 0 ? 16 : 2 * m->runs_size;
		m->run = realloc(m->run, m->runs_size * sizeof(*m->run));
		invariant(m->run != NULL);
	}
	m->run[m->nruns++] = (struct merkle_bytes_run){ from, to };
}

void
merkle_bytes_write(struct merkle_bytes *m, size_t at, const void *data,
    size_t len)
{
	invariant(at <= m->data.len && len <= m->data.len - at);
	if (len == 0)
		return;
	memcpy(m->data.data + at, data, len);
	add_run(m, at / BLOCK, blocks_of(at + len));
}

void
merkle_bytes_set(struct merkle_bytes *m, const void *data, size_t len)
{
	const char *new = data;
	size_t old = m->data.len, n;

	for (size_t at = 0; at < len; at += BLOCK) {
		n = len - at < BLOCK ? len - at : BLOCK;
		if (at + n > old || (n < BLOCK && old != len) ||
		    memcmp(m->data.data + at, new + at, n) != 0)
			add_run(m, at / BLOCK, at / BLOCK + 1);
	}
	/* The last one has other neighbours. */
	if (old != len && len > 0)
		add_run(m, blocks_of(len) - 1, blocks_of(len));
	buf_reset(&m->data);
	buf_add(&m->data, data, len);
}

/* ---- hashes ---- */

static int
by_from(const void *a, const void *b)
{
	const struct merkle_bytes_run *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* In order, and none touches another. */
static void
merge_runs(struct merkle_bytes *m)
{
	size_t n = 0;

	if (m->nruns > 1)
		qsort(m->run, m->nruns, sizeof(*m->run), by_from);
	for (size_t i = 0; i < m->nruns; i++)
		if (n > 0 && m->run[i].from <= m->run[n - 1].to) {
			if (m->run[i].to > m->run[n - 1].to)
				m->run[n - 1].to = m->run[i].to;
		} else {
			m->run[n++] = m->run[i];
		}
	m->nruns = n;
}

/* Room for so many, and one behind them. */
static struct merkle_hash *
level_of(struct merkle_bytes *m, unsigned k, size_t n)
{
	if (m->level[k].size < n + 1) {
		m->level[k].size = n + n / 2 + 16;
		m->level[k].node = realloc(m->level[k].node,
		    m->level[k].size * sizeof(struct merkle_hash));
		invariant(m->level[k].node != NULL);
	}
	return m->level[k].node;
}

static void
hash_blocks(struct merkle_bytes *m, size_t n)
{
	struct merkle_hash *node = level_of(m, 0, n);

	for (size_t i = 0; i < m->nruns; i++)
		for (size_t b = m->run[i].from; b < m->run[i].to && b < n; b++)
			merkle_memory(m->data.data + b * BLOCK,
			    m->data.len - b * BLOCK < BLOCK
				? m->data.len - b * BLOCK
				: BLOCK,
			    MERKLE_BYTES_BLOCK, &node[b]);
}

/* The parents of what was hashed anew; n: nodes of the level below. */
static void
hash_parents(struct merkle_bytes *m, unsigned k, size_t n)
{
	struct merkle_hash *below = m->level[k - 1].node;
	struct merkle_hash *node = level_of(m, k, (n + 1) / 2);

	if (n % 2 == 1)
		below[n] = *merkle_pristine(MERKLE_BYTES_BLOCK + k - 1);
	for (size_t i = 0; i < m->nruns; i++) {
		struct merkle_bytes_run *r = &m->run[i];

		r->from /= 2;
		r->to = (r->to + 1) / 2;
		if (r->to > (n + 1) / 2)
			r->to = (n + 1) / 2;
		if (r->from < r->to)
			merkle_parents(&below[2 * r->from], r->to - r->from,
			    &node[r->from]);
	}
	merge_runs(m);
}

void
merkle_bytes_root(struct merkle_bytes *m, unsigned log2,
    struct merkle_hash *out)
{
	size_t n = blocks_of(m->data.len);
	unsigned k = 0;

	invariant(log2 >= MERKLE_BYTES_BLOCK && log2 < MERKLE_MEMORY &&
	    m->data.len <= UINT64_C(1) << log2);
	if (n == 0) {
		m->nruns = 0;
		*out = *merkle_pristine(log2);
		return;
	}
	merge_runs(m);
	hash_blocks(m, n);
	for (; n > 1; n = (n + 1) / 2)
		hash_parents(m, ++k, n);
	*out = m->level[k].node[0];
	for (k += MERKLE_BYTES_BLOCK; k < log2; k++)
		merkle_parent(out, merkle_pristine(k), out);
	m->nruns = 0;
}
