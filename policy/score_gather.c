#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "policy/ceiling.h"
#include "policy/compare_calls.h"
#include "policy/decide.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "policy/score.h"

#define FAMILIES 46 /* AF_MAX of Linux 6 */

static const char *const forbidden[] = { "mount", "init_module", "bpf",
	"perf_event_open", "io_uring_setup", "userfaultfd", "keyctl", "ptrace",
	"unshare", "clock_settime", "reboot", "iopl", "open_by_handle_at" };

static bool
permits(const struct filter_model *m, const char *call, uint64_t arg0,
    uint64_t arg1)
{
	const uint64_t args[6] = { arg0, arg1 };
	int nr = syscalls_number(SYSCALLS_NATIVE, call);

	return nr >= 0 &&
	    filter_decide(m, (uint32_t)nr, args).act == (uint8_t)FILTER_ALLOW;
}

/* Of any kind: SOCK_STREAM to SOCK_PACKET. */
static unsigned
count_families(const struct filter_model *m)
{
	unsigned n = 0;

	for (unsigned family = 0; family < FAMILIES; family++)
		for (unsigned type = 1; type <= 10; type++)
			if (permits(m, "socket", family, type)) {
				n++;
				break;
			}
	return n;
}

static void
count_call(void *arg, const struct compare_call *c)
{
	*(unsigned *)arg += c->before != COMPARE_NOTHING;
}

static unsigned
log2_up(unsigned n)
{
	unsigned bits = 0;

	while (1U << bits < n)
		bits++;
	return bits;
}

static unsigned
rate_breadth(const struct egress *e)
{
	unsigned widest = 0, bits, b;
	const struct egress_rule *r;

	for (uint32_t i = 0; i < e->n; i++) {
		r = &e->rule[i];
		bits = (r->net.family == 4 ? 32U : 128U) - r->net.prefix;
		b = 20 * (bits > 32 ? 32 : bits) +
		    22 * log2_up(r->last - r->first + 1U);
		widest = b > widest ? b : widest;
	}
	return widest > 1000 ? 1000 : widest;
}

static void
gather_names(const struct ceiling_dns *d, struct score_facts *f)
{
	f->names = f->net == GRANT_NET_EGRESS && d->nnames > 0;
	for (size_t i = 0; f->names && i < d->nnames; i++)
		f->all_names |= strcmp(d->name[i], "*") == 0;
}

static void
gather_limits(const uint64_t *limit, struct score_facts *f)
{
	const uint64_t *standard = grant_of_tier(GRANT_STANDARD)->limit;
	const uint64_t most =
	    UINT64_MAX / 4; /* three of them are no overflow */
	uint64_t l[GRANT_LIMITS];

	for (size_t i = 0; i < GRANT_LIMITS; i++) {
		f->above += limit[i] > standard[i];
		l[i] = limit[i] > most ? most : limit[i];
	}
	f->writable = l[GRANT_TMP] + l[GRANT_SHM] + l[GRANT_EXPORT];
	f->wall_s = l[GRANT_WALL] / CLOCK_SECOND;
	f->output_mib =
	    (l[GRANT_STDOUT] + l[GRANT_STDERR] + l[GRANT_BODY]) >> 20;
}

int
score_gather(const struct decision *d, const struct ceiling *c,
    struct score_facts *f, struct err *e)
{
	static const struct grant nothing;
	static struct filter_model m;
	const struct grant *g = &d->grant;

	memset(f, 0, sizeof(*f));
	if (groups_model(g->groups, !g->wx, &m, e) == -1 ||
	    compare_calls(g, &nothing, count_call, &f->calls, e) == -1)
		return -1;
	for (size_t i = 0; i < nitems(forbidden); i++)
		f->forbidden += permits(&m, forbidden[i], 0, 0);
	f->families = count_families(&m);
	f->any_ioctl = permits(&m, "ioctl", 0, 0xdeadbeef);
	f->wx = g->wx;
	f->exec_writable = g->exec_writable;
	f->audit_drops = c->node.audit_drops;
	f->net = g->net;
	f->breadth = rate_breadth(&g->egress);
	f->optional = c->optional;
	gather_names(&c->dns, f);
	gather_limits(g->limit, f);
	return 0;
}
