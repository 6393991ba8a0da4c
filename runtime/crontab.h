/*
 * When functions with on.cron are due.  Times are seconds since 1970, UTC.  A
 * slot is a time that the expression names; it is due when the clock has
 * reached it, and a delay that is the function's own.
 *
 * A slot fires at most once: whatever the clock does, none fires that is not
 * later than the last one that did.  Those that were missed, by a node that was
 * down or a clock that jumped, come down to the latest of them.  Pure.
 */
#ifndef RUNTIME_CRONTAB_H
#define RUNTIME_CRONTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/cron.h"
#include "messages/item_hash.h"

struct err;

struct crontab_entry {
	char hash[ITEM_HASH_MAX];
	unsigned place; /* among the function's expressions, from 0 */
	char *text;
	struct cron cron;
	int64_t fired; /* the last slot that did, or when it was published */
	int64_t delay; /* seconds */
	int64_t next;  /* slot; INT64_MAX: there is none */
};

struct crontab {
	int64_t period; /* slots that come sooner after the last do not fire */
	int64_t jitter; /* the greatest delay */
	size_t len;
	struct crontab_entry *entry;
};

void crontab_fini(struct crontab *);

/* text: as cron_parse() takes it. */
int crontab_add(struct crontab *, const char *hash, unsigned place,
    const char *text, int64_t fired, struct err *);

/* All of that function. */
void crontab_remove(struct crontab *, const char *hash);

/* When the first entry is due; INT64_MAX: none ever is. */
int64_t crontab_due(const struct crontab *);

/*
 * An entry that is due, or NULL, and its latest slot, which has fired when this
 * returns.  Call until NULL.
 */
struct crontab_entry *crontab_fire(struct crontab *, int64_t now,
    int64_t *slot);

/* The slots that come next, from now on: how many were written. */
size_t crontab_next(const struct crontab *, const struct crontab_entry *,
    int64_t now, int64_t *slots, size_t n);

#endif
