/*
 * What a program gets: the meet of the admin's ceiling, a tier and the
 * message's wishes; or a refusal that names the rule, the field, what was
 * asked and what is allowed.  Pure.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include <stdint.h>

#include "policy/ceiling.h"
#include "policy/grant.h"

struct aleph_program;
struct err;
struct value;

/* Who set a field. */
enum decide_origin {
	DECIDE_TIER,
	DECIDE_ADMIN,
	DECIDE_MESSAGE,
	DECIDE_CLAMP, /* the message asked for more; the ceiling lowered it */
	DECIDE_COMMAND,
};

struct decision {
	enum grant_tier tier;
	struct grant grant;
	uint8_t origin[GRANT_LIMITS]; /* enum decide_origin */
};

struct decide_wish {
	int tier;         /* enum grant_tier, or -1: the ceiling's */
	uint64_t wall_ns; /* --timeout; 0: none */
};

int decide(const struct aleph_program *, const struct ceiling *,
    const struct decide_wish *, struct decision *, struct err *);

const char *decide_origin_name(enum decide_origin);

/*
 * The decision as a document: what digests are taken of, and what explain
 * prints.  The caller frees.
 */
struct value *decide_document(const struct decision *, const struct ceiling *);

/* SHA-256 over the canonical form of the document, 64 digits and a NUL. */
void decide_digest(const struct value *document, char hex[65]);

#endif
