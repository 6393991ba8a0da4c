/*
 * What is different between two policies: by what they permit, and not by how
 * they are written.  Each thing is looked at by itself, so that a policy may be
 * wider in one and narrower in another.  Pure.
 */
#ifndef POLICY_COMPARE_H
#define POLICY_COMPARE_H

struct ceiling;
struct decision;
struct err;

/* Of the second policy, beside the first. */
enum compare_way {
	COMPARE_EQUAL,
	COMPARE_NARROWER,
	COMPARE_WIDER,
	COMPARE_OTHER, /* it permits something else: wider, for who asks */
};

/* A policy, as something is granted under it. */
struct compare_side {
	const struct decision *decision;
	const struct ceiling *ceiling;
};

/*
 * Told of each difference.  area: "system calls", "network", "limits"...; item:
 * "socket", "tcp 203.0.113.0/24 ports 443-443", "memory"; before and after:
 * what each side has of it.  Borrowed.
 */
struct compare_difference {
	enum compare_way way;
	const char *area, *item, *before, *after;
};
typedef void compare_fn(void *arg, const struct compare_difference *);

/*
 * EQUAL, NARROWER or WIDER: of all of it together.  -1: the tables of system
 * calls are wrong.
 *
 * Of a system call with rules, arguments are tried that tell all rules of both
 * sides apart: what some arguments are permitted counts, and not the answer to
 * those that are refused.  Networks are compared rule by rule: one that is
 * covered only by several together counts as not covered.
 */
int compare_policies(const struct compare_side *, const struct compare_side *,
    compare_fn *, void *arg, struct err *);

const char *compare_way_name(enum compare_way);

#endif
