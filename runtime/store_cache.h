/*
 * Which of a store's blobs came from servers: they may go when they take too
 * much room, those first that nobody used for the longest time, because they
 * can be asked for again.  What an operator added is never among them.
 *
 *   fetched/<digest>    it came from a server; its time is that of the last use
 *   pins/<digest>       an operator wants it to stay all the same
 */
#ifndef RUNTIME_STORE_CACHE_H
#define RUNTIME_STORE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;

/* What was used so lately may be about to be used. */
#define STORE_CACHE_GRACE_S 600

/* It came from a server, now; it is the operator's own, from now on. */
int store_cache_mark(struct store *, const char *digest, struct err *);
void store_cache_keep(struct store *, const char *digest);

/* It is used, if it is one of them. */
void store_cache_touch(struct store *, const char *digest);

/* 1: from a server; 0: not. */
bool store_cache_has(struct store *, const char *digest);

int store_cache_pin(struct store *, const char *digest, bool, struct err *);
bool store_cache_is_pinned(struct store *, const char *digest);

struct store_cache_gone {
	uint64_t blobs, bytes; /* with what was made from them */
	uint64_t left;         /* bytes of those that stay */
};

/*
 * Until all together have at most max bytes, or no other may go: pinned ones
 * stay, and those that were used within so many seconds.  fn is told each, or
 * NULL; dry: nothing is removed.
 */
int store_cache_trim(struct store *, uint64_t max, unsigned grace_s, bool dry,
    void (*fn)(void *, const char *digest, uint64_t bytes), void *arg,
    struct store_cache_gone *, struct err *);

#endif
