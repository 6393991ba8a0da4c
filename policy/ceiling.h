/*
 * What the admin allows at most, from a YAML file (docs/policy.md).  Without a
 * file the built-in ceiling holds: the tier standard, and no network.
 */
#ifndef POLICY_CEILING_H
#define POLICY_CEILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/grant.h"
#include "policy/machine.h"

struct problems;
struct value;

#define CEILING_TRUSTED_MAX 64

struct ceiling {
	enum grant_tier tier; /* when nobody asks for one */
	struct grant grant;
	uint64_t set;      /* bit per limit: the file names it */
	uint64_t clamp;    /* bit per limit: lower instead of refusing */
	uint32_t optional; /* MACHINE_CONTROL_BIT */
	bool refuse_ungranted;
	bool from_file;
	size_t ntrusted;
	char trusted[CEILING_TRUSTED_MAX][65]; /* image digests */
};

void ceiling_default(struct ceiling *);

/* Every problem has line and column in its path if the reader knew them. */
int ceiling_read(struct ceiling *, const struct value *, struct problems *);

/* Ids of every problem that ceiling_read() can report. */
void ceiling_ids(void (*)(void *, const char *), void *);

#endif
