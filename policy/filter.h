/*
 * What a machine's system calls are answered with.  The model is a table: for
 * every number a list of rules and an answer when none fits.  filter_compile()
 * turns it into a classic BPF program (seccomp(2)): a binary search over runs
 * of equal answers, so that installing costs the depth of the tree and not the
 * length of a list.  filter_check() runs the program against the model, on
 * every number and on the edges of every rule, and is called before any load:
 * the compiled bytes are the truth, not the text they came from.
 *
 * Rules compare the low 32 bits of an argument: every ruled argument is an int
 * or an unsigned int to the kernel, which never sees the upper half either.
 */
#ifndef POLICY_FILTER_H
#define POLICY_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/syscalls.h"

struct err;

#define FILTER_RULES_MAX 160  /* of one model, all calls together */
#define FILTER_INSNS_MAX 2048 /* the kernel's own bound is 4096 */

enum filter_act { FILTER_ALLOW, FILTER_ERRNO, FILTER_KILL };

struct filter_verdict {
	uint8_t act;  /* enum filter_act */
	uint16_t sys; /* FILTER_ERRNO: what the call fails with */
};

struct filter_cond {
	uint8_t arg;          /* 0..5 */
	uint32_t mask, value; /* (low half of the argument & mask) == value */
};

#define FILTER_CONDS_MAX 3

struct filter_rule {
	uint16_t nr;
	uint16_t next; /* of that call: 1 + its index; 0: there is none */
	uint8_t nconds;
	struct filter_cond cond[FILTER_CONDS_MAX]; /* all must hold */
	struct filter_verdict then;
};

struct filter_model {
	struct filter_verdict otherwise[SYSCALLS_NR_MAX]; /* by number */
	uint16_t ruled[SYSCALLS_NR_MAX]; /* 1 + index of its first rule; 0 */
	struct filter_verdict unknown;   /* any other number */
	size_t nrules;
	struct filter_rule rule[FILTER_RULES_MAX]; /* first match decides */
};

struct filter_program {
	size_t len;
	struct sock_filter insn[FILTER_INSNS_MAX];
};

/* The rule that decides on these arguments, or NULL; nr: below SYSCALLS_NR_MAX.
 */
const struct filter_rule *filter_find_rule(const struct filter_model *,
    uint32_t nr, const uint64_t args[6]);

/* The model's answer for a native call. */
struct filter_verdict filter_decide(const struct filter_model *, uint32_t nr,
    const uint64_t args[6]);

/* The answer as seccomp(2) spells it: SECCOMP_RET_*. */
uint32_t filter_ret(struct filter_verdict);

int filter_compile(const struct filter_model *, struct filter_program *,
    struct err *);

/*
 * Proves by emulation that the program answers as the model does; ERR_SYSTEM
 * is never returned, a difference is ERR_INVALID and names the call.
 */
int filter_check(const struct filter_model *, const struct filter_program *,
    struct err *);

#endif
