#include "base/clock.h"
#include "base/rate.h"

#define MINUTE (60 * CLOCK_SECOND)

uint64_t
rate_take(uint64_t *spent_ns, uint32_t per_minute, uint64_t now_ns)
{
	uint64_t cost, after;

	if (per_minute == 0)
		return 0;
	cost = MINUTE / per_minute;
	after = (*spent_ns < now_ns ? now_ns : *spent_ns) + cost;
	if (after > now_ns + MINUTE)
		return after - (now_ns + MINUTE);
	*spent_ns = after;
	return 0;
}
