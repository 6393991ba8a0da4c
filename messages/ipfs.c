#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/car.h"
#include "messages/dag_pb.h"
#include "messages/ipfs.h"

#define PENDING_MAX (1 << 20) /* links that wait for their turn */
#define VISIT_COST 64         /* a block without a byte is no free one */

struct walk {
	struct car car;
	struct cid *pending; /* the next one is the last */
	size_t n, room;
	unsigned char *block;
	uint64_t max, read, size;
	int (*emit)(void *, const void *, size_t, struct err *);
	void *arg;
};

static int
push(struct walk *w, const struct cid *links, size_t n, struct err *e)
{
	if (n > PENDING_MAX - w->n)
		return err_set(e, ERR_GUEST, "too many links");
	while (w->n + n > w->room) {
		w->room = w->room == 0 ? 64 : 2 * w->room;
		w->pending = realloc(w->pending, w->room * sizeof(*w->pending));
		invariant(w->pending != NULL);
	}
	while (n > 0)
		w->pending[w->n++] = links[--n];
	return 0;
}

/*
 * A small archive can name a block again and again: what is read of it, all
 * together, is bounded too.
 */
static int
load(struct walk *w, const struct cid *c, size_t *len, struct err *e)
{
	const struct car_block *b = car_find(&w->car, c);
	unsigned char digest[SHA256_LEN];

	if (b == NULL)
		return err_set(e, ERR_GUEST, "a block is missing");
	w->read += b->len + VISIT_COST;
	if (w->read > 2 * IPFS_BLOCKS_MAX(w->max))
		return err_set(e, ERR_DENIED, "it is longer than allowed");
	if (w->car.source->read(w->car.source->arg, w->block, b->len, b->at,
		e) == -1)
		return -1;
	sha256_raw(w->block, b->len, digest);
	if (memcmp(digest, c->digest, sizeof(digest)) != 0)
		return err_set(e, ERR_GUEST,
		    "a block is not what it is called");
	*len = b->len;
	return 0;
}

static int
give(struct walk *w, const void *data, size_t len, struct err *e)
{
	if (len > w->max - w->size)
		return err_set(e, ERR_DENIED, "it is longer than allowed");
	w->size += len;
	return len == 0 ? 0 : w->emit(w->arg, data, len, e);
}

/* all: how long the file is, if its root says so. */
static int
step(struct walk *w, uint64_t *all, struct err *e)
{
	struct cid c = w->pending[--w->n];
	struct dag_pb d;
	size_t len = 0;
	int r;

	if (load(w, &c, &len, e) == -1)
		return -1;
	if (c.codec == CID_RAW)
		return give(w, w->block, len, e);
	r = dag_pb_read(w->block, len, &d, e);
	if (r == 0 && all != NULL && d.has_size)
		*all = d.size;
	if (r == 0)
		r = give(w, d.data, d.len, e);
	if (r == 0)
		r = push(w, d.link, d.nlinks, e);
	dag_pb_fini(&d);
	return r;
}

static int
walk_all(struct walk *w, const struct cid *root, struct err *e)
{
	uint64_t all = UINT64_MAX;

	if (push(w, root, 1, e) == -1 || step(w, &all, e) == -1)
		return -1;
	while (w->n > 0)
		if (step(w, NULL, e) == -1)
			return -1;
	return all == UINT64_MAX || all == w->size
	    ? 0
	    : err_set(e, ERR_GUEST, "it says that it is of another length");
}

int
ipfs_extract(const struct car_source *source, const struct cid *root,
    uint64_t max, int (*emit)(void *, const void *, size_t, struct err *),
    void *arg, uint64_t *size, struct err *e)
{
	struct walk w = { .max = max, .emit = emit, .arg = arg };
	int r;

	w.block = malloc(CAR_BLOCK_MAX);
	invariant(w.block != NULL);
	r = car_open(&w.car, source, e);
	if (r == 0)
		r = walk_all(&w, root, e);
	car_fini(&w.car);
	free(w.pending);
	free(w.block);
	*size = w.size;
	return r;
}
