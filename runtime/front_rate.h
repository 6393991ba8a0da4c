/*
 * How often each address may call.  The table has no more than so many
 * addresses; a new one takes the place of one that has most of its rate left,
 * who then has all of it: many addresses are not held back by this, and one is
 * not pushed out by a few.  Pure.
 */
#ifndef RUNTIME_FRONT_RATE_H
#define RUNTIME_FRONT_RATE_H

#include <stdint.h>

#define FRONT_RATE_SETS 1024
#define FRONT_RATE_WAYS 8

/*
 * An IPv6 address; of IPv4 mapped into it (RFC 4291, 2.5.5.2).  Of the former
 * only the network counts, its first 64 bits: who has one has all its hosts.
 */
struct front_address {
	unsigned char byte[16];
};

struct front_rate {
	uint32_t per_minute; /* 0: as often as he likes */
	uint64_t salt;       /* nobody chooses whom he pushes out */
	struct {
		struct front_address address;
		uint64_t spent_ns;
	} entry[FRONT_RATE_SETS][FRONT_RATE_WAYS];
};

/* 0: he may, and it was counted; else in how many nanoseconds he may. */
uint64_t front_rate_take(struct front_rate *, const struct front_address *,
    uint64_t now_ns);

/* Of a connection's other end; all zero if it is no address of IP. */
void front_rate_address(int fd, struct front_address *);

#endif
