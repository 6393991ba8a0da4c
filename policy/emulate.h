/*
 * An interpreter for the classic BPF that seccomp(2) accepts: what the kernel
 * would answer, without asking it.  Any instruction it does not know, a jump
 * past the end, or an end without a return is an error, so that a program
 * cannot pass a check by being odd.
 */
#ifndef POLICY_EMULATE_H
#define POLICY_EMULATE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* Writes the SECCOMP_RET_* value and returns 0, or returns -1. */
int emulate_run(const struct sock_filter *, size_t len,
    const struct seccomp_data *, uint32_t *ret);

/* The same, and which instruction returned it. */
int emulate_trace(const struct sock_filter *, size_t len,
    const struct seccomp_data *, uint32_t *ret, size_t *end);

#endif
