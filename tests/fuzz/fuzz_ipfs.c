/* Archives of a stranger's: what comes out is no longer than it may be, nothing
 * is read beyond their end, and a second look sees the same. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/car.h"
#include "messages/dag_pb.h"
#include "messages/ipfs.h"
#include "messages/varint.h"
#include "tests/fuzz/fuzz.h"

#define MAX 4096

struct input {
	const uint8_t *data;
	size_t len;
};

static int
read_from(void *arg, void *out, size_t n, uint64_t at, struct err *e)
{
	const struct input *in = arg;

	(void)e;
	invariant(at <= in->len && n <= in->len - at);
	if (n > 0)
		memcpy(out, in->data + at, n);
	return 0;
}

static int
collect(void *arg, const void *data, size_t len, struct err *e)
{
	(void)e;
	sha256_add(arg, data, len);
	return 0;
}

static int
extract(const struct car_source *s, const struct cid *root,
    char digest[SHA256_HEX])
{
	struct sha256 *sum = sha256_new();
	struct err e;
	uint64_t size;
	int r = ipfs_extract(s, root, MAX, collect, sum, &size, &e);

	invariant(size <= MAX);
	sha256_end(sum, digest);
	return r;
}

/* The root is the first block, which is where archives of gateways have it. */
static void
archive(struct input *in)
{
	struct car_source s = { read_from, in, in->len };
	char one[SHA256_HEX], two[SHA256_HEX];
	uint64_t header, len;
	struct cid root;
	size_t n, at;

	n = varint_read(in->data, in->len, &header);
	if (n == 0 || header > in->len - n)
		memset(&root, 0, sizeof(root));
	else {
		at = n + (size_t)header;
		n = varint_read(in->data + at, in->len - at, &len);
		if (n == 0 ||
		    cid_read(in->data + at + n, in->len - at - n, &root) == 0)
			memset(&root, 0, sizeof(root));
	}
	invariant(extract(&s, &root, one) == extract(&s, &root, two));
	invariant(strcmp(one, two) == 0);
}

/* The first byte: 0 an archive, 1 a node, 2 the text of a CID. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dag_pb node;
	struct cid cid;
	struct err e;
	char text[128];

	if (size < 2)
		return 0;
	if (data[0] % 3 == 0) {
		archive(&(struct input){ data + 1, size - 1 });
	} else if (data[0] % 3 == 1) {
		if (dag_pb_read(data + 1, size - 1, &node, &e) == 0)
			invariant(
			    node.len < size && node.nlinks * SHA256_LEN < size);
		dag_pb_fini(&node);
	} else if (size < sizeof(text)) {
		memcpy(text, data + 1, size - 1);
		text[size - 1] = '\0';
		(void)cid_parse(text, &cid);
	}
	return 0;
}
