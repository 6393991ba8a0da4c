/* The clocks, in nanoseconds. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_SECOND UINT64_C(1000000000)

uint64_t clock_mono_ns(void); /* CLOCK_MONOTONIC */
uint64_t clock_real_ns(void); /* CLOCK_REALTIME */

/* A time and so much later; what is beyond all times is UINT64_MAX. */
uint64_t clock_add(uint64_t ns, uint64_t more);

#endif
