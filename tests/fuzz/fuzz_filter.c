/* Any set of groups compiles to what its model says. */
#include <string.h>

#include "base/err.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct filter_model m;
	static struct filter_program p;
	uint64_t set = 0;
	struct err e;

	memcpy(&set, data, size < 8 ? size : 8);
	invariant(groups_model(set & GROUPS_ALL, size > 8 && data[8] & 1, &m,
		      &e) == 0);
	invariant(filter_compile(&m, &p, &e) == 0);
	invariant(filter_check(&m, &p, &e) == 0);
	return 0;
}
