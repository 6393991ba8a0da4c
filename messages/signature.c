#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <nettle/eddsa.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/keccak.h"
#include "base/str.h"
#include "messages/base58.h"
#include "messages/json.h"
#include "messages/signature.h"
#include "messages/value.h"

/* All chains that messages name; the first 23 sign as Ethereum does. */
#define EVM_CHAINS 23
static const char *const chains[] = { "ETH", "ARB", "BASE", "BLAST", "BOB",
	"BSC", "CYBER", "ETHERLINK", "FRAX", "HYPE", "INK", "LENS", "METIS",
	"MODE", "NEO", "LINEA", "LISK", "OP", "POL", "SONIC", "UNICHAIN", "WLD",
	"ZORA", "SOL", "ES", "AURORA", "AVAX", "CSDK", "DOT", "NULS", "NULS2",
	"STT", "TEZOS", NULL };

const char *
signature_verdict_name(enum signature_verdict v)
{
	static const char *const names[] = { "good", "bad", "absent",
		"unsupported", "unchecked" };

	invariant((size_t)v < nitems(names));
	return names[v];
}

const char *const *
signature_chains(void)
{
	return chains;
}

static size_t
find(const char *chain)
{
	size_t i = 0;

	while (chains[i] != NULL && strcmp(chains[i], chain) != 0)
		i++;
	return i;
}

bool
signature_is_chain(const char *chain)
{
	return chains[find(chain)] != NULL;
}

enum signature_scheme
signature_scheme(const char *chain)
{
	if (find(chain) < EVM_CHAINS)
		return SIGNATURE_EVM;
	if (strcmp(chain, "SOL") == 0 || strcmp(chain, "ES") == 0)
		return SIGNATURE_ED25519;
	return SIGNATURE_NONE;
}

static char *
signed_text(const struct signature_input *in)
{
	return str_printf("%s\n%s\n%s\n%s", in->chain, in->sender, in->type,
	    in->item_hash);
}

static void
evm_digest(const struct signature_input *in, unsigned char digest[32])
{
	char *text = signed_text(in);
	char *all = str_printf("\x19"
			       "Ethereum Signed Message:\n%zu%s",
	    strlen(text), text);

	keccak_256(all, strlen(all), digest);
	free(all);
	free(text);
}

/* "0x" and 20 bytes: the end of the hash of the uncompressed key. */
static void
evm_address(const secp256k1_context *ctx, const secp256k1_pubkey *key,
    char out[43])
{
	unsigned char raw[65], hash[32];
	size_t len = sizeof(raw);

	secp256k1_ec_pubkey_serialize(ctx, raw, &len, key,
	    SECP256K1_EC_UNCOMPRESSED);
	keccak_256(raw + 1, 64, hash);
	strcpy(out, "0x");
	str_hex(out + 2, hash + 12, 20);
}

static bool
evm_recover(const struct signature_input *in, char address[43])
{
	secp256k1_context *ctx =
	    secp256k1_context_create(SECP256K1_CONTEXT_VERIFY);
	secp256k1_ecdsa_recoverable_signature sig;
	unsigned char raw[65], digest[32];
	secp256k1_pubkey key;
	int v;
	bool ok = false;

	if (strncmp(in->signature, "0x", 2) == 0 &&
	    str_unhex(raw, sizeof(raw), in->signature + 2)) {
		v = raw[64] >= 27 ? raw[64] - 27 : raw[64];
		evm_digest(in, digest);
		ok = v <= 1 &&
		    secp256k1_ecdsa_recoverable_signature_parse_compact(ctx,
			&sig, raw, v) == 1 &&
		    secp256k1_ecdsa_recover(ctx, &key, &sig, digest) == 1;
	}
	if (ok)
		evm_address(ctx, &key, address);
	secp256k1_context_destroy(ctx);
	return ok;
}

static enum signature_verdict
verify_evm(const struct signature_input *in, char *why, size_t size)
{
	char address[43];

	if (!evm_recover(in, address)) {
		snprintf(why, size, "not a signature of 65 bytes");
		return SIGNATURE_BAD;
	}
	if (strcasecmp(address, in->sender) != 0) {
		snprintf(why, size, "it is by %s, not by the sender", address);
		return SIGNATURE_BAD;
	}
	return SIGNATURE_GOOD;
}

static enum signature_verdict
verify_ed25519(const struct signature_input *in, char *why, size_t size)
{
	struct err e;
	value_auto struct value *v =
	    json_parse(in->signature, strlen(in->signature), &e);
	const char *text = value_get_text(v, "signature");
	const char *key = value_get_text(v, "publicKey");
	unsigned char raw[64], public[32];
	char *buffer;
	int good;

	if (text == NULL || key == NULL || !base58_decode(text, raw, 64) ||
	    !base58_decode(key, public, 32)) {
		snprintf(why, size,
		    "not an object with signature and publicKey in base58");
		return SIGNATURE_BAD;
	}
	if (strcmp(key, in->sender) != 0) {
		snprintf(why, size, "publicKey is not the sender");
		return SIGNATURE_BAD;
	}
	buffer = signed_text(in);
	good = ed25519_sha512_verify(public, strlen(buffer),
	    (const uint8_t *)buffer, raw);
	free(buffer);
	if (!good)
		snprintf(why, size, "it does not fit the key and the message");
	return good ? SIGNATURE_GOOD : SIGNATURE_BAD;
}

enum signature_verdict
signature_verify(const struct signature_input *in, char *why, size_t size)
{
	if (in->signature == NULL) {
		snprintf(why, size, "there is none");
		return SIGNATURE_ABSENT;
	}
	switch (signature_scheme(in->chain)) {
	case SIGNATURE_EVM:
		return verify_evm(in, why, size);
	case SIGNATURE_ED25519:
		return verify_ed25519(in, why, size);
	case SIGNATURE_NONE:
		break;
	}
	snprintf(why, size, "signatures of chain %s are not supported",
	    in->chain);
	return SIGNATURE_UNSUPPORTED;
}

static char *
evm_own_address(const unsigned char key[32], struct err *e)
{
	secp256k1_context *ctx =
	    secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
	secp256k1_pubkey public;
	char address[43];
	int ok = secp256k1_ec_pubkey_create(ctx, &public, key);

	if (ok)
		evm_address(ctx, &public, address);
	secp256k1_context_destroy(ctx);
	if (!ok) {
		err_set(e, ERR_INVALID, "key: not a secp256k1 key");
		return NULL;
	}
	return str_dup(address);
}

static char *
ed25519_own_address(const unsigned char key[32])
{
	unsigned char public[32];

	ed25519_sha512_public_key(public, key);
	return base58_encode(public, sizeof(public));
}

char *
signature_address(const char *chain, const unsigned char key[32], struct err *e)
{
	switch (signature_scheme(chain)) {
	case SIGNATURE_EVM:
		return evm_own_address(key, e);
	case SIGNATURE_ED25519:
		return ed25519_own_address(key);
	case SIGNATURE_NONE:
		break;
	}
	err_set(e, ERR_INVALID, "signatures of chain %s are not supported",
	    chain);
	return NULL;
}

static char *
sign_evm(const struct signature_input *in, const unsigned char key[32],
    struct err *e)
{
	secp256k1_context *ctx =
	    secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
	secp256k1_ecdsa_recoverable_signature sig;
	unsigned char raw[65], digest[32];
	char hex[131];
	int v = 0, ok;

	evm_digest(in, digest);
	ok = secp256k1_ecdsa_sign_recoverable(ctx, &sig, digest, key, NULL,
	    NULL);
	if (ok)
		secp256k1_ecdsa_recoverable_signature_serialize_compact(ctx,
		    raw, &v, &sig);
	secp256k1_context_destroy(ctx);
	if (!ok) {
		err_set(e, ERR_INVALID, "key: not a secp256k1 key");
		return NULL;
	}
	raw[64] = (unsigned char)(27 + v);
	str_hex(hex, raw, sizeof(raw));
	return str_printf("0x%s", hex);
}

static char *
sign_ed25519(const struct signature_input *in, const unsigned char key[32])
{
	value_auto struct value *v = value_new(VALUE_MAP);
	unsigned char public[32], raw[64];
	char *text = signed_text(in), *b58;

	ed25519_sha512_public_key(public, key);
	ed25519_sha512_sign(public, key, strlen(text), (const uint8_t *)text,
	    raw);
	free(text);
	b58 = base58_encode(raw, sizeof(raw));
	value_set_text(v, "signature", b58);
	free(b58);
	b58 = base58_encode(public, sizeof(public));
	value_set_text(v, "publicKey", b58);
	free(b58);
	value_set_int(v, "version", 1);
	return json_emit(v, JSON_AS_LINE);
}

char *
signature_sign(const struct signature_input *in, const unsigned char key[32],
    struct err *e)
{
	switch (signature_scheme(in->chain)) {
	case SIGNATURE_EVM:
		return sign_evm(in, key, e);
	case SIGNATURE_ED25519:
		return sign_ed25519(in, key);
	case SIGNATURE_NONE:
		break;
	}
	err_set(e, ERR_INVALID, "signatures of chain %s are not supported",
	    in->chain);
	return NULL;
}
