/*
 * Ranges of host ids.  Each tenant of a launcher gets a range of its own, and
 * no two launchers of a host use the same one at a time: a range is held by a
 * lock on a file that is never removed (removing it would race).
 */
#ifndef SANDBOX_IDS_H
#define SANDBOX_IDS_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/* Above systemd's container ids, below 2^31. */
#define IDS_FIRST 2000000000U
#define IDS_COUNT 65536U
#define IDS_RANGES 2048

/*
 * Takes a free range: its first id goes to base, and the lock is the result.
 * dir: where the lock files are.
 */
int ids_take(int dir, uint32_t *base, struct err *);

/*
 * Locks the file PREFIX.NUMBER and returns it.  ERR_BUSY: another holds it;
 * ERR_NOT_FOUND: there is none, and it was not to be made.
 */
int ids_lock(int dir, const char *prefix, uint32_t number, bool create,
    struct err *);

/* Waits for its turn at what launchers share: the lock, or -1. */
int ids_wait(int dir, const char *name, struct err *);

#endif
