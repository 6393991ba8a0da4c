/* Who subscribed to a message: PREPARE_EVENT. */
#ifndef RUNTIME_PREPARE_EVENT_H
#define RUNTIME_PREPARE_EVENT_H

#include <stdbool.h>

struct buf;
struct err;
struct store;

/*
 * Of a feed's message the signature must be good, and the owner's
 * (content.address), unless the policy takes others too.
 */
struct prepare_event_ask {
	int message, subscriptions; /* files */
	bool feed, unverified;
	struct store *store;
};

/*
 * answer gets PREPARE_EVENT_DONE's body; out a sealed file with the message as
 * it is delivered: one JSON object, whose content is an object where it was a
 * text (item_content).
 */
int prepare_event_match(const struct prepare_event_ask *, struct buf *answer,
    int *out, struct err *);

#endif
