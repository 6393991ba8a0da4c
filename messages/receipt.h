/*
 * A receipt: the records of one run, signed by the node that ran it, for whom
 * the log itself is out of reach (docs/audit.md).
 *
 *   {"receipt": 1, "run", "node": public key, "records": [{"seq", "hash",
 *    "record"}...], "signature"}
 *
 * The signature is Ed25519 (RFC 8032), over "cella receipt 1" and a newline,
 * and the canonical JSON of everything but the signature.  Pure.
 */
#ifndef MESSAGES_RECEIPT_H
#define MESSAGES_RECEIPT_H

#include <stdbool.h>

struct err;
struct value;

#define RECEIPT_KEY 32 /* bytes of a key, private or public */

void receipt_public(const unsigned char key[RECEIPT_KEY],
    unsigned char public[RECEIPT_KEY]);

/* Adds node and signature to a receipt that has everything else. */
void receipt_sign(struct value *, const unsigned char key[RECEIPT_KEY]);

/* ERR_INVALID: it is none; ERR_DENIED: it is not signed by the key in it. */
int receipt_verify(const struct value *, struct err *);

#endif
