#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/groups.h"
#include "tests/unit/random_grant.h"

/* Networks within networks, public and private, and ranges that overlap. */
static void
add_random_rule(unsigned *seed, struct egress *e)
{
	static const struct egress_net nets[] = { { 4, 0, { 0 } },
		{ 4, 7, { 10 } }, { 4, 8, { 10 } }, { 4, 16, { 10, 1 } },
		{ 6, 0, { 0 } }, { 6, 16, { 0xfd, 1 } } };
	struct egress_rule r;

	memset(&r, 0, sizeof(r));
	r.net = nets[(size_t)rand_r(seed) % nitems(nets)];
	r.proto = rand_r(seed) % 2 ? EGRESS_TCP : EGRESS_UDP;
	r.first = (uint16_t)(1 + rand_r(seed) % 5);
	r.last = (uint16_t)(r.first + rand_r(seed) % 5);
	invariant(egress_add(e, &r));
}

struct grant
random_grant(unsigned *seed)
{
	struct grant g = {
		.groups = (uint64_t)rand_r(seed) & GROUPS_ALL,
		.net = (uint8_t)(rand_r(seed) % 3),
		.wx = rand_r(seed) % 2 == 0,
		.exec_writable = rand_r(seed) % 2 == 0,
	};

	for (size_t i = 0; i < GRANT_LIMITS; i++)
		g.limit[i] = (uint64_t)rand_r(seed) % 8;
	for (int i = rand_r(seed) % 4; g.net == GRANT_NET_EGRESS && i > 0; i--)
		add_random_rule(seed, &g.egress);
	return g;
}
