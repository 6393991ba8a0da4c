/* So many a minute: all of a minute's at once, then one at a time. */
#ifndef BASE_RATE_H
#define BASE_RATE_H

#include <stdint.h>

/*
 * spent_ns: up to when the rate is used, CLOCK_MONOTONIC; 0 at first.  0: one
 * more is, and was counted; else in how many nanoseconds one will be.  A rate
 * of 0 is none.
 */
uint64_t rate_take(uint64_t *spent_ns, uint32_t per_minute, uint64_t now_ns);

#endif
