#include <stdlib.h>
#include <string.h>

#include <nettle/eddsa.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/receipt.h"
#include "messages/value.h"

#define SIGNATURE ((size_t)ED25519_SIGNATURE_SIZE)

void
receipt_public(const unsigned char key[RECEIPT_KEY],
    unsigned char public[RECEIPT_KEY])
{
	ed25519_sha512_public_key(public, key);
}

/* What is signed. */
static void
add_signed(struct buf *b, const struct value *receipt)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	char *text;

	for (size_t i = 0; i < receipt->len; i++)
		if (strcmp(receipt->key[i], "signature") != 0)
			value_set(v, receipt->key[i],
			    value_copy(receipt->item[i]));
	text = json_emit(v, JSON_AS_CANONICAL);
	buf_add_str(b, "cella receipt 1\n");
	buf_add_str(b, text);
	free(text);
}

void
receipt_sign(struct value *v, const unsigned char key[RECEIPT_KEY])
{
	unsigned char public[RECEIPT_KEY], signature[SIGNATURE];
	char hex[2 * SIGNATURE + 1];
	buf_auto struct buf b = { 0 };

	receipt_public(key, public);
	str_hex(hex, public, sizeof(public));
	value_set_text(v, "node", hex);
	add_signed(&b, v);
	ed25519_sha512_sign(public, key, b.len, (const uint8_t *)b.data,
	    signature);
	str_hex(hex, signature, sizeof(signature));
	value_set_text(v, "signature", hex);
}

/* Of exactly that many bytes. */
static bool
get_hex(const struct value *v, const char *field, unsigned char *out, size_t n)
{
	const char *text = value_get_text(v, field);

	return text != NULL && strlen(text) == 2 * n && str_unhex(out, n, text);
}

int
receipt_verify(const struct value *v, struct err *e)
{
	unsigned char public[RECEIPT_KEY], signature[SIGNATURE];
	buf_auto struct buf b = { 0 };

	if (v->kind != VALUE_MAP || value_get_int(v, "receipt", 0) != 1)
		return err_set(e, ERR_INVALID, "not a receipt of version 1");
	if (!get_hex(v, "node", public, sizeof(public)) ||
	    !get_hex(v, "signature", signature, sizeof(signature)))
		return err_set(e, ERR_INVALID,
		    "a receipt without the node's key or its signature");
	add_signed(&b, v);
	if (ed25519_sha512_verify(public, b.len, (const uint8_t *)b.data,
		signature) == 1)
		return 0;
	return err_set(e, ERR_DENIED, "it is not as the node signed it");
}
