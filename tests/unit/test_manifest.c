/* Manifests of state volumes, content roots, and memory that changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/keccak.h"
#include "base/str.h"
#include "messages/manifest.h"
#include "messages/pages.h"
#include "tests/unit/unit.h"

static unsigned
any(unsigned *seed, unsigned n)
{
	return (unsigned)rand_r(seed) % n;
}

/* ---- content roots ---- */

/* As the document says it, and no other way. */
static struct merkle_hash
root_plainly(const unsigned char *data, size_t len)
{
	size_t n = (len + 4095) / 4096, all = 1;
	struct merkle_hash *node, root = { { 0 } };
	unsigned char *bytes;

	if (n == 0)
		return root;
	while (all < n)
		all *= 2;
	bytes = calloc(all, 4096);
	node = calloc(all, sizeof(*node));
	memcpy(bytes, data, len);
	for (size_t i = 0; i < all; i++)
		keccak_256(bytes + 4096 * i, 4096, node[i].byte);
	for (; all > 1; all /= 2)
		for (size_t i = 0; i < all / 2; i++)
			merkle_parent(&node[2 * i], &node[2 * i + 1], &node[i]);
	root = node[0];
	free(bytes);
	free(node);
	return root;
}

static void
content_roots_are_as_documented(void **state)
{
	static const size_t lengths[] = { 0, 1, 5, 4095, 4096, 4097, 8191, 8192,
		8193, 12288, 16383, 16384, 16385, 20480, 28672, 65536, 69632,
		100000 };
	static unsigned char data[100000];
	struct merkle_hash a, b;
	unsigned seed = 4;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)any(&seed, 256);
	for (size_t i = 0; i < nitems(lengths); i++) {
		b = root_plainly(data, lengths[i]);
		pages_root(data, lengths[i], &a);
		assert_true(merkle_is_same(&a, &b));
	}
}

/* Bytes and zeroes in turn, in pieces of any length. */
static void
pieces_and_holes_make_the_same(void **state)
{
	static unsigned char data[300000];
	struct merkle_hash a, b;
	struct pages p;
	unsigned seed;
	size_t len, n;

	(void)state;
	for (unsigned turn = 1; turn <= 60; turn++) {
		seed = turn;
		memset(data, 0, sizeof(data));
		pages_begin(&p);
		len = 0;
		for (unsigned i = 0; i < 8; i++) {
			n = any(&seed, 4) == 0 ? any(&seed, 4) * 4096
					       : any(&seed, 36000);
			if (any(&seed, 2) == 0) {
				pages_add_zeroes(&p, n);
			} else {
				for (size_t k = 0; k < n; k++)
					data[len + k] =
					    (unsigned char)any(&seed, 256);
				pages_add(&p, data + len, n);
			}
			len += n;
		}
		assert_int_equal(p.len, len);
		pages_end(&p, &a);
		b = root_plainly(data, len);
		assert_true(merkle_is_same(&a, &b));
	}
}

/* A hole of many pages costs no more than a few hashes. */
static void
large_holes_are_cheap(void **state)
{
	struct merkle_hash a, b;
	struct pages p, q;

	(void)state;
	pages_begin(&p);
	pages_add(&p, "x", 1);
	pages_add_zeroes(&p, (UINT64_C(1) << 50) + 4095);
	pages_add(&p, "y", 1);
	pages_end(&p, &a);
	pages_begin(&q);
	pages_add(&q, "x", 1);
	pages_add_zeroes(&q, UINT64_C(1) << 49);
	pages_add_zeroes(&q, UINT64_C(1) << 49);
	pages_add_zeroes(&q, 4095);
	pages_add(&q, "y", 1);
	pages_end(&q, &b);
	assert_true(merkle_is_same(&a, &b));
}

/* ---- memory that changes ---- */

static void
expect_root(struct merkle_bytes *m)
{
	struct merkle_hash a, b;

	merkle_bytes_root(m, 22, &a);
	merkle_memory(m->data.data, m->data.len, 22, &b);
	assert_true(merkle_is_same(&a, &b));
}

static void
changed_memory_has_its_root(void **state)
{
	static unsigned char data[9000];
	struct merkle_bytes m = { .nruns = 0 };
	unsigned seed = 2;
	size_t len = 0, at, n;

	(void)state;
	expect_root(&m);
	for (int i = 0; i < 600; i++) {
		if (any(&seed, 3) == 0 || len == 0) {
			/* Longer or shorter, and here and there another. */
			len = any(&seed, 4) == 0 ? any(&seed, 140)
						 : any(&seed, sizeof(data));
			for (int k = any(&seed, 6); k > 0; k--)
				data[any(&seed, sizeof(data))] ^=
				    (unsigned char)any(&seed, 256);
			merkle_bytes_set(&m, data, len);
		} else {
			at = any(&seed, (unsigned)len);
			n = any(&seed, (unsigned)(len - at) + 1);
			n = n < 200 ? n : 200;
			for (size_t k = 0; k < n; k++)
				data[at + k] = (unsigned char)any(&seed, 256);
			merkle_bytes_write(&m, at, data + at, n);
		}
		if (any(&seed, 2) == 0)
			expect_root(&m);
	}
	expect_root(&m);
	merkle_bytes_fini(&m);
}

/* ---- manifests ---- */

static void
put(struct manifest *m, const char *path, enum manifest_type type,
    unsigned mode, const char *content)
{
	struct manifest_record r = { .path = (char *)(uintptr_t)path,
		.type = type,
		.mode = mode,
		.size = strlen(content) };

	pages_root(content, strlen(content), &r.root);
	manifest_put(m, &r);
}

static void
make(struct manifest *m)
{
	memset(m, 0, sizeof(*m));
	put(m, "b/c", MANIFEST_FILE, 0600, "hello");
	put(m, "", MANIFEST_DIRECTORY, 0755, "");
	put(m, "b-", MANIFEST_LINK, 0777, "b/c");
	put(m, "b", MANIFEST_DIRECTORY, 0700, "");
	put(m, "b.d", MANIFEST_FILE, 0644, "");
}

static void
records_stand_by_their_paths(void **state)
{
	static const char *const order[] = { "", "b", "b-", "b.d", "b/c" };
	struct manifest m;
	const struct buf *b;

	(void)state;
	make(&m);
	for (size_t i = 0; i < nitems(order); i++)
		assert_string_equal(m.record[i].path, order[i]);
	b = manifest_bytes(&m);
	assert_int_equal(b->len, 64 + 5 * 64 + 9);
	assert_memory_equal(b->data,
	    "cellafs\1\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\x9", 24);
	/* b/c: a file, 0600, three bytes of path at 390, five of content. */
	assert_memory_equal(b->data + 64 + 4 * 64,
	    "\0\2\1\x80\0\0\0\3\0\0\0\0\0\0\1\x86\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\0",
	    32);
	assert_memory_equal(b->data + 64 + 5 * 64, "bb-b.db/c", 9);
	assert_non_null(manifest_find(&m,
	    "b."
	    "d"));
	assert_null(manifest_find(&m, "b/"));
	/* What is below goes with it, and what is beside it stays. */
	manifest_remove(&m, "b");
	assert_int_equal(m.len, 3);
	assert_string_equal(m.record[1].path, "b-");
	manifest_remove(&m, "x");
	manifest_remove(&m, "");
	assert_int_equal(m.len, 0);
	manifest_fini(&m);
}

static void
changes_are_as_good_as_all_anew(void **state)
{
	struct merkle_hash a, b;
	struct manifest m = { .len = 0 };
	unsigned seed = 8;
	struct err e;
	char path[32], content[32];

	(void)state;
	put(&m, "", MANIFEST_DIRECTORY, 0755, "");
	for (int i = 0; i < 400; i++) {
		snprintf(path, sizeof(path), "%x%s", any(&seed, 40),
		    any(&seed, 2) == 0 ? "" : "-");
		snprintf(content, sizeof(content), "%u", any(&seed, 1000));
		if (any(&seed, 4) == 0)
			manifest_remove(&m, path);
		else
			put(&m, path, MANIFEST_FILE, 0600 + any(&seed, 8),
			    content);
		assert_int_equal(manifest_root(&m, 1 << 20, 20, &a, &e), 0);
		merkle_memory(m.bytes.data.data, m.bytes.data.len, 20, &b);
		assert_true(merkle_is_same(&a, &b));
		if (i % 20 == 0) {
			struct manifest again;

			assert_int_equal(manifest_read(&again,
					     m.bytes.data.data,
					     m.bytes.data.len, &e),
			    0);
			assert_int_equal(again.len, m.len);
			assert_int_equal(manifest_bytes(&again)->len,
			    m.bytes.data.len);
			assert_memory_equal(again.bytes.data.data,
			    m.bytes.data.data, m.bytes.data.len);
			manifest_fini(&again);
		}
	}
	assert_int_equal(manifest_root(&m, 100, 20, &a, &e), -1);
	assert_int_equal(e.code, ERR_QUOTA);
	manifest_fini(&m);
}

/* Whatever was put and removed, all of it is taken back. */
static void
changes_are_taken_back(void **state)
{
	struct merkle_hash before, after;
	struct manifest m;
	struct err e;
	unsigned seed;
	char path[32];

	(void)state;
	for (unsigned turn = 1; turn < 60; turn++) {
		seed = turn;
		make(&m);
		assert_int_equal(manifest_root(&m, 1 << 20, 20, &before, &e),
		    0);
		manifest_begin(&m);
		for (unsigned i = any(&seed, 12); i > 0; i--) {
			snprintf(path, sizeof(path), "b%s",
			    (const char *const[]){ "", "-", "/c", "/d",
				"/d/e" }[any(&seed, 5)]);
			if (any(&seed, 3) == 0)
				manifest_remove(&m, path);
			else
				put(&m, path, MANIFEST_DIRECTORY,
				    0700 + any(&seed, 8), "");
		}
		manifest_roll_back(&m);
		assert_int_equal(manifest_root(&m, 1 << 20, 20, &after, &e), 0);
		assert_true(merkle_is_same(&before, &after));
		assert_int_equal(m.len, 5);
		manifest_begin(&m);
		put(&m, "c", MANIFEST_FILE, 0600, "x");
		manifest_commit(&m);
		assert_non_null(manifest_find(&m, "c"));
		manifest_fini(&m);
	}
}

static void
drives_fit_in_powers_of_two(void **state)
{
	(void)state;
	assert_int_equal(manifest_log2(0x4400000), 27);
	assert_int_equal(manifest_log2(0x4000000), 26);
	assert_int_equal(manifest_log2(1), 0);
}

/* A good one, with some bytes changed. */
static void
expect_refused(size_t at, const char *bytes, size_t n, const char *why)
{
	struct manifest m, again;
	buf_auto struct buf b = { 0 };
	struct err e;

	make(&m);
	buf_add(&b, manifest_bytes(&m)->data, manifest_bytes(&m)->len);
	buf_add(&b, "\0\0\0", 3); /* as in its drive */
	assert_int_equal(manifest_read(&again, b.data, b.len, &e), 0);
	manifest_fini(&again);
	memcpy(b.data + at, bytes, n);
	assert_int_equal(manifest_read(&again, b.data, b.len, &e), -1);
	assert_string_equal(e.text, why);
	manifest_fini(&again);
	manifest_fini(&m);
}

static void
others_are_refused(void **state)
{
	enum { R0 = 64, R1 = 128, R2 = 192, R3 = 256, R4 = 320, P = 384 };

	(void)state;
	expect_refused(0, "C", 1, "no manifest");
	expect_refused(7, "\2", 1, "no manifest");
	expect_refused(24, "\1", 1, "no manifest");
	expect_refused(15, "\0", 1, "a manifest that breaks off");
	expect_refused(15, "\6", 1, "a manifest that breaks off");
	expect_refused(8, "\xff", 1, "a manifest that breaks off");
	expect_refused(23, "\xff", 1, "a manifest that breaks off");
	expect_refused(23, "\x0a", 1,
	    "a manifest with paths that are nobody's");
	expect_refused(23, "\x08", 1,
	    "a manifest with a path that is not where it should be");
	expect_refused(R1 + 1, "\0", 1, "a manifest with an unknown type");
	expect_refused(R1 + 1, "\4", 1, "a manifest with an unknown type");
	expect_refused(R1 + 2, "\2", 1,
	    "a manifest with a field that is not zero");
	expect_refused(R1 + 24, "\1", 1,
	    "a manifest with a field that is not zero");
	expect_refused(R1 + 23, "\1", 1,
	    "a manifest with a content where there is none");
	expect_refused(R1 + 40, "\1", 1,
	    "a manifest with a content where there is none");
	expect_refused(R3 + 63, "\1", 1,
	    "a manifest with a content where there is none");
	expect_refused(R2 + 3, "\xfe", 1,
	    "a manifest with a link that cannot be");
	expect_refused(R1 + 15, "\x7f", 1,
	    "a manifest with a path that is not where it should be");
	expect_refused(R4 + 7, "\4", 1,
	    "a manifest with a path that is not where it should be");
	expect_refused(P + 8, "/", 1, "a manifest with a path that cannot be");
	expect_refused(P + 6, "../", 3,
	    "a manifest with a path that cannot be");
	expect_refused(P + 3, "a", 1,
	    "a manifest with a path that is not in its order");
	expect_refused(P + 6, "c", 1,
	    "a manifest with a path without its directory");
	expect_refused(P + 9, "\1", 1, "a manifest with bytes behind it");
	/* The first one is the volume's directory. */
	expect_refused(R0 + 1, "\2", 1,
	    "a manifest with a path without its directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_roots_are_as_documented),
		cmocka_unit_test(pieces_and_holes_make_the_same),
		cmocka_unit_test(large_holes_are_cheap),
		cmocka_unit_test(changed_memory_has_its_root),
		cmocka_unit_test(records_stand_by_their_paths),
		cmocka_unit_test(changes_are_as_good_as_all_anew),
		cmocka_unit_test(changes_are_taken_back),
		cmocka_unit_test(drives_fit_in_powers_of_two),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
