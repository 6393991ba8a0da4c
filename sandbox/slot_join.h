/*
 * The slot's side of those who join its machine (join.h): how each of them goes
 * is said on a socket of its own, in the words of start_block.h, and whoever
 * closes the other end of it ends the program.
 */
#ifndef SANDBOX_SLOT_JOIN_H
#define SANDBOX_SLOT_JOIN_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include "guest/start_block.h"
#include "sandbox/join.h"

#define SLOT_JOINS_MAX 4 /* in one machine at a time; EBUSY above */

struct slot_join {
	pid_t pid; /* the joiner's, then the program's; 0: nobody */
	int pidfd;
	int status;
	bool in;    /* it is the program's */
	bool given; /* up: nobody hears of it */
	struct join_result *result;
};

struct slot_joins {
	struct slot_join item[SLOT_JOINS_MAX];
};

/* One word, to whoever has the other end. */
void slot_join_say(int status, enum start_word, uint32_t value, uint32_t step);

/* result: SLOT_JOINS_MAX, in memory that is shared with children. */
void slot_join_init(struct slot_joins *, struct join_result *);

/* init: of the machine.  status is taken over; it says also that it failed. */
void slot_join_start(struct slot_joins *, const struct child_self *, pid_t init,
    const struct join_fds *, int status);

/* What to wait for, two for each that there is; then what became of it. */
size_t slot_join_watch(const struct slot_joins *,
    struct pollfd[2 * SLOT_JOINS_MAX]);
void slot_join_turn(struct slot_joins *);

/* The machine is gone, and every program in it: nobody is left after this. */
void slot_join_end(struct slot_joins *);

#endif
