/*
 * Who may call a function that has keys: whoever shows a good one of them, as
 * often as it may be used.  A function that never had one is everybody's; one
 * whose keys are all revoked is nobody's, until its operator opens it.  Core
 * knows digests, and no key.
 */
#ifndef RUNTIME_CORE_KEYS_H
#define RUNTIME_CORE_KEYS_H

#include <stddef.h>

#include "runtime/journal_key.h"

struct core;
struct core_key;
struct err;
struct frame;
struct value;

#define CORE_KEYS_BUCKETS 256
#define CORE_KEYS_MAX 100000

struct core_keys {
	struct core *core;
	size_t len;
	struct core_key *by_digest[CORE_KEYS_BUCKETS];
	struct core_key *by_hash[CORE_KEYS_BUCKETS];
};

/* With what the journal has. */
int core_keys_open(struct core_keys *, struct core *, struct err *);
void core_keys_close(struct core_keys *);

/*
 * Of one call: digest of what was shown, or "".  ERR_AUTH: a key is needed;
 * ERR_DENIED: this one is not good; ERR_QUOTA: it was used too often.  name: of
 * the key, or "": borrowed.
 */
int core_keys_check(struct core_keys *, const char *hash, const char *digest,
    const char **name, struct err *);

/* FRONT_KEY. */
int core_keys_hear(void *core, struct frame *, struct err *);

/* All, for people and programs; the caller frees. */
struct value *core_keys_list(const struct core_keys *);

#endif
