/*
 * How much a machine under a policy is exposed: docs/score.md is the formula.
 * Pure, and of the policy alone: no host is asked.
 */
#ifndef POLICY_SCORE_H
#define POLICY_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ceiling;
struct decision;
struct err;

/* What the checks look at. */
struct score_facts {
	unsigned forbidden, calls, families; /* how many */
	bool any_ioctl, wx, exec_writable, audit_drops;
	uint64_t writable; /* bytes */
	uint8_t net;       /* enum grant_net */
	unsigned breadth;  /* of the widest rule: NW02's b */
	bool names, all_names;
	unsigned above; /* limits */
	uint64_t wall_s, output_mib;
	uint32_t optional; /* MACHINE_CONTROL_BIT */
};

#define SCORE_CHECKS 40

struct score_check {
	const char *id; /* "SC03"; stable */
	const char *what;
	unsigned weight, badness; /* of 1000 */
	const char *improve;      /* what a policy file can do; NULL: nothing */
};

struct score {
	unsigned total; /* 0..100 */
	struct score_check check[SCORE_CHECKS];
};

/* -1: the tables of system calls are wrong. */
int score_gather(const struct decision *, const struct ceiling *,
    struct score_facts *, struct err *);
void score_rate(const struct score_facts *, struct score *);

/* "strict", "good"... */
const char *score_band(unsigned total);

/* The checks that add most and can be improved, at most n: their indexes. */
size_t score_improvements(const struct score *, size_t *to, size_t n);

#endif
