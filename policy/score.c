#include <string.h>

#include "base/str.h"
#include "policy/grant.h"
#include "policy/machine.h"
#include "policy/score.h"

#define FORBIDDEN 13 /* calls of SC02 */
#define UNSAFE 75
#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

static unsigned
clamp(uint64_t b)
{
	return b > 1000 ? 1000 : (unsigned)b;
}

static unsigned
rate_calls(const struct score_facts *f)
{
	return f->calls <= 150 ? 0 : clamp(4 * (uint64_t)(f->calls - 150));
}

static unsigned
rate_writable(const struct score_facts *f)
{
	return f->writable == 0            ? 0
	    : f->writable <= 64 * MIB      ? 100
	    : f->writable <= 512 * MIB     ? 300
	    : f->writable <= 4 * KIB * MIB ? 600
					   : 1000;
}

static unsigned
rate_landlock(const struct score_facts *f)
{
	unsigned b = 0;

	if ((f->optional & MACHINE_CONTROL_BIT(MACHINE_LANDLOCK)) != 0)
		return 1000;
	for (int c = MACHINE_LANDLOCK_TRUNCATE; c <= MACHINE_LANDLOCK_LOG; c++)
		b += (f->optional & MACHINE_CONTROL_BIT(c)) != 0 ? 150 : 0;
	return b;
}

static unsigned
rate_net(const struct score_facts *f)
{
	static const unsigned b[] = { [GRANT_NET_NONE] = 0,
		[GRANT_NET_LOOPBACK] = 100,
		[GRANT_NET_EGRESS] = 700 };

	return b[f->net];
}

static unsigned
rate_optional(const struct score_facts *f)
{
	return 100 * (unsigned)__builtin_popcount(f->optional);
}

static unsigned
rate_core(const struct score_facts *f)
{
	return (f->optional & MACHINE_CONTROL_BIT(MACHINE_CORE_SCHED)) != 0
	    ? 500
	    : 0;
}

static unsigned
rate_forbidden(const struct score_facts *f)
{
	return 1000 * f->forbidden / FORBIDDEN;
}

static unsigned
rate_families(const struct score_facts *f)
{
	return clamp(100 * (uint64_t)f->families);
}

static unsigned
rate_ioctl(const struct score_facts *f)
{
	return f->any_ioctl ? 1000 : 0;
}

static unsigned
rate_wx(const struct score_facts *f)
{
	return f->wx ? 1000 : 0;
}

static unsigned
rate_exec(const struct score_facts *f)
{
	return f->exec_writable ? 1000 : 0;
}

static unsigned
rate_breadth(const struct score_facts *f)
{
	return f->breadth;
}

static unsigned
rate_names(const struct score_facts *f)
{
	return f->all_names ? 1000 : f->names ? 300 : 0;
}

static unsigned
rate_limits(const struct score_facts *f)
{
	return 1000 * f->above / GRANT_LIMITS;
}

static unsigned
rate_wall(const struct score_facts *f)
{
	return clamp(1000 * f->wall_s / 3600);
}

static unsigned
rate_output(const struct score_facts *f)
{
	return clamp(1000 * f->output_mib / 64);
}

static unsigned
rate_audit(const struct score_facts *f)
{
	return f->audit_drops ? 1000 : 0;
}

/* fixed: of every machine, whatever its policy. */
static const struct {
	const char *id, *what;
	unsigned weight, fixed;
	unsigned (*rate)(const struct score_facts *);
	const char *improve;
} checks[SCORE_CHECKS] = {
	{ "SC01", "calls that nobody knows", 30, 0, NULL, NULL },
	{ "SC02", "calls that are out of bounds", 130, 0, rate_forbidden,
	    NULL },
	{ "SC03", "calls that are permitted", 50, 0, rate_calls,
	    "seccomp.groups: name only those that are needed" },
	{ "SC04", "families of sockets", 40, 0, rate_families,
	    "seccomp.groups: leave out the sock- groups" },
	{ "SC05", "ioctl", 20, 0, rate_ioctl, NULL },
	{ "SC06", "memory that is writable and executable", 30, 0, rate_wx,
	    "seccomp.wx: deny" },
	{ "PR01", "capabilities", 60, 0, NULL, NULL },
	{ "PR02", "no-new-privileges", 30, 0, NULL, NULL },
	{ "PR03", "ids of the host", 40, 0, NULL, NULL },
	{ "PR04", "nested user namespaces", 30, 0, NULL, NULL },
	{ "PR05", "securebits", 20, 0, NULL, NULL },
	{ "PR06", "set-user-id", 20, 0, NULL, NULL },
	{ "NS01", "user namespace", 15, 0, NULL, NULL },
	{ "NS02", "mount namespace", 15, 0, NULL, NULL },
	{ "NS03", "pid namespace", 15, 0, NULL, NULL },
	{ "NS04", "network namespace", 15, 0, NULL, NULL },
	{ "NS05", "ipc namespace", 15, 0, NULL, NULL },
	{ "NS06", "uts namespace", 15, 0, NULL, NULL },
	{ "NS07", "cgroup namespace", 15, 0, NULL, NULL },
	{ "NS08", "time namespace", 15, 1000, NULL, NULL },
	{ "FS01", "bytes that can be written", 30, 0, rate_writable,
	    "mounts: less of tmp, shm and export" },
	{ "FS02", "programs on writable volumes", 30, 0, rate_exec,
	    "exec_writable: false" },
	{ "FS03", "/proc and /sys", 15, 0, NULL, NULL },
	{ "FS04", "devices", 10, 100, NULL, NULL },
	{ "FS05", "what machines of others share", 20, 300, NULL, NULL },
	{ "FS06", "images that the kernel reads", 25, 400, NULL, NULL },
	{ "FS07", "Landlock may be missing", 20, 0, rate_landlock,
	    "landlock.required_abi: what this host has" },
	{ "NW01", "network", 40, 0, rate_net, "net.mode: none" },
	{ "NW02", "where to", 40, 0, rate_breadth,
	    "net.allow: narrower networks, fewer ports" },
	{ "NW03", "metadata services, link-local", 20, 0, NULL, NULL },
	{ "NW04", "names that are answered", 10, 0, rate_names,
	    "net.dns.names: only those that are needed" },
	{ "NW05", "who connects to it", 10, 0, NULL, NULL },
	{ "RS01", "limits above the tier standard", 30, 0, rate_limits,
	    "limits: none above the tier standard" },
	{ "RS02", "swap", 10, 0, NULL, NULL },
	{ "RS03", "wall time", 15, 0, rate_wall, "limits.wall: less" },
	{ "RS04", "output", 15, 0, rate_output,
	    "limits: less of stdout, stderr and body" },
	{ "OP01", "controls that may be missing", 15, 0, rate_optional,
	    "optional: only what this host lacks" },
	{ "OP03", "a core shared with others", 10, 0, rate_core,
	    "optional: without core_sched" },
	{ "OP04", "the audit log on a full disk", 10, 0, rate_audit,
	    "audit.on_full: stop" },
	{ "OP05", "refusals are logged", 5, 0, NULL, NULL },
};

void
score_rate(const struct score_facts *f, struct score *s)
{
	uint64_t sum = 0;
	struct score_check *c;

	for (size_t i = 0; i < SCORE_CHECKS; i++) {
		c = &s->check[i];
		*c = (struct score_check){ checks[i].id, checks[i].what,
			checks[i].weight,
			checks[i].rate == NULL ? checks[i].fixed
					       : checks[i].rate(f),
			checks[i].improve };
		sum += (uint64_t)c->weight * c->badness;
	}
	s->total = (unsigned)(sum / 10000);
	if (f->forbidden > 0 && s->total < UNSAFE)
		s->total = UNSAFE;
}

const char *
score_band(unsigned total)
{
	return total < 10    ? "strict"
	    : total < 25     ? "good"
	    : total < 50     ? "fair"
	    : total < UNSAFE ? "weak"
			     : "unsafe";
}

static unsigned
adds(const struct score_check *c)
{
	return c->weight * c->badness;
}

size_t
score_improvements(const struct score *s, size_t *to, size_t n)
{
	size_t len = 0, at;

	for (size_t i = 0; i < SCORE_CHECKS; i++) {
		if (s->check[i].improve == NULL || adds(&s->check[i]) == 0)
			continue;
		at = len;
		while (
		    at > 0 && adds(&s->check[to[at - 1]]) < adds(&s->check[i]))
			at--;
		if (at == n)
			continue;
		if (len < n)
			len++;
		memmove(to + at + 1, to + at, (len - at - 1) * sizeof(*to));
		to[at] = i;
	}
	return len;
}
