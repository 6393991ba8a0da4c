/* Points of the lattice, for tests of what holds of all of them. */
#ifndef TESTS_UNIT_RANDOM_GRANT_H
#define TESTS_UNIT_RANDOM_GRANT_H

#include "policy/grant.h"

/* Limits are small numbers, so that two of them are often the same. */
struct grant random_grant(unsigned *seed);

#endif
