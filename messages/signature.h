/*
 * Who signed a message.  The signed bytes are chain, sender, type and item
 * hash with a newline between them, exactly as they stand in the envelope.
 *
 * ETH and the EVM chains: EIP-191 over the buffer, secp256k1 recovery, the
 * address compared without case.  SOL and ES: ed25519 over the buffer itself.
 * Every other chain is unsupported, by name: never passed as good.
 */
#ifndef MESSAGES_SIGNATURE_H
#define MESSAGES_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

struct err;

enum signature_verdict {
	SIGNATURE_GOOD,
	SIGNATURE_BAD,
	SIGNATURE_ABSENT,
	SIGNATURE_UNSUPPORTED,
	SIGNATURE_UNCHECKED, /* there is no item hash to check it over */
};

enum signature_scheme { SIGNATURE_NONE, SIGNATURE_EVM, SIGNATURE_ED25519 };

struct signature_input {
	const char *chain, *sender, *type, *item_hash;
	const char *signature; /* NULL: absent */
};

/* "good", "bad", "absent", "unsupported", "unchecked" */
const char *signature_verdict_name(enum signature_verdict);

/* False for a chain nobody knows. */
bool signature_is_chain(const char *chain);
const char *const *signature_chains(void); /* up to NULL */
enum signature_scheme signature_scheme(const char *chain);

/* why gets a sentence for every verdict but SIGNATURE_GOOD. */
enum signature_verdict signature_verify(const struct signature_input *,
    char *why, size_t size);

/*
 * The address that a key of 32 bytes signs as on that chain, and the signature
 * field of a message; the caller frees both.
 */
char *signature_address(const char *chain, const unsigned char key[32],
    struct err *);
char *signature_sign(const struct signature_input *,
    const unsigned char key[32], struct err *);

#endif
