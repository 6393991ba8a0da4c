/*
 * What is odd about a policy file that can be read: what it says without
 * effect, and what is wide without a word why.  Pure.
 */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

struct ceiling;
struct err;
struct problems;
struct value;

/* root: the file's document, ceiling: what it comes to.  -1: the tables of
 * system calls are wrong. */
int lint(const struct value *root, const struct ceiling *, struct problems *,
    struct err *);

#endif
