/* Proofs as JSON has them. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/base64.h"
#include "messages/json.h"
#include "messages/merkle_epoch.h"
#include "messages/merkle_json.h"
#include "messages/value.h"
#include "tests/unit/unit.h"

enum shape { HEX, HEX_0X, CAMEL };

static void
put_hash(struct buf *b, const struct merkle_hash *h, enum shape shape)
{
	char hex[2 * MERKLE_HASH + 1], *text;

	if (shape == CAMEL) {
		text = base64_text(h->byte, MERKLE_HASH);
		buf_printf(b, "{\"data\":\"%s\"}", text);
		free(text);
		return;
	}
	str_hex(hex, h->byte, MERKLE_HASH);
	buf_printf(b, "\"%s%s\"", shape == HEX_0X ? "0x" : "", hex);
}

static void
put_proof(struct buf *b, const struct merkle_proof *p, enum shape shape)
{
	bool camel = shape == CAMEL;

	buf_add_char(b, '{');
	/* Clients leave out what is zero, and write long numbers as texts. */
	if (p->address != 0)
		buf_printf(b,
		    camel ? "\"targetAddress\":\"%llu\","
			  : "\"target_address\":%llu,",
		    (unsigned long long)p->address);
	buf_printf(b,
	    camel ? "\"log2TargetSize\":\"%u\",\"log2RootSize\":\"%u\","
		  : "\"log2_target_size\":%u,\"log2_root_size\":%u,",
	    p->log2_target, p->log2_root);
	buf_add_str(b, camel ? "\"targetHash\":" : "\"target_hash\":");
	put_hash(b, &p->target, shape);
	buf_add_str(b, camel ? ",\"rootHash\":" : ",\"root_hash\":");
	put_hash(b, &p->root, shape);
	buf_add_str(b,
	    camel ? ",\"siblingHashes\":[" : ",\"sibling_hashes\":[");
	for (unsigned i = 0; i < p->log2_root - p->log2_target; i++) {
		if (i > 0)
			buf_add_char(b, ',');
		put_hash(b, &p->sibling[i], shape);
	}
	buf_add_str(b, "]}");
}

/* Three entries, and the proofs of each. */
static void
make(struct merkle_proof proof[3])
{
	struct merkle_epoch t = { 0 };
	struct merkle_hash h;

	for (int i = 0; i < 3; i++) {
		memset(h.byte, 'a' + i, sizeof(h.byte));
		merkle_epoch_add(&t, &h);
	}
	for (unsigned i = 0; i < 3; i++)
		merkle_epoch_prove(&t, i, &proof[i]);
	merkle_epoch_fini(&t);
}

static void
put_document(struct buf *b, const struct merkle_proof proof[3],
    enum shape shape)
{
	buf_add_str(b, "{\"epoch\":{\"inputs\":[{\"status\":1},{\"proof\":");
	put_proof(b, &proof[0], shape);
	buf_add_str(b, "},[");
	put_proof(b, &proof[1], shape);
	buf_add_char(b, ',');
	put_proof(b, &proof[2], shape);
	buf_add_str(b, "]]}}");
}

static int
check(const char *text, size_t *proofs, struct err *e)
{
	value_auto struct value *v = json_parse(text, strlen(text), e);

	assert_non_null(v);
	return merkle_json_check(v, proofs, e);
}

static void
good_ones_are_counted(void **state)
{
	struct merkle_proof proof[3];
	size_t proofs;
	struct err e;

	(void)state;
	make(proof);
	for (enum shape s = HEX; s <= CAMEL; s++) {
		buf_auto struct buf b = { 0 }, one = { 0 };

		put_document(&b, proof, s);
		assert_int_equal(check(buf_text(&b), &proofs, &e), 0);
		assert_int_equal(proofs, 3);
		put_proof(&one, &proof[2], s);
		assert_int_equal(check(buf_text(&one), &proofs, &e), 0);
		assert_int_equal(proofs, 1);
	}
	assert_int_equal(check("{\"a\":[1,{\"b\":null}]}", &proofs, &e), 0);
	assert_int_equal(proofs, 0);
}

static void
a_wrong_one_is_named(void **state)
{
	struct merkle_proof proof[3];
	size_t proofs;
	struct err e;

	(void)state;
	make(proof);
	for (enum shape s = HEX; s <= CAMEL; s++) {
		buf_auto struct buf b = { 0 }, c = { 0 };

		proof[2].sibling[31].byte[7] ^= 1;
		put_document(&b, proof, s);
		assert_int_equal(check(buf_text(&b), &proofs, &e), -1);
		assert_int_equal(e.code, ERR_DENIED);
		assert_string_equal(e.text,
		    "epoch.inputs[2][1]: it leads to another root");
		put_proof(&c, &proof[2], s);
		assert_int_equal(check(buf_text(&c), &proofs, &e), -1);
		assert_string_equal(e.text, "it leads to another root");
		proof[2].sibling[31].byte[7] ^= 1;
	}
	/* An address of another entry is another claim. */
	proof[1].address = 64;
	{
		buf_auto struct buf b = { 0 };

		put_document(&b, proof, HEX);
		assert_int_equal(check(buf_text(&b), &proofs, &e), -1);
		assert_string_equal(e.text,
		    "epoch.inputs[2][0]: it leads to another root");
	}
}

#define H "\"290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563\""

static void
malformed_ones_are_named(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "{\"sibling_hashes\":[]}",
		    "target_hash: no hash of 32 bytes" },
		{ "{\"target_hash\":" H ",\"root_hash\":\"29\"}",
		    "root_hash: no hash of 32 bytes" },
		{ "{\"target_hash\":{\"data\":\"KQ\"},\"root_hash\":" H "}",
		    "target_hash: no hash of 32 bytes" },
		{ "{\"target_hash\":{\"data\":\"KQ==\"},\"root_hash\":" H "}",
		    "target_hash: no hash of 32 bytes" },
		{ "{\"target_hash\":" H ",\"root_hash\":" H "}",
		    "a part of 2^0 bytes in one of 2^0" },
		{ "{\"target_hash\":" H ",\"root_hash\":" H
		  ",\"log2_target_size\":5,\"log2_root_size\":65}",
		    "a part of 2^5 bytes in one of 2^65" },
		{ "{\"target_hash\":" H ",\"root_hash\":" H
		  ",\"log2_target_size\":6,\"log2_root_size\":5}",
		    "a part of 2^6 bytes in one of 2^5" },
		{ "{\"target_hash\":" H ",\"root_hash\":" H
		  ",\"log2_target_size\":5,\"log2_root_size\":6}",
		    "sibling_hashes: 0, and from 2^5 to 2^6 there are 1" },
		{ "{\"target_hash\":" H ",\"root_hash\":" H
		  ",\"log2_target_size\":5,\"log2_root_size\":6,"
		  "\"sibling_hashes\":[1]}",
		    "sibling_hashes[0]: no hash of 32 bytes" },
		{ "{\"target_hash\":" H ",\"root_hash\":" H
		  ",\"log2_target_size\":5,\"log2_root_size\":5,"
		  "\"target_address\":16}",
		    "target_address: it is not aligned to the target's size" },
		{ "{\"target_hash\":" H ",\"root_hash\":" H
		  ",\"log2_target_size\":-5}",
		    "log2_target_size: no number" },
		{ "{\"target_hash\":" H ",\"root_hash\":" H
		  ",\"targetAddress\":\"18446744073709551616\"}",
		    "target_address: no number" },
		{ "[{\"a\":{\"targetHash\":" H ",\"rootHash\":" H
		  ",\"log2RootSize\":\"5x\"}}]",
		    "[0].a: log2_root_size: no number" },
	};
	size_t proofs;
	struct err e;

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		assert_int_equal(check(cases[i].text, &proofs, &e), -1);
		assert_int_equal(e.code, ERR_INVALID);
		assert_string_equal(e.text, cases[i].why);
	}
	/* Of no size, a target is the root. */
	assert_int_equal(check("{\"target_hash\":" H ",\"root_hash\":" H
			       ",\"log2_target_size\":5,\"log2_root_size\":5}",
			     &proofs, &e),
	    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_counted),
		cmocka_unit_test(a_wrong_one_is_named),
		cmocka_unit_test(malformed_ones_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
