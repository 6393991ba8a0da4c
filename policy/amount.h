/* Sizes, times, shares and counts as people write them. */
#ifndef POLICY_AMOUNT_H
#define POLICY_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/grant.h"

/*
 * "128MiB", "64KiB", "512B" for bytes; "100MB/s"; "30s", "500ms" for ns;
 * "400%"; plain digits for counts: by the limit's unit.  False if the text is
 * anything else or overflows.
 */
bool amount_parse(enum grant_limit, const char *, uint64_t *);

#endif
