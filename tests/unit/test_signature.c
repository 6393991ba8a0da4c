#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/keccak.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/base58.h"
#include "messages/item_hash.h"
#include "messages/signature.h"
#include "tests/unit/unit.h"

/* The first key that Ethereum's own documents use for examples. */
static const char test_key[] =
    "4646464646464646464646464646464646464646464646464646464646464646";

static struct signature_input
input(const char *chain)
{
	return (struct signature_input){ .chain = chain,
		.type = "PROGRAM",
		.item_hash = "c5e40cd89103d3c57327a514f465b83cd193d1331f307bc5a"
			     "4c38bfec36ab37d" };
}

static void
hashes_have_their_known_values(void **state)
{
	unsigned char digest[32];
	char hex[65], long_text[200];

	(void)state;
	keccak_256("", 0, digest);
	str_hex(hex, digest, 32);
	assert_string_equal(hex,
	    "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
	keccak_256("abc", 3, digest);
	str_hex(hex, digest, 32);
	assert_string_equal(hex,
	    "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
	/* One block, one less, one more: the padding's edges differ. */
	memset(long_text, 'a', sizeof(long_text));
	for (size_t n = 134; n < 138; n++) {
		unsigned char other[32];

		keccak_256(long_text, n, digest);
		keccak_256(long_text, n + 1, other);
		assert_memory_not_equal(digest, other, 32);
	}
	sha256_of("abc", 3, hex);
	assert_string_equal(hex,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
what_is_signed_is_good_and_nothing_else(void **state)
{
	static const char *const good_chains[] = { "ETH", "BASE", "SOL", "ES" };
	unsigned char key[32];
	char why[160];
	struct err e;

	(void)state;
	assert_true(str_unhex(key, 32, test_key));
	for (size_t i = 0; i < 4; i++) {
		struct signature_input in = input(good_chains[i]);
		char *sender = signature_address(in.chain, key, &e), *sig;

		in.sender = sender;
		sig = signature_sign(&in, key, &e);
		assert_non_null(sig);
		in.signature = sig;
		assert_int_equal(signature_verify(&in, why, sizeof(why)),
		    SIGNATURE_GOOD);
		in.type = "STORE";
		assert_int_equal(signature_verify(&in, why, sizeof(why)),
		    SIGNATURE_BAD);
		in.type = "PROGRAM";
		/* Every digit counts. */
		for (size_t k = 0; k < strlen(sig); k += 7) {
			char was = sig[k];

			if (strchr("0123456789abcdefGHJKMN", was) == NULL)
				continue;
			sig[k] = was == '1' ? '2' : '1';
			assert_int_not_equal(
			    signature_verify(&in, why, sizeof(why)),
			    SIGNATURE_GOOD);
			sig[k] = was;
		}
		free(sig);
		free(sender);
	}
}

static void
a_message_that_circulates_is_good(void **state)
{
	/* chain, sender, type and item hash of a published INSTANCE. */
	struct signature_input in = { .chain = "ETH",
		.sender = "0x3E1aba4ad853Dd7Aa531aB59F10bd9f4d89aebaF",
		.type = "INSTANCE",
		.item_hash = "b28fa9a9ede14c9bbd6fde8959be07cfd25a3358d08e01405"
			     "301adc5a1a2b2c8",
		.signature =
		    "0x5ff79fb62190455b485e6a891d7bbee3a992ca8d0361bbd5"
		    "5f12a18176d9f668692601a75c3344cb880a479fc5920efc5"
		    "3036450bce8e891e13b9aa5618b2aba1b" };
	char why[160];

	(void)state;
	assert_int_equal(signature_verify(&in, why, sizeof(why)),
	    SIGNATURE_GOOD);
	/* The sender is signed too, as it stands: another case is another text.
	 */
	in.sender = "0x3e1aba4ad853dd7aa531ab59f10bd9f4d89aebaf";
	assert_int_equal(signature_verify(&in, why, sizeof(why)),
	    SIGNATURE_BAD);
	assert_non_null(strstr(why, ", not by the sender"));
	in.signature = NULL;
	assert_int_equal(signature_verify(&in, why, sizeof(why)),
	    SIGNATURE_ABSENT);
}

static void
other_chains_are_refused_by_name(void **state)
{
	const char *const *chains = signature_chains();
	size_t unsupported = 0, all = 0;
	char why[160], want[80];

	(void)state;
	for (; chains[all] != NULL; all++) {
		struct signature_input in = input(chains[all]);

		in.sender = "x";
		in.signature = "x";
		assert_true(signature_is_chain(chains[all]));
		if (signature_scheme(chains[all]) != SIGNATURE_NONE) {
			assert_int_equal(
			    signature_verify(&in, why, sizeof(why)),
			    SIGNATURE_BAD);
			continue;
		}
		unsupported++;
		assert_int_equal(signature_verify(&in, why, sizeof(why)),
		    SIGNATURE_UNSUPPORTED);
		snprintf(want, sizeof(want),
		    "signatures of chain %s are not supported", chains[all]);
		assert_string_equal(why, want);
	}
	assert_int_equal(all, 33);
	assert_int_equal(unsupported, 8);
	assert_false(signature_is_chain("eth"));
	assert_false(signature_is_chain(""));
}

static void
base58_is_bitcoins(void **state)
{
	static const unsigned char zeros[] = { 0, 0, 1 };
	unsigned char back[3];
	char *text = base58_encode((const unsigned char *)"hello world", 11);

	(void)state;
	assert_string_equal(text, "StV1DL6CwTryKyV");
	free(text);
	text = base58_encode(zeros, 3);
	assert_string_equal(text, "112");
	assert_true(base58_decode(text, back, 3));
	assert_memory_equal(back, zeros, 3);
	free(text);
	assert_false(base58_decode("12", back, 3));   /* too few zeros */
	assert_false(base58_decode("1112", back, 3)); /* too many */
	assert_false(base58_decode("0OIl", back, 3));
	assert_false(base58_decode("zzzzzzzz", back, 3)); /* does not fit */
}

static void
item_hashes_have_three_forms(void **state)
{
	char v0[47] = "Qm", v1[60] = "bafy";

	(void)state;
	memset(v0 + 2, 'a', 44);
	v0[46] = '\0';
	memset(v1 + 4, 'a', 55);
	v1[59] = '\0';
	assert_int_equal(item_hash_kind(v0), ITEM_HASH_CIDV0);
	assert_int_equal(item_hash_kind(v1), ITEM_HASH_CIDV1);
	assert_int_equal(item_hash_kind("c5e40cd89103d3c57327a514f465b83cd193d1"
					"331f307bc5a4c38bfec36ab37d"),
	    ITEM_HASH_STORAGE);
	assert_int_equal(item_hash_kind("C5e40cd89103d3c57327a514f465b83cd193d1"
					"331f307bc5a4c38bfec36ab37d"),
	    ITEM_HASH_NONE);
	v1[3] = 'k'; /* raw, which the network does not take */
	assert_int_equal(item_hash_kind(v1), ITEM_HASH_NONE);
	v0[20] = '0';
	assert_int_equal(item_hash_kind(v0), ITEM_HASH_NONE);
	assert_int_equal(item_hash_kind("../../etc/passwd"), ITEM_HASH_NONE);
	assert_int_equal(item_hash_kind(""), ITEM_HASH_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_have_their_known_values),
		cmocka_unit_test(what_is_signed_is_good_and_nothing_else),
		cmocka_unit_test(a_message_that_circulates_is_good),
		cmocka_unit_test(other_chains_are_refused_by_name),
		cmocka_unit_test(base58_is_bitcoins),
		cmocka_unit_test(item_hashes_have_three_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
