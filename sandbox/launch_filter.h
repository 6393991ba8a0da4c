/*
 * The system call filters of machines: compiled and proved from the groups of a
 * grant, once for each policy, and kept.
 */
#ifndef SANDBOX_LAUNCH_FILTER_H
#define SANDBOX_LAUNCH_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct grant;

/* Ahead of the first machine that needs it. */
void launch_filter_prepare(const struct grant *);

/*
 * The filter block that init reads: head, then instructions, len of them.  It
 * can never change, so that all machines of a policy may read the same one;
 * borrowed.  abi: Landlock's.
 */
int launch_filter_block(uint64_t groups, bool wx, bool channel, int abi,
    uint32_t *len, struct err *);

#endif
