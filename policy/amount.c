#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "policy/amount.h"

bool
amount_parse(enum grant_limit limit, const char *text, uint64_t *out)
{
	static const struct {
		const char *kind, *suffix;
		uint64_t factor;
	} units[] = {
		{ "bytes", "B", 1 },
		{ "bytes", "KiB", 1 << 10 },
		{ "bytes", "MiB", 1 << 20 },
		{ "bytes", "GiB", 1 << 30 },
		{ "bytes/s", "B/s", 1 },
		{ "bytes/s", "MB/s", 1000000 },
		{ "ns", "ms", 1000000 },
		{ "ns", "s", 1000000000 },
		{ "percent", "%", 1 },
		{ "count", "", 1 },
	};
	size_t digits = strspn(text, "0123456789");
	uint64_t n;

	if (digits == 0 || digits > 18)
		return false;
	n = strtoull(text, NULL, 10);
	for (size_t i = 0; i < nitems(units); i++)
		if (strcmp(units[i].kind, grant_limit_unit(limit)) == 0 &&
		    strcmp(units[i].suffix, text + digits) == 0)
			return !__builtin_mul_overflow(n, units[i].factor, out);
	return false;
}
