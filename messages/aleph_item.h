/*
 * The other messages that a node reads: STORE, which says what a reference
 * stands for and what takes an older one's place, and FORGET, by which an owner
 * takes messages back.  Only inline ones: nothing vouches for the rest.
 */
#ifndef MESSAGES_ALEPH_ITEM_H
#define MESSAGES_ALEPH_ITEM_H

#include <stdbool.h>
#include <stdint.h>

#include "messages/item_hash.h"

struct aleph_envelope;
struct problems;
struct value;

#define ALEPH_ITEM_FORGETS_MAX 100

enum aleph_item_kind { ALEPH_STORE, ALEPH_FORGET };

/* Strings are borrowed from the message's tree. */
struct aleph_item {
	enum aleph_item_kind kind;
	char id[ITEM_HASH_MAX];
	const char *address; /* the owner */
	int64_t time_us;     /* since 1970 */
	bool signed_by_owner;

	/* STORE */
	const char *file; /* hash of the bytes, or their CID */
	const char *ref;  /* of the STORE whose place it takes, or NULL */

	/* FORGET */
	const struct value *hashes; /* a list of texts, each an item hash */
};

/*
 * From a message that aleph_read() found to be no program.  -1: it is neither,
 * or problems say what is wrong with it.
 */
int aleph_item_read(struct aleph_item *, const struct aleph_envelope *,
    const struct value *root, struct problems *);

/* Addresses of the EVM are compared without case, and so are all. */
bool aleph_item_same_address(const char *, const char *);

#endif
