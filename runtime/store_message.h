/*
 * What STORE and FORGET messages say, in the store: which file a reference
 * stands for, what its owner has put in its place since, and what is no longer
 * to be found.
 *
 *   messages/<hash>.json    of a STORE: address, time, digest, ref
 *   amends/<ref>/<hash>     that STORE takes the place of that one
 *   forgotten/<digest>      SHA-256 of address in lower case, newline, hash
 */
#ifndef RUNTIME_STORE_MESSAGE_H
#define RUNTIME_STORE_MESSAGE_H

#include <stdbool.h>

#include "messages/item_hash.h"

struct aleph_item;
struct err;
struct store;

/*
 * Whether it may: the file is there, and what it takes the place of is of the
 * same owner, no amend itself, and signed for by him.
 */
int store_message_check(struct store *, const struct aleph_item *,
    struct err *);

/* The same, and from now on it does. */
int store_message_add(struct store *, const struct aleph_item *, struct err *);

/* Some STORE bound this reference, and no operator. */
bool store_message_has(struct store *, const char *ref);

/* The same, and it is his. */
bool store_message_is_of(struct store *, const char *ref, const char *address);

/* 1: the newest that took its place, by the owner's time; 0: none did. */
int store_message_latest(struct store *, const char *ref,
    char latest[ITEM_HASH_MAX]);

/* For good: nobody can publish it again.  A STORE of somebody else's stays. */
int store_message_forget(struct store *, const char *address, const char *hash,
    struct err *);
bool store_message_is_forgotten(struct store *, const char *address,
    const char *hash);

#endif
