/* Which system calls two grants permit: the part of compare.h that tries their
 * arguments. */
#ifndef POLICY_COMPARE_CALLS_H
#define POLICY_COMPARE_CALLS_H

#include "policy/compare.h"

struct grant;

/* What is permitted of a call: nothing, some arguments, or all. */
enum compare_permitted { COMPARE_NOTHING, COMPARE_SOME, COMPARE_ALL };

struct compare_call {
	const char *name;
	enum compare_way way;
	enum compare_permitted before, after;
};

/* Told of each that is different, in the order of the names. */
int compare_calls(const struct grant *, const struct grant *,
    void (*fn)(void *arg, const struct compare_call *), void *arg,
    struct err *);

#endif
