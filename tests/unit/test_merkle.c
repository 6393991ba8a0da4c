/* Merkle trees of memory and of epochs, and Keccak four at a time. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/keccak4.h"
#include "base/str.h"
#include "messages/merkle_epoch.h"
#include "messages/merkle_tree.h"
#include "messages/rollup.h"
#include "tests/unit/unit.h"

static struct merkle_hash
hash_of(const char *hex)
{
	struct merkle_hash h;

	assert_true(str_unhex(h.byte, sizeof(h.byte), hex));
	return h;
}

static void
expect(const struct merkle_hash *h, const char *hex)
{
	char text[2 * MERKLE_HASH + 1];

	str_hex(text, h->byte, sizeof(h->byte));
	assert_string_equal(text, hex);
}

static unsigned
next(unsigned *seed)
{
	return (unsigned)rand_r(seed);
}

/* ---- four at a time ---- */

static void
four_are_what_each_is(void **state)
{
	unsigned char data[KECCAK4][600], fast[KECCAK4][KECCAK_SIZE],
	    slow[KECCAK_SIZE];
	const void *const m[KECCAK4] = { data[0], data[1], data[2], data[3] };
	unsigned char *const to[KECCAK4] = { fast[0], fast[1], fast[2],
		fast[3] };
	unsigned seed = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		((unsigned char *)data)[i] = (unsigned char)next(&seed);
	for (size_t len = 0; len <= sizeof(data[0]); len++) {
		keccak4_256(m, len, to);
		for (int k = 0; k < KECCAK4; k++) {
			keccak_256(data[k], len, slow);
			assert_memory_equal(fast[k], slow, sizeof(slow));
		}
	}
	if (!keccak4_is_fast())
		print_message("this CPU computes one after the other\n");
}

/* ---- outputs ---- */

static const struct rollup_address
    even_address = { { 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa,
	0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa } },
    odd_address = { { 0xba, 0xba, 0xba, 0xba, 0xba, 0xba, 0xba, 0xba, 0xba,
	0xba, 0xba, 0xba, 0xba, 0xba, 0xba, 0xba, 0xba, 0xba, 0xba, 0xba } };
/* With its two NULs. */
static const char even_payload[128] =
    "cartesi rollup machine manager  cartesi rollup machine manager  "
    "cartesi rollup machine manager  cartesi rollup machine manager";
static const char odd_payload[] = "Lorem ipsum dolor sit amet cras.";

#define EVEN_VOUCHER \
	"028c8a06ce878fcd02522f0ca3174f9e6fe7c9267750a0c45844e597e7cbab03"
#define ODD_VOUCHER \
	"4af9ac1565a66632741c1cf848847920ae4ef6e7e96ef9fd5bae9fa316f5cb33"
#define EVEN_NOTICE \
	"253f38cb583d6aba613e7f75bde205c74280bd321be826b93eb41a5404c1f508"
#define ODD_NOTICE \
	"8c35a8e6f7e96bf5b0f9200e6cf35db282e9de960e9e958c5d52b14a66af6c47"

static void
outputs_have_known_hashes(void **state)
{
	struct merkle_hash h;

	(void)state;
	rollup_voucher_hash(&even_address, even_payload, sizeof(even_payload),
	    &h);
	expect(&h, EVEN_VOUCHER);
	rollup_voucher_hash(&odd_address, odd_payload, strlen(odd_payload), &h);
	expect(&h, ODD_VOUCHER);
	rollup_notice_hash(even_payload, sizeof(even_payload), &h);
	expect(&h, EVEN_NOTICE);
	rollup_notice_hash(odd_payload, strlen(odd_payload), &h);
	expect(&h, ODD_NOTICE);
	rollup_notice_hash("", 0, &h);
	expect(&h,
	    "569e75fc77c1a856f6daaf9e69d8a9566ca34aa47f9133711ce065a571af0cfd");
}

static void
inputs_are_words(void **state)
{
	static const struct rollup_metadata m = { .block_number = 0x0102,
		.timestamp = UINT64_MAX,
		.epoch_index = 3,
		.input_index = 4 };
	buf_auto struct buf b = { 0 };
	char text[2 * ROLLUP_METADATA + 1];

	(void)state;
	rollup_put_input(&b, "hi", 2);
	assert_int_equal(b.len, 66);
	assert_int_equal(b.data[31], 0x20);
	assert_int_equal(b.data[63], 2);
	assert_memory_equal(b.data + 64, "hi", 2);
	buf_reset(&b);
	rollup_put_metadata(&b, &m);
	assert_int_equal(b.len, ROLLUP_METADATA);
	str_hex(text, b.data, b.len);
	assert_memory_equal(text + 2 * 60, "00000102", 8);
	assert_memory_equal(text + 2 * 80, "0000000000000000ffffffffffffffff",
	    32);
	assert_int_equal(b.data[127], 3);
	assert_int_equal(b.data[159], 4);
}

/* ---- memory ---- */

static void
empty_memory_has_known_roots(void **state)
{
	struct merkle_hash h;
	struct merkle_tree t;

	(void)state;
	expect(merkle_pristine(21),
	    "27d86025599a41233848702f0cfc0437b445682df51147a632a0a083d2d38b5e");
	expect(merkle_pristine(64),
	    "7b3fbc4a995c19017816b74d2f89179f10b6681bcefd8cfec7d8e18d0f35dbc7");
	assert_memory_equal(merkle_pristine(3)->byte, "\x01\x1b\x4d\x03", 4);
	merkle_memory(NULL, 0, 64, &h);
	assert_true(merkle_is_same(&h, merkle_pristine(64)));
	merkle_tree_make(&t, NULL, 0);
	assert_true(merkle_is_same(merkle_tree_root(&t), merkle_pristine(64)));
	merkle_tree_fini(&t);
}

/* The hashes of an input's outputs, as they lie in their range of 2 MiB. */
static struct merkle_hash
range_of(const char *const hex[], size_t n)
{
	struct merkle_hash entry[8], root;

	for (size_t i = 0; i < n; i++)
		entry[i] = hash_of(hex[i]);
	merkle_memory(entry, n * sizeof(entry[0]), 21, &root);
	return root;
}
#define RANGE(...)                                     \
	range_of((const char *const[]){ __VA_ARGS__ }, \
	    nitems(((const char *const[]){ __VA_ARGS__ })))

static void
ranges_have_known_roots(void **state)
{
	const struct merkle_hash one = RANGE(EVEN_VOUCHER),
				 even = RANGE(EVEN_VOUCHER, EVEN_VOUCHER),
				 odd = RANGE(ODD_VOUCHER, ODD_VOUCHER),
				 notices = RANGE(EVEN_NOTICE, EVEN_NOTICE);
	const struct merkle_hash voucher = hash_of(EVEN_VOUCHER);
	struct merkle_hash target;

	(void)state;
	expect(&one,
	    "2dcda8efb282a740e6d984c6471ae54d690d05cccf296669820cdda6ec9c99b0");
	expect(&even,
	    "adbce7a67f85d02950a6b84ef2bc7d6d6fd971bec5fb34464a2b09307d3b65cf");
	expect(&odd,
	    "2877504a07c4765217ca6824a8620e4583bd156e4767459bc1408355649f5c4e");
	expect(&notices,
	    "09fa7a7a49eda3c8ca91b86920bc3af77f1c4242c59d4b61f8dbd49952733343");
	/* In memory a hash is four words. */
	merkle_memory(voucher.byte, MERKLE_HASH, 5, &target);
	expect(&target,
	    "de2e845281633670e7d8092ee692fd160ad6f7489b752db94d64d35e4685da49");
}

/* Level by level, one at a time, over all of it. */
static void
hash_plainly(const unsigned char *data, size_t len, unsigned log2,
    struct merkle_hash *out)
{
	size_t size = (size_t)1 << log2, n = size / 8;
	unsigned char *all = calloc(1, size);
	struct merkle_hash *node = calloc(n, sizeof(*node));

	if (len > 0)
		memcpy(all, data, len);
	for (size_t i = 0; i < n; i++)
		keccak_256(all + 8 * i, 8, node[i].byte);
	for (; n > 1; n /= 2)
		for (size_t i = 0; i < n / 2; i++)
			merkle_parent(&node[2 * i], &node[2 * i + 1], &node[i]);
	*out = node[0];
	free(all);
	free(node);
}

static void
memory_is_hashed_whatever_its_length(void **state)
{
	static const size_t lengths[] = { 0, 1, 7, 8, 9, 31, 63, 64, 65, 4095,
		4096, 4097, 4104, 8192, 12289, 32767, 32768 };
	static unsigned char data[32768];
	struct merkle_hash a, b;
	unsigned seed = 3;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)next(&seed);
	for (size_t i = 0; i < nitems(lengths); i++)
		for (unsigned log2 = 3; log2 <= 16; log2++) {
			if (lengths[i] > (size_t)1 << log2)
				continue;
			merkle_memory(data, lengths[i], log2, &a);
			hash_plainly(data, lengths[i], log2, &b);
			assert_true(merkle_is_same(&a, &b));
		}
}

/* ---- proofs ---- */

static bool
is_good(const struct merkle_proof *p)
{
	struct merkle_hash root;

	merkle_proof_root(p, &root);
	return merkle_is_same(&root, &p->root);
}

/* A good one, and nothing near it. */
static void
expect_proof(const struct merkle_proof *p, unsigned *seed)
{
	unsigned levels = p->log2_root - p->log2_target;
	struct merkle_proof other;

	assert_true(is_good(p));
	for (int i = 0; i < 6; i++) {
		other = *p;
		switch (i) {
		case 0:
			other.target.byte[next(seed) % 32] ^= 1;
			break;
		case 1:
			other.root.byte[next(seed) % 32] ^= 0x80;
			break;
		case 2:
			other.address ^= UINT64_C(1)
			    << (p->log2_target + next(seed) % levels);
			break;
		default:
			other.sibling[next(seed) % levels]
			    .byte[next(seed) % 32] ^= 4;
		}
		/* Of two that are the same it does not matter which is left. */
		if (i != 2)
			assert_false(is_good(&other));
	}
}

static void
parts_make_the_whole(void **state)
{
	enum { AT = 0x10000, LOG2 = 16, SIZE = 1 << LOG2, PIECES = 5 };
	static const struct {
		unsigned at, log2;
	} piece[PIECES] = { { 0x0000, 12 }, { 0x2000, 13 }, { 0x4000, 3 },
		{ 0x4008, 3 }, { 0xf000, 12 } };
	static unsigned char data[SIZE];
	struct merkle_part part[PIECES];
	struct merkle_hash whole;
	struct merkle_tree t;
	struct merkle_proof proof;
	unsigned seed = 11;

	(void)state;
	for (int i = 0; i < PIECES; i++) {
		for (unsigned k = 0; k < 1U << piece[i].log2; k++)
			data[piece[i].at + k] = (unsigned char)next(&seed);
		part[i].address = AT + piece[i].at;
		part[i].log2 = piece[i].log2;
		merkle_memory(data + piece[i].at, (size_t)1 << piece[i].log2,
		    piece[i].log2, &part[i].hash);
	}
	merkle_memory(data, SIZE, LOG2, &whole);
	merkle_tree_make(&t, part, PIECES);
	/* A part, what several make up, and where nothing is. */
	for (int i = 0; i < PIECES; i++) {
		merkle_tree_prove(&t, part[i].address, part[i].log2, &proof);
		assert_true(merkle_is_same(&proof.target, &part[i].hash));
		expect_proof(&proof, &seed);
	}
	merkle_tree_prove(&t, AT, LOG2, &proof);
	assert_true(merkle_is_same(&proof.target, &whole));
	expect_proof(&proof, &seed);
	merkle_tree_prove(&t, UINT64_C(1) << 63, 63, &proof);
	assert_true(merkle_is_same(&proof.target, merkle_pristine(63)));
	assert_true(merkle_is_same(&proof.root, merkle_tree_root(&t)));
	expect_proof(&proof, &seed);
	merkle_tree_prove(&t, UINT64_MAX - 7, 3, &proof);
	expect_proof(&proof, &seed);
	merkle_tree_fini(&t);
}

/* ---- epochs ---- */

static void
expect_epoch(const struct merkle_hash entry[], size_t n, const char *root)
{
	struct merkle_epoch t = { 0 };
	struct merkle_hash got;

	for (size_t i = 0; i < n; i++)
		merkle_epoch_add(&t, &entry[i]);
	merkle_epoch_root(&t, &got);
	expect(&got, root);
	merkle_epoch_fini(&t);
}

static void
epochs_have_known_roots(void **state)
{
	static const struct merkle_hash skipped;
	const struct merkle_hash none = *merkle_pristine(21),
				 even = RANGE(EVEN_VOUCHER, EVEN_VOUCHER),
				 odd = RANGE(ODD_VOUCHER, ODD_VOUCHER),
				 notices = RANGE(EVEN_NOTICE, EVEN_NOTICE);
	const struct merkle_hash skips[] = { skipped, skipped };
	const struct merkle_hash then_skipped[] = { even, skipped };
	const struct merkle_hash both[] = { even, odd };

	(void)state;
	expect_epoch(NULL, 0,
	    "cf277fb80a82478460e8988570b718f1e083ceb76f7e271a1a1497e5975f53ae");
	expect_epoch(skips, 1,
	    "8238c95a9be6dc8eafbba4bbd92876e70016afaa042ede4ce380a2a3beb96906");
	expect_epoch(skips, 2,
	    "6af4910b48bad85c406dc84aab7a808814d21331b31436e5bd9dbe0eee630bd4");
	expect_epoch(&none, 1,
	    "3082c1cf077237c6952ddd7da61f97b794351479d29d1cbd88edec2419f5ab8f");
	expect_epoch(&even, 1,
	    "ecc5d2d29a548fe33c0bf681b9d03d19d6a3775c1eeafd2b443049e38d11a46c");
	expect_epoch(then_skipped, 2,
	    "7cfcdeb90b9f184ecac9a7ad05a85866d421c745d757af681db7b5d69a519a2e");
	expect_epoch(both, 2,
	    "f86bd35d77ac05c4bb9cde9f0db7690d19dc0fe75f578364b45d95d21c677ca7");
	expect_epoch(&notices, 1,
	    "d929e7312953346c5a820d1739ca1fd8e2bd8dbe447b9494e44b284cc20b22ec");
}

/* A proof is of the tree as it was: what comes later changes only new ones. */
static void
proofs_of_epochs_are_of_their_time(void **state)
{
	enum { N = 300 };
	static struct merkle_proof then[N];
	struct merkle_epoch t = { 0 };
	struct merkle_proof now;
	struct merkle_hash entry, root;
	unsigned seed = 5;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		for (int k = 0; k < MERKLE_HASH; k++)
			entry.byte[k] = (unsigned char)next(&seed);
		merkle_epoch_add(&t, &entry);
		merkle_epoch_prove(&t, i, &then[i]);
		assert_true(merkle_is_same(&then[i].target, &entry));
		assert_int_equal(then[i].address, 32 * i);
		expect_proof(&then[i], &seed);
		for (unsigned k = 0; k <= i; k += 1 + i / 10) {
			merkle_epoch_prove(&t, k, &now);
			expect_proof(&now, &seed);
			merkle_epoch_root(&t, &root);
			assert_true(merkle_is_same(&now.root, &root));
		}
	}
	/* And it can be made later. */
	for (unsigned i = 0; i < N; i++) {
		assert_true(is_good(&then[i]));
		memset(&now, 0, sizeof(now));
		merkle_epoch_prove_then(&t, i, &now);
		assert_true(merkle_is_same(&now.root, &then[i].root));
		assert_memory_equal(now.sibling, then[i].sibling,
		    32 * sizeof(now.sibling[0]));
	}
	merkle_epoch_fini(&t);
}

static void
the_first_sibling_is_the_roots(void **state)
{
	const struct merkle_hash entry[] = { RANGE(EVEN_VOUCHER, EVEN_VOUCHER),
		RANGE(ODD_VOUCHER, ODD_VOUCHER) };
	struct merkle_epoch t = { 0 };
	struct merkle_proof first, last;

	(void)state;
	merkle_epoch_add(&t, &entry[0]);
	merkle_epoch_prove(&t, 0, &first);
	expect(&first.sibling[31],
	    "290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563");
	merkle_epoch_add(&t, &entry[1]);
	merkle_epoch_prove(&t, 0, &last);
	expect(&last.sibling[31],
	    "2877504a07c4765217ca6824a8620e4583bd156e4767459bc1408355649f5c4e");
	for (int i = 0; i < 31; i++)
		assert_true(
		    merkle_is_same(&first.sibling[i], &last.sibling[i]));
	merkle_epoch_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_are_what_each_is),
		cmocka_unit_test(outputs_have_known_hashes),
		cmocka_unit_test(inputs_are_words),
		cmocka_unit_test(empty_memory_has_known_roots),
		cmocka_unit_test(ranges_have_known_roots),
		cmocka_unit_test(memory_is_hashed_whatever_its_length),
		cmocka_unit_test(parts_make_the_whole),
		cmocka_unit_test(epochs_have_known_roots),
		cmocka_unit_test(proofs_of_epochs_are_of_their_time),
		cmocka_unit_test(the_first_sibling_is_the_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
