#include <time.h>

#include "base/clock.h"
#include "base/err.h"

static uint64_t
now(clockid_t id)
{
	struct timespec t;

	invariant(clock_gettime(id, &t) == 0);
	return (uint64_t)t.tv_sec * CLOCK_SECOND + (uint64_t)t.tv_nsec;
}

uint64_t
clock_mono_ns(void)
{
	return now(CLOCK_MONOTONIC);
}

uint64_t
clock_real_ns(void)
{
	return now(CLOCK_REALTIME);
}

uint64_t
clock_add(uint64_t ns, uint64_t more)
{
	return more > UINT64_MAX - ns ? UINT64_MAX : ns + more;
}
