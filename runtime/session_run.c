#include "base/clock.h"
#include "runtime/session_run.h"

/* A machine has several CPUs: what is left may be gone sooner than its time. */
#define SHARE 4
#define LOOK_NS UINT64_C(200000) /* no more often than that */

void
session_run_go_on(struct session_run *r, uint64_t now_ns, uint64_t cycles)
{
	r->increment_began_ns = now_ns;
	r->increment_end = clock_add(cycles, r->increment);
	if (r->increment_end > r->last)
		r->increment_end = r->last;
}

void
session_run_begin(struct session_run *r, uint64_t now_ns, uint64_t cycles)
{
	r->began_ns = now_ns;
	r->last = clock_add(cycles, r->max);
	session_run_go_on(r, now_ns, cycles);
}

enum session_run_state
session_run_look(struct session_run *r, uint64_t now_ns, uint64_t cycles,
    bool yielded)
{
	if (cycles >= r->last)
		return SESSION_RUN_CYCLES;
	if (yielded)
		return SESSION_RUN_GOES_ON;
	if (cycles >= r->increment_end) {
		if (now_ns - r->began_ns > r->deadline_ns)
			return SESSION_RUN_TIME;
		session_run_go_on(r, now_ns, cycles);
		return SESSION_RUN_GOES_ON;
	}
	return now_ns - r->increment_began_ns >= r->increment_deadline_ns
	    ? SESSION_RUN_LATE
	    : SESSION_RUN_GOES_ON;
}

uint64_t
session_run_wait(const struct session_run *r, uint64_t now_ns, uint64_t cycles)
{
	uint64_t left =
	    cycles < r->increment_end ? (r->increment_end - cycles) / SHARE : 0;
	uint64_t late =
	    clock_add(r->increment_began_ns, r->increment_deadline_ns);

	if (left < LOOK_NS)
		left = LOOK_NS;
	late = late > now_ns ? late - now_ns : 0;
	return left < late ? left : late;
}
