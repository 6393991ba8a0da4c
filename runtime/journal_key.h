/* Keys of functions that not everybody may call, in the journal. */
#ifndef RUNTIME_JOURNAL_KEY_H
#define RUNTIME_JOURNAL_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sha256.h"
#include "messages/item_hash.h"

struct err;
struct journal;

#define JOURNAL_KEY_NAME 65

struct journal_key {
	uint64_t number;
	char hash[ITEM_HASH_MAX];        /* of the function */
	char digest[SHA256_HEX];         /* of the key: nobody here knows it */
	char name[JOURNAL_KEY_NAME];     /* whose it is, for people */
	uint32_t rate;                   /* calls a minute; 0: any */
	uint64_t created_ns, revoked_ns; /* 0: it is good */
};

/* Its number is set. */
int journal_add_key(struct journal *, struct journal_key *, struct err *);
int journal_revoke_key(struct journal *, uint64_t number, uint64_t now_ns,
    struct err *);

/* All of that function: everybody may call it again. */
int journal_drop_keys(struct journal *, const char *hash, struct err *);

/* In the order of their numbers; fn returns 0 to go on. */
int journal_each_key(struct journal *,
    int (*fn)(void *, const struct journal_key *), void *arg, struct err *);

#endif
