/* What a server has sent, before anything believes it: PREPARE_TAKE. */
#ifndef RUNTIME_PREPARE_TAKE_H
#define RUNTIME_PREPARE_TAKE_H

#include "base/sha256.h"
#include "messages/fetch_msgs.h"
#include "messages/item_hash.h"

struct ceiling_fetch;
struct err;
struct store;

/*
 * FETCH_FILE: kept if its SHA-256 is the hash, and the cache has room.
 * FETCH_MESSAGE: a page with the STORE message of that hash, signed by its
 * owner; if what it names is not here, need is set and nothing is done.  digest
 * is of what was kept.
 */
int prepare_take(struct store *, const struct ceiling_fetch *, enum fetch_what,
    const char *hash, int fd, char digest[SHA256_HEX], char need[ITEM_HASH_MAX],
    struct err *);

#endif
