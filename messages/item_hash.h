/* The three forms of an item hash: contracts of the Aleph network. */
#ifndef MESSAGES_ITEM_HASH_H
#define MESSAGES_ITEM_HASH_H

enum item_hash_kind {
	ITEM_HASH_NONE,
	ITEM_HASH_STORAGE, /* SHA-256, 64 lower-case digits */
	ITEM_HASH_CIDV0,   /* Qm..., base58btc multihash, 44 to 46 */
	ITEM_HASH_CIDV1,   /* bafy..., base32, dag-pb, 59 */
};

#define ITEM_HASH_MAX 65 /* with the final NUL */

enum item_hash_kind item_hash_kind(const char *);

#endif
