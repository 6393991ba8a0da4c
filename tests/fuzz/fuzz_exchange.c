/* What a function may answer: the same, whole and byte by byte. */
#include <string.h>

#include "base/err.h"
#include "runtime/exchange.h"
#include "tests/fuzz/fuzz.h"

static int
run(struct exchange *x, uint8_t kind, const uint8_t *data, size_t size,
    size_t piece)
{
	enum aleph_interface interface = kind % ALEPH_FUNCTIONS;
	enum exchange_life life = kind / ALEPH_FUNCTIONS % 3;
	static const struct exchange_headers none;
	const struct exchange_request request = { size % 2 ? "GET" : "HEAD",
		"/", "", &none, 0, size % 3 == 0, NULL };
	struct err e;
	int r = 0;

	exchange_start(x, interface, life, 4096, &request);
	exchange_send_end(x);
	for (size_t at = 0; at < size && r == 0; at += piece)
		r = exchange_receive(x, (const char *)data + at,
		    size - at < piece ? size - at : piece, &e);
	/* As if all of the request was sent: what is left keeps nobody. */
	buf_reset(&x->out);
	if (r == 0 && exchange_may_follow(x))
		invariant(x->complete && x->in.at == x->in.len);
	if (r == 0)
		r = exchange_receive_end(x, &e);
	invariant(r == 0 || e.code == ERR_GUEST);
	return r;
}

/* What front hands to its caller as it came. */
static void
look_at(const struct exchange *x)
{
	/* A tunnel has no bound but its time. */
	invariant((x->upgrade || x->total <= 4096) && x->status < 1000);
	for (size_t i = 0; i < x->headers.len; i++) {
		const struct exchange_header *h = &x->headers.item[i];

		invariant(h->name[0] != '\0' &&
		    strpbrk(h->name, "\r\n: ") == NULL &&
		    strpbrk(h->text, "\r\n") == NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exchange whole, pieces;

	if (size == 0)
		return 0;
	if (run(&whole, data[0], data + 1, size - 1, size) == 0) {
		invariant(run(&pieces, data[0], data + 1, size - 1, 1) == 0);
		invariant(whole.status == pieces.status &&
		    whole.total == pieces.total &&
		    whole.complete == pieces.complete &&
		    whole.headers.len == pieces.headers.len);
		exchange_fini(&pieces);
	}
	look_at(&whole);
	exchange_fini(&whole);
	return 0;
}
