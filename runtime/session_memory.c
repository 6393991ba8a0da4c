#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/merkle_range.h"
#include "runtime/session_memory.h"
#include "runtime/session_ops.h"

static unsigned
log2_of(uint64_t length)
{
	return (unsigned)__builtin_ctzll(length);
}

void
session_memory_fini(struct session_memory *m)
{
	for (int i = 0; i < MACHINE_RANGES; i++)
		buf_fini(&m->bytes[i]);
	memset(m, 0, sizeof(*m));
}

static void
hash_range(struct session_memory *m, const struct machine_config *machine,
    int i)
{
	merkle_memory(m->bytes[i].data, m->bytes[i].len,
	    log2_of(machine->range[i].length), &m->root[i]);
}

void
session_memory_start(struct session_memory *m,
    const struct machine_config *machine,
    const struct buf content[MACHINE_RANGES], const struct session_parts *parts)
{
	for (int i = 0; i < MACHINE_RANGES; i++) {
		buf_reset(&m->bytes[i]);
		if (content != NULL)
			buf_add(&m->bytes[i], content[i].data,
			    content[i].len < machine->range[i].length
				? content[i].len
				: machine->range[i].length);
		hash_range(m, machine, i);
	}
	m->parts = *parts;
}

void
session_memory_begin(struct session_memory *next,
    const struct session_memory *now, const struct session_given *g)
{
	for (int i = 0; i < MACHINE_RANGES; i++)
		buf_reset(&next->bytes[i]);
	buf_add(&next->bytes[MACHINE_TX], now->bytes[MACHINE_TX].data,
	    now->bytes[MACHINE_TX].len);
	rollup_put_input(&next->bytes[MACHINE_RX], g->payload, g->len);
	if (g->request == SESSION_ADVANCE)
		rollup_put_metadata(&next->bytes[MACHINE_METADATA],
		    &g->metadata);
}

void
session_memory_write_tx(struct session_memory *m, const void *data, size_t len)
{
	struct buf *tx = &m->bytes[MACHINE_TX];

	if (len > tx->len)
		buf_add(tx, (const char *)data + tx->len, len - tx->len);
	if (len > 0)
		memcpy(tx->data, data, len);
}

static void
put_hashes(struct session_memory *m, int range, const struct processed *result,
    enum processed_kind kind)
{
	struct merkle_hash *h = processed_hashes(result, kind);

	buf_reset(&m->bytes[range]);
	buf_add(&m->bytes[range], h,
	    result->kind[kind].len * sizeof(struct merkle_hash));
	free(h);
}

void
session_memory_finish(struct session_memory *m,
    const struct machine_config *machine, const struct processed *result,
    const struct session_parts *parts)
{
	put_hashes(m, MACHINE_VOUCHERS, result, PROCESSED_VOUCHER);
	put_hashes(m, MACHINE_NOTICES, result, PROCESSED_NOTICE);
	for (int i = 0; i < MACHINE_RANGES; i++)
		hash_range(m, machine, i);
	m->parts = *parts;
}

void
session_memory_move(struct session_memory *now, struct session_memory *next)
{
	struct session_memory old = *now;

	*now = *next;
	*next = old; /* its room is used again */
}

/* ---- all of it ---- */

struct all {
	size_t len;
	struct merkle_part part[MACHINE_RANGES + SESSION_PARTS_MAX];
};

static int
by_address(const void *a, const void *b)
{
	const struct merkle_part *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static void
collect(const struct session_memory *m, const struct machine_config *machine,
    const struct session_parts *parts, struct all *all)
{
	all->len = 0;
	for (int i = 0; i < MACHINE_RANGES; i++)
		all->part[all->len++] =
		    (struct merkle_part){ machine->range[i].start,
			    log2_of(machine->range[i].length),
			    m == NULL ? *merkle_pristine(MERKLE_WORD)
				      : m->root[i] };
	for (size_t i = 0; i < parts->len; i++)
		all->part[all->len++] = parts->part[i];
	qsort(all->part, all->len, sizeof(all->part[0]), by_address);
}

bool
session_memory_is_same(const struct session_memory *m,
    const struct session_parts *parts)
{
	const struct merkle_part *a = m->parts.part, *b = parts->part;

	if (m->parts.len != parts->len)
		return false;
	for (size_t i = 0; i < parts->len; i++)
		if (a[i].address != b[i].address || a[i].log2 != b[i].log2 ||
		    !merkle_is_same(&a[i].hash, &b[i].hash))
			return false;
	return true;
}

static void
make_tree(const struct session_memory *m, const struct machine_config *machine,
    struct merkle_tree *t)
{
	struct all all;

	collect(m, machine, &m->parts, &all);
	merkle_tree_make(t, all.part, all.len);
}

void
session_memory_hash(const struct session_memory *m,
    const struct machine_config *machine, struct merkle_hash *out)
{
	struct merkle_tree t;

	make_tree(m, machine, &t);
	*out = *merkle_tree_root(&t);
	merkle_tree_fini(&t);
}

void
session_memory_place(const struct session_memory *m,
    const struct machine_config *machine, struct processed_place place[2])
{
	static const enum machine_range range[2] = { [PROCESSED_VOUCHER] =
							 MACHINE_VOUCHERS,
		[PROCESSED_NOTICE] = MACHINE_NOTICES };
	struct merkle_tree t;

	make_tree(m, machine, &t);
	for (int i = 0; i < 2; i++) {
		place[i].address = machine->range[range[i]].start;
		place[i].log2 = log2_of(machine->range[range[i]].length);
		merkle_tree_prove(&t, place[i].address, place[i].log2,
		    &place[i].in_machine);
	}
	merkle_tree_fini(&t);
}

enum grpc_status
session_memory_check(const struct machine_config *machine,
    const struct session_parts *parts, char text[SESSION_TEXT])
{
	static const struct {
		enum machine_range range;
		const char *name;
		uint64_t least;
	} least[] = { { MACHINE_TX, "tx buffer", ROLLUP_VOUCHER_HEAD },
		{ MACHINE_RX, "rx buffer", ROLLUP_NOTICE_HEAD },
		{ MACHINE_METADATA, "input metadata", ROLLUP_METADATA },
		{ MACHINE_VOUCHERS, "voucher hashes", MERKLE_HASH },
		{ MACHINE_NOTICES, "notice hashes", MERKLE_HASH } };
	struct all all;
	const struct merkle_part *p;

	for (size_t i = 0; i < sizeof(least) / sizeof(least[0]); i++)
		if (machine->range[least[i].range].length < least[i].least) {
			snprintf(text, SESSION_TEXT,
			    "%s memory range has no room for %llu bytes",
			    least[i].name, (unsigned long long)least[i].least);
			return GRPC_OUT_OF_RANGE;
		}
	collect(NULL, machine, parts, &all);
	for (size_t i = 0; i + 1 < all.len; i++) {
		p = &all.part[i];
		if (p[1].address - p->address < UINT64_C(1) << p->log2) {
			snprintf(text, SESSION_TEXT,
			    "memory ranges overlap at 0x%llx",
			    (unsigned long long)p[1].address);
			return GRPC_INVALID_ARGUMENT;
		}
	}
	return GRPC_OK;
}
