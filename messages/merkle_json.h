/*
 * Proofs of Merkle trees as JSON has them: an object with target_address,
 * log2_target_size, target_hash, log2_root_size, root_hash and sibling_hashes,
 * or the same names in camel case, as clients of gRPC print it.  Hashes are
 * hexadecimal digits, or objects with their bytes as base64; numbers may be
 * texts, and what is zero may be left out.
 */
#ifndef MESSAGES_MERKLE_JSON_H
#define MESSAGES_MERKLE_JSON_H

#include <stddef.h>

struct err;
struct value;

/*
 * Checks every proof of a document, wherever it stands, by nothing but itself,
 * and counts them.  The error says where the first is that is not good:
 * ERR_INVALID: malformed; ERR_DENIED: it leads to another root.
 */
int merkle_json_check(const struct value *, size_t *proofs, struct err *);

#endif
