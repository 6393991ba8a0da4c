/*
 * Content identifiers and the files that they name.  What is known elsewhere:
 * the CIDs of an empty file, an empty directory and "hello world\n", as the
 * reference implementation makes them; archives of any shape are built here, in
 * protocol buffers written by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/car.h"
#include "messages/cid.h"
#include "messages/ipfs.h"
#include "messages/varint.h"

#define HELLO "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"
#define EMPTY "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"
#define NO_FILES "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"

/* ---- making archives ---- */

static void
add_varint(struct buf *b, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		buf_put_u8(b, (uint8_t)(n | 0x80));
	buf_put_u8(b, (uint8_t)n);
}

static void
add_bytes(struct buf *b, unsigned field, const void *data, size_t len)
{
	add_varint(b, field << 3 | 2);
	add_varint(b, len);
	buf_add(b, data, len);
}

static void
add_cid(struct buf *b, const struct cid *c)
{
	add_varint(b, 1);
	add_varint(b, c->codec);
	add_varint(b, 0x12);
	add_varint(b, SHA256_LEN);
	buf_add(b, c->digest, SHA256_LEN);
}

struct archive {
	struct buf car;
	struct cid last; /* block that was added */
};

static void
begin(struct archive *a)
{
	static const char header[] = "\xa2"
				     "eroots\x80gversion\x01";

	*a = (struct archive){ 0 };
	add_varint(&a->car, sizeof(header) - 1);
	buf_add(&a->car, header, sizeof(header) - 1);
}

static struct cid
add_block(struct archive *a, enum cid_codec codec, const void *data, size_t len)
{
	buf_auto struct buf name = { 0 };

	a->last.codec = codec;
	sha256_raw(data, len, a->last.digest);
	add_cid(&name, &a->last);
	add_varint(&a->car, name.len + len);
	buf_add(&a->car, name.data, name.len);
	buf_add(&a->car, data, len);
	return a->last;
}

struct node {
	unsigned type;
	const char *data; /* or NULL */
	const struct cid *links;
	size_t nlinks;
	uint64_t size; /* that it says */
	bool packed;
};

static struct cid
add_node(struct archive *a, const struct node *n)
{
	buf_auto struct buf fs = { 0 }, block = { 0 }, sizes = { 0 };

	for (size_t i = 0; i < n->nlinks; i++) {
		buf_auto struct buf link = { 0 }, cid = { 0 };

		add_cid(&cid, &n->links[i]);
		add_bytes(&link, 1, cid.data, cid.len);
		add_bytes(&link, 2, "", 0);
		add_varint(&link, 3 << 3);
		add_varint(&link, 7);
		add_bytes(&block, 2, link.data, link.len);
	}
	add_varint(&fs, 1 << 3);
	add_varint(&fs, n->type);
	if (n->data != NULL)
		add_bytes(&fs, 2, n->data, strlen(n->data));
	add_varint(&fs, 3 << 3);
	add_varint(&fs, n->size);
	for (size_t i = 0; i < n->nlinks; i++) {
		if (!n->packed)
			add_varint(&fs, 4 << 3);
		add_varint(n->packed ? &sizes : &fs, 7);
	}
	if (n->packed)
		add_bytes(&fs, 4, sizes.data, sizes.len);
	add_bytes(&block, 1, fs.data, fs.len);
	return add_block(a, CID_DAG_PB, block.data, block.len);
}

/* ---- taking them apart ---- */

static int
read_from(void *arg, void *out, size_t n, uint64_t at, struct err *e)
{
	const struct buf *b = arg;

	(void)e;
	assert_true(at <= b->len && n <= b->len - at);
	if (n > 0)
		memcpy(out, b->data + at, n);
	return 0;
}

static int
collect(void *arg, const void *data, size_t len, struct err *e)
{
	(void)e;
	assert_true(len > 0);
	buf_add(arg, data, len);
	return 0;
}

static struct buf out;
static struct err why;

static int
extract(const struct buf *car, const struct cid *root, uint64_t max)
{
	struct car_source s = { read_from, (void *)(uintptr_t)car, car->len };
	uint64_t size;
	int r;

	buf_reset(&out);
	why.text[0] = '\0';
	r = ipfs_extract(&s, root, max, collect, &out, &size, &why);
	assert_true(size == out.len);
	return r;
}

static void
gives(const struct archive *a, const struct cid *root, const char *text)
{
	if (extract(&a->car, root, 1000) == -1)
		fail_msg("%s", why.text);
	assert_string_equal(buf_text(&out), text);
}

static void
refuses(const struct archive *a, const struct cid *root, const char *words)
{
	assert_int_equal(extract(&a->car, root, 1000), -1);
	if (strstr(why.text, words) == NULL)
		fail_msg("no '%s' in: %s", words, why.text);
}

/* ---- what is known elsewhere ---- */

static void
is_cid(const struct cid *c, const char *text)
{
	struct cid known;

	assert_true(cid_parse(text, &known));
	assert_true(cid_equal(c, &known));
}

static void
known_files(void **state)
{
	struct archive a;
	struct cid c;

	(void)state;
	begin(&a);
	c = add_node(&a,
	    &(struct node){ .type = 2, .data = "hello world\n", .size = 12 });
	is_cid(&c, HELLO);
	gives(&a, &c, "hello world\n");
	c = add_block(&a, CID_DAG_PB, "\x0a\x04\x08\x02\x18\x00", 6);
	is_cid(&c, EMPTY);
	gives(&a, &c, "");
	c = add_block(&a, CID_DAG_PB, "\x0a\x02\x08\x01", 4);
	is_cid(&c, NO_FILES);
	refuses(&a, &c, "a directory and no file");
	buf_fini(&a.car);
}

static void
cids(void **state)
{
	/* The same digest in either version: multiformats' own example. */
	static const char v0[] =
	    "QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR";
	static const char v1[] =
	    "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
	static const char *const bad[] = { "", "Qm", "b", "bafy",
		"QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMn0",
		"bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzd1",
		"bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdj",
		"bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdia",
		"zafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi" };
	struct cid a, b;

	(void)state;
	assert_true(cid_parse(v0, &a));
	assert_true(cid_parse(v1, &b));
	assert_true(a.codec == CID_DAG_PB && cid_equal(&a, &b));
	b.codec = CID_RAW;
	assert_false(cid_equal(&a, &b));
	for (size_t i = 0; i < nitems(bad); i++)
		if (cid_parse(bad[i], &a))
			fail_msg("%s", bad[i]);
}

static void
numbers(void **state)
{
	uint64_t n;

	(void)state;
	assert_int_equal(varint_read("\x00", 1, &n), 1);
	assert_int_equal(varint_read("\xac\x02 ", 3, &n), 2);
	assert_int_equal(n, 300);
	assert_int_equal(
	    varint_read("\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9, &n), 9);
	assert_true(n == UINT64_MAX >> 1);
	assert_int_equal(varint_read("\xff", 1, &n), 0);
	assert_int_equal(varint_read("\x80\x00", 2, &n), 0);
	assert_int_equal(
	    varint_read("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, &n), 0);
}

/* ---- shapes ---- */

static void
trees(void **state)
{
	struct archive a;
	struct cid leaf[3], half[2], root;

	(void)state;
	begin(&a);
	leaf[0] = add_block(&a, CID_RAW, "one ", 4);
	leaf[1] = add_node(&a,
	    &(struct node){ .type = 0, .data = "two ", .size = 4 });
	leaf[2] = leaf[0]; /* once in the archive, twice in the file */
	half[0] = add_node(&a,
	    &(struct node){ .type = 2,
		.links = leaf,
		.nlinks = 3,
		.size = 12 });
	gives(&a, &half[0], "one two one ");
	half[1] = leaf[1];
	root = add_node(&a,
	    &(struct node){ .type = 2,
		.data = "zero ",
		.links = half,
		.nlinks = 2,
		.size = 21,
		.packed = true });
	gives(&a, &root, "zero one two one two ");
	gives(&a, &leaf[0], "one ");
	/* Longer than it may be, by one. */
	assert_int_equal(extract(&a.car, &root, 20), -1);
	assert_int_equal(why.code, ERR_DENIED);
	assert_int_equal(extract(&a.car, &root, 21), 0);
	buf_fini(&a.car);
}

static void
lies(void **state)
{
	struct archive a;
	struct cid leaf, root, strange;
	char *at;

	(void)state;
	begin(&a);
	leaf = add_block(&a, CID_RAW, "what it is", 10);
	root = add_node(&a,
	    &(struct node){ .type = 2,
		.links = &leaf,
		.nlinks = 1,
		.size = 10 });
	gives(&a, &root, "what it is");
	at = memmem(a.car.data, a.car.len, "what it is", 10);
	at[0]++;
	refuses(&a, &root, "not what it is called");
	at[0]--;
	strange = leaf;
	strange.digest[0]++;
	refuses(&a, &strange, "a block is missing");
	/* The same bytes by another reading. */
	strange = leaf;
	strange.codec = CID_DAG_PB;
	refuses(&a, &strange, "malformed");
	strange = add_node(&a,
	    &(struct node){ .type = 2, .data = "short", .size = 6 });
	refuses(&a, &strange, "another length");
	strange = add_node(&a, &(struct node){ .type = 4, .data = "/etc" });
	refuses(&a, &strange, "a symbolic link and no file");
	strange = add_node(&a, &(struct node){ .type = 5 });
	refuses(&a, &strange, "a directory and no file");
	strange = add_node(&a, &(struct node){ .type = 77 });
	refuses(&a, &strange, "unknown kind");
	buf_fini(&a.car);
}

/* A few hundred bytes that would be 2^30 blocks. */
static void
bombs(void **state)
{
	struct archive a;
	struct cid pair[2];

	(void)state;
	begin(&a);
	pair[0] = pair[1] = add_block(&a, CID_RAW, "", 0);
	for (int i = 0; i < 30; i++)
		pair[0] = pair[1] = add_node(&a,
		    &(struct node){ .type = 2, .links = pair, .nlinks = 2 });
	refuses(&a, &pair[0], "longer than allowed");
	buf_fini(&a.car);
}

/* Cut anywhere it is malformed, or lacks a block, and nothing is read beyond.
 */
static void
cuts(void **state)
{
	struct archive a;
	struct cid leaf[2], root;
	size_t len;

	(void)state;
	begin(&a);
	leaf[0] = add_block(&a, CID_RAW, "first", 5);
	root = add_node(&a,
	    &(struct node){ .type = 2, .links = leaf, .nlinks = 1, .size = 5 });
	len = a.car.len;
	for (a.car.len = 0; a.car.len < len; a.car.len++)
		assert_int_equal(extract(&a.car, &root, 1000), -1);
	assert_int_equal(extract(&a.car, &root, 1000), 0);
	buf_fini(&a.car);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_files),
		cmocka_unit_test(cids),
		cmocka_unit_test(numbers),
		cmocka_unit_test(trees),
		cmocka_unit_test(lies),
		cmocka_unit_test(bombs),
		cmocka_unit_test(cuts),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	buf_fini(&out);
	return r;
}
