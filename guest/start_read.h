/*
 * Reads the args block (start_block.h) for whoever is about to become a
 * program and has no privilege left.  Freestanding.
 */
#ifndef GUEST_START_READ_H
#define GUEST_START_READ_H

#include <stdint.h>

#include "guest/start_block.h"

/*
 * The block of len bytes as argv, NULL, envp, NULL in one array of
 * START_STRINGS_MAX + 2, which points into it: where envp begins, or 0 if it is
 * malformed.
 */
static inline uint32_t
start_read(const struct start_args *a, uint64_t len, const char **strings)
{
	const char *p = (const char *)(a + 1);
	uint32_t at = 0, left, n;

	if (len < sizeof(*a) || a->magic != START_MAGIC || a->nargs == 0 ||
	    a->nargs > START_STRINGS_MAX || a->nenv > START_STRINGS_MAX ||
	    a->nargs + a->nenv > START_STRINGS_MAX ||
	    sizeof(*a) + (uint64_t)a->bytes != len)
		return 0;
	left = a->bytes;
	n = a->nargs + a->nenv;
	for (uint32_t i = 0; i < n; i++) {
		if (i == a->nargs)
			strings[at++] = 0;
		strings[at++] = p;
		while (left > 0 && *p != '\0') {
			p++;
			left--;
		}
		if (left == 0)
			return 0;
		p++;
		left--;
	}
	/* Without an environment nothing stands between the two ends. */
	if (a->nenv == 0)
		strings[at++] = 0;
	strings[at] = 0;
	return a->nargs + 1;
}

#endif
