/*
 * Whatever callers send: what the gate lets through, it lets through again
 * unchanged, and as many requests; whole and byte by byte.
 */
#include <string.h>

#include "base/err.h"
#include "runtime/gate.h"
#include "tests/fuzz/fuzz.h"

static int
pass(struct gate *g, const char *data, size_t size, size_t piece,
    struct buf *out)
{
	int r = 0;

	for (size_t at = 0; at < size && r == 0; at += piece)
		r = gate_feed(g, data + at,
		    size - at < piece ? size - at : piece, out);
	invariant(r == 0 || (g->status >= 400 && g->status < 600));
	return r;
}

/* Not what was let through as the answer to a question made it. */
static bool
again_passes(struct gate *again, const struct buf *a, struct buf *c)
{
	if (a->len == 0)
		return true;
	invariant(pass(again, a->data, a->len, a->len, c) == 0);
	return again->state != GATE_ASKED;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gate whole = { .state = GATE_BETWEEN };
	struct gate pieces = { .state = GATE_BETWEEN };
	struct gate again = { .state = GATE_BETWEEN };
	buf_auto struct buf a = { 0 }, b = { 0 }, c = { 0 };
	bool tunnel = false;
	int r = pass(&whole, (const char *)data, size, size + 1, &a);

	invariant(pass(&pieces, (const char *)data, size, 1, &b) == r);
	/* What waits for an answer gets one. */
	if (whole.state == GATE_ASKED) {
		r = gate_answer(&whole, size % 2 == 0, &a);
		invariant(gate_answer(&pieces, size % 2 == 0, &b) == r);
		tunnel = size % 2 == 0;
	}
	invariant(whole.nheads == pieces.nheads && whole.state == pieces.state);
	invariant(a.len == b.len &&
	    (a.len == 0 || memcmp(a.data, b.data, a.len) == 0));
	if (!tunnel && again_passes(&again, &a, &c))
		invariant(again.nheads == whole.nheads);
	invariant(c.len <= a.len &&
	    (c.len == 0 || memcmp(a.data, c.data, c.len) == 0));
	gate_fini(&whole);
	gate_fini(&pieces);
	gate_fini(&again);
	return 0;
}
