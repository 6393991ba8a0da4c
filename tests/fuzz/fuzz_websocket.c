/* Frames of a stranger's: no message is longer than it may be, and how they
 * come apart changes nothing. */
#include <string.h>

#include "base/err.h"
#include "base/sha256.h"
#include "messages/websocket.h"
#include "tests/fuzz/fuzz.h"

#define MAX 512
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

struct outcome {
	int last;
	uint16_t code;
	char digest[SHA256_HEX]; /* of all that was heard and answered */
};

static void
hear(struct outcome *o, bool client, const uint8_t *data, size_t size,
    size_t step)
{
	struct sha256 *sum = sha256_new();
	enum websocket_kind kind;
	struct websocket w;
	struct err e;

	websocket_init(&w, client, MAX, 9);
	o->last = 0;
	for (size_t i = 0; i < size && o->last != -1; i += step) {
		websocket_take(&w, data + i, size - i < step ? size - i : step);
		while ((o->last = websocket_next(&w, &kind, &e)) == 1) {
			invariant(w.message.len <= MAX);
			sha256_add(sum, &kind, sizeof(kind));
			sha256_add(sum, w.message.data, w.message.len);
		}
	}
	invariant(w.out.at == 0 && (o->last != -1 || w.out.len > 0));
	sha256_add(sum, w.out.data, w.out.len);
	sha256_end(sum, o->digest);
	o->code = w.code;
	websocket_fini(&w);
}

/* The first byte: 0 a server's frames, 1 a client's, 2 an answer's head. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome a, b;
	struct err e;
	long n;

	if (size < 2)
		return 0;
	if (data[0] % 3 == 2) {
		n = websocket_read_response((const char *)data + 1, size - 1,
		    KEY, &e);
		invariant(n >= -1 && n <= (long)size - 1);
		return 0;
	}
	hear(&a, data[0] % 3 == 0, data + 1, size - 1, size);
	hear(&b, data[0] % 3 == 0, data + 1, size - 1, 1);
	invariant(a.last == b.last && a.code == b.code &&
	    strcmp(a.digest, b.digest) == 0);
	return 0;
}
