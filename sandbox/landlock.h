/* Landlock: what of it this kernel has, and rulesets made from their plans
 * (policy/landlock_plan.h). */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stdint.h>

struct landlock_plan;

/* 0 if the kernel has none, or it is off. */
int landlock_abi(void);

/* The optional controls that a kernel with this ABI does not have. */
uint32_t landlock_missing(int abi);

/* For landlock_restrict_self(2). */
uint32_t landlock_flags(int abi);

/*
 * A ruleset descriptor, or -1 with errno; the paths are opened in the caller's
 * root.  Uses system calls alone, so that it can run after vfork(2).
 */
int landlock_ruleset(const struct landlock_plan *);

#endif
