/* Who subscribed to a message: PREPARE_EVENT. */
#ifndef RUNTIME_PREPARE_EVENT_H
#define RUNTIME_PREPARE_EVENT_H

struct buf;
struct err;

/*
 * message and subscriptions are files.  answer gets PREPARE_EVENT_DONE's body;
 * out a sealed file with the message as it is delivered: one JSON object, whose
 * content is an object where it was a text (item_content).
 */
int prepare_event_match(int message, int subscriptions, struct buf *answer,
    int *out, struct err *);

#endif
