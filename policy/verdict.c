#include <signal.h>

#include "base/control.h"
#include "base/err.h"
#include "base/str.h"
#include "policy/verdict.h"

const char *
verdict_name(enum verdict v)
{
	static const char *const names[] = { "internal-error", "setup-error",
		"policy-violation", "oom", "cpu", "wall", "output", "disk",
		"signal", "exit", "ok" };

	invariant((size_t)v < nitems(names));
	return names[v];
}

enum verdict
verdict_of(const struct verdict_facts *f)
{
	if (f->ours_failed)
		return VERDICT_INTERNAL_ERROR;
	if (f->not_started)
		return VERDICT_SETUP_ERROR;
	/* The filter's kill: no honest program raises SIGSYS on itself. */
	if (f->signal == SIGSYS && CONTROL(45))
		return VERDICT_POLICY_VIOLATION;
	if (f->oom_kills > 0)
		return VERDICT_OOM;
	if (f->over_cpu)
		return VERDICT_CPU;
	if (f->over_wall)
		return VERDICT_WALL;
	if (f->over_output)
		return VERDICT_OUTPUT;
	/* The kernel's own signal for a file above RLIMIT_FSIZE. */
	if (f->over_disk || f->signal == SIGXFSZ)
		return VERDICT_DISK;
	if (f->signal != 0 || f->stopped)
		return VERDICT_SIGNAL;
	return f->status != 0 ? VERDICT_EXIT : VERDICT_OK;
}

int
verdict_exit_status(enum verdict v, const struct verdict_facts *f)
{
	switch (v) {
	case VERDICT_INTERNAL_ERROR:
	case VERDICT_SETUP_ERROR:
		return 125;
	case VERDICT_POLICY_VIOLATION:
	case VERDICT_OOM:
	case VERDICT_CPU:
	case VERDICT_WALL:
	case VERDICT_OUTPUT:
	case VERDICT_DISK:
		return 137;
	case VERDICT_SIGNAL:
		return 128 + (f->signal != 0 ? f->signal : SIGTERM);
	case VERDICT_EXIT:
	case VERDICT_OK:
		break;
	}
	return f->status;
}
