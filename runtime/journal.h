/*
 * What must survive a kill: STATE/journal.db, by SQLite (WAL, synchronous
 * FULL).  What a function here says is done is on the disk when it returns.
 * Core is the only writer.
 */
#ifndef RUNTIME_JOURNAL_H
#define RUNTIME_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "messages/prepare_msgs.h"

struct err;
struct journal;

/* In the working directory.  NULL: a damaged or a newer one is refused. */
struct journal *journal_open(struct err *);
void journal_close(struct journal *);

/* Once for each process that opens it: a number that no other one has. */
int journal_begin_life(struct journal *, uint64_t now_ns, uint32_t *number,
    struct err *);

/* A function that is published; again: nothing changes, and fresh is false. */
int journal_add_program(struct journal *, const struct prepare_program *,
    uint64_t now_ns, bool *fresh, struct err *);

/* Its owner took it back: nobody finds it from now on, or publishes it. */
int journal_forget_program(struct journal *, const char *hash, uint64_t now_ns,
    struct err *);

/* How many functions, jobs that have not ended, and bytes that jobs keep. */
void journal_load(const struct journal *, uint64_t *functions,
    uint64_t *waiting, uint64_t *bytes);

/* ERR_NOT_FOUND if nobody published it. */
int journal_find_program(struct journal *, const char *hash,
    struct prepare_program *, struct err *);

/* In the order of publishing; fn returns 0 to go on. */
int journal_each_program(struct journal *,
    int (*fn)(void *, const struct prepare_program *, uint64_t published_ns),
    void *arg, struct err *);

/*
 * A feed of messages: all that it sent before that time became what it had to.
 * 0: nobody has followed it.
 */
int journal_get_feed(struct journal *, const char *url, uint64_t *heard_ns,
    struct err *);
int journal_set_feed(struct journal *, const char *url, uint64_t heard_ns,
    struct err *);

#endif
