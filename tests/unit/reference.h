/* libseccomp's filter for a model: the second witness of tests. */
#ifndef TESTS_UNIT_REFERENCE_H
#define TESTS_UNIT_REFERENCE_H

#include <linux/filter.h>
#include <stddef.h>

#include "policy/filter.h"

/* As libseccomp spells it: SCMP_ACT_*. */
uint32_t reference_action(struct filter_verdict);

/*
 * libseccomp has no order of rules, so it gets the calls without rules; the
 * default is the model's for unknown numbers.  The number of instructions.
 */
size_t reference_build(const struct filter_model *, struct sock_filter *,
    size_t max);

/* One rule alone; any other call is SECCOMP_RET_TRAP. */
size_t reference_build_rule(const struct filter_rule *, struct sock_filter *,
    size_t max);

#endif
