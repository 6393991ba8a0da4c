/* Messages that are no programs: PREPARE_READ and PREPARE_APPLY of them. */
#ifndef RUNTIME_PREPARE_ITEM_H
#define RUNTIME_PREPARE_ITEM_H

struct err;
struct prepare_program;
struct problems;
struct store;

/* 1: it is one, it may do what it says, and its bytes are kept; 0: it is none,
 * and nothing is said of it yet. */
int prepare_item_read(struct store *, int fd, struct prepare_program *,
    struct problems *, struct err *);

/* Does what it says; again: nothing changes. */
int prepare_item_apply(struct store *, const char *digest, struct err *);

#endif
