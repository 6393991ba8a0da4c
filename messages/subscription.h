/*
 * Whether a message is one that a function subscribed to (on.message,
 * on.aleph). A subscription names fields and what they must be; all must be so:
 *
 *   a text, a number, a truth value, null   equal to it
 *   an object                               the same of the field's own fields
 *   a list                                  equal to one of its items
 *
 * The matcher is total: a field that the message does not have, or that is of
 * another kind, does not match, and neither does {}.  Pure.
 */
#ifndef MESSAGES_SUBSCRIPTION_H
#define MESSAGES_SUBSCRIPTION_H

#include <stdbool.h>

struct value;

bool subscription_matches(const struct value *subscription,
    const struct value *message);

/* Any of a list. */
bool subscription_matches_any(const struct value *subscriptions,
    const struct value *message);

#endif
