/*
 * A compiled filter as people read it: one line an instruction, with the names
 * of what it loads, compares and answers.  Pure.
 */
#ifndef POLICY_LISTING_H
#define POLICY_LISTING_H

#include <linux/filter.h>
#include <stddef.h>

struct buf;

/*
 * Appends a line for each: number, what it does, and for comparisons of the
 * call's number its name.  For a return, the calls that end there with
 * arguments that are 0, as far as they fit.  Instructions that our compiler
 * does not make are shown as their numbers.
 */
void listing(const struct sock_filter *, size_t len, struct buf *);

#endif
