/* Between the files of "cella policy": what is asked, and what a policy file
 * and a message come to. */
#ifndef RUNTIME_CMD_POLICY_H
#define RUNTIME_CMD_POLICY_H

#include <stdbool.h>
#include <stddef.h>

struct ceiling;
struct decision;
struct err;

struct cmd_policy {
	const char *policy, *message, *syscall, *connect, *path;
	unsigned access; /* PATH_QUERY_... */
	const char *operand[2];
	size_t noperands;
	int tier; /* enum grant_tier, or -1 */
	bool json, filter, fail_if_wider, has_threshold;
	unsigned threshold; /* of a score */
};

/* Each the exit status, or -1. */
int cmd_policy_explain(const struct cmd_policy *, struct err *);
int cmd_policy_groups(const struct cmd_policy *, struct err *);
int cmd_policy_score(const struct cmd_policy *, struct err *);
int cmd_policy_lint(const struct cmd_policy *, struct err *);
int cmd_policy_diff(const struct cmd_policy *, struct err *);

/*
 * Opened as whoever started us: the policy file, or -1 for the built-in ceiling
 * if name is NULL; the message, or -1 if there is none.
 */
int cmd_policy_open(const char *name, int *policy, struct err *);
int cmd_policy_open_message(const struct cmd_policy *, int *message,
    struct err *);

/*
 * Read as nobody: the message once, then any number of policies, and what it
 * gets under each; without one (-1), what a tier gives to one that asks for
 * nothing.  tier: enum grant_tier, or -1: the ceiling's.
 */
int cmd_policy_read_message(const struct cmd_policy *, int message,
    struct err *);
int cmd_policy_read(int policy, const char *name, struct ceiling *,
    struct err *);
int cmd_policy_decide(const struct ceiling *, int tier, struct decision *,
    struct err *);

/* All of it: the files are opened, what started us is left behind, and what the
 * message gets under the policy is decided. */
int cmd_policy_load(const struct cmd_policy *, struct decision *,
    struct ceiling *, struct err *);

struct machine;
/* The machine that it comes to, as far as no reference need be looked up. */
int cmd_policy_machine(const struct decision *, struct machine *, struct err *);

#endif
