/*
 * The audit log of a node, as core writes it (docs/audit.md): files of lines
 * (policy/audit.h) in STATE/audit, named by the number of their first record.
 *
 *   audit/00000000000000000001.log
 *   audit/key           u64 number, key: of the next record
 *   audit/initial.key   for the admin to take away: `cella audit key`
 *
 * Records wait until the next flush, which writes and syncs them together: so
 * many runs that start at once cost one sync.  A record whose adder waits for
 * it is on the disk before he is called.
 */
#ifndef RUNTIME_AUDIT_LOG_H
#define RUNTIME_AUDIT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

struct audit_log;
struct err;
struct value;

#define AUDIT_LOG_DIR "audit"
#define AUDIT_LOG_KEY "key"
#define AUDIT_LOG_INITIAL "initial.key"
#define AUDIT_LOG_FILE_BYTES (64 << 20) /* then the next file begins */
#define AUDIT_LOG_WAITING_MAX 4096 /* records, while nothing can be written */

struct audit_log_options {
	uint64_t file_bytes;
	bool drop_when_full; /* else what waits for its record is refused */
	const char *boot;    /* of this host, now; borrowed during the call */
};

/* why NULL: it is written and synced (or dropped, if that is what is asked). */
typedef void audit_log_fn(void *arg, const struct err *why);

/*
 * dir: the state directory, borrowed.  Takes up the log where it ends: a line
 * that a crash cut off is sealed, and whatever does not fit together is told
 * in a record, and as *broken (the caller frees; NULL: all is well).
 * ERR_BUSY: another process writes it.
 */
struct audit_log *audit_log_open(int dir, const struct audit_log_options *,
    char **broken, struct err *);

/* Says that it ends, and closes: what waits is written if it can be. */
void audit_log_close(struct audit_log *);

/* The record, a map, is taken over; the time is added.  fn may be NULL. */
void audit_log_add(struct audit_log *, struct value *record, audit_log_fn *fn,
    void *arg);

/* Who waits with that arg waits no more; his records are written all the same.
 */
void audit_log_forget(struct audit_log *, const void *arg);

/*
 * Writes what waits, and calls whoever waited.  -1: nothing of it is written;
 * who waited is told so, and the other records wait on.
 */
int audit_log_flush(struct audit_log *, struct err *);

/* The last record that is written: what somebody else should remember. */
uint64_t audit_log_last(const struct audit_log *, char hash[SHA256_HEX]);

/* The file that is written now, by the number of its first record. */
uint64_t audit_log_file(const struct audit_log *);

#endif
