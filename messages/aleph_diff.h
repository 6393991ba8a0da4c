/*
 * The two copies of an inline message's content: what the hash covers, and
 * what stands beside it.
 */
#ifndef MESSAGES_ALEPH_DIFF_H
#define MESSAGES_ALEPH_DIFF_H

struct problems;
struct value;

/*
 * Reports each field in which content differs from item_content, a volume as
 * one.  Nulls in content count as absent, and so does a default that only
 * item_content spells out.
 */
void aleph_diff_run(const struct value *content,
    const struct value *item_content, struct problems *);

#endif
