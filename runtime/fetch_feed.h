/*
 * A feed of messages as they are published: a WebSocket that a server of the
 * network keeps open (messages/websocket.h), connected by libcurl.  What breaks
 * off is connected again, with back-off, and asked from where it was.
 */
#ifndef RUNTIME_FETCH_FEED_H
#define RUNTIME_FETCH_FEED_H

struct ceiling_fetch;
struct curl_waitfd;
struct err;
struct fetch_feed;
struct frame;

/* Both are borrowed.  It waits to be told to begin. */
struct fetch_feed *fetch_feed_new(int core, const struct ceiling_fetch *);
void fetch_feed_free(struct fetch_feed *);

/* FETCH_FEED, FETCH_TAKEN. */
int fetch_feed_hear(struct fetch_feed *, struct frame *, struct err *);

/*
 * Does what can be done without waiting; -1: core is gone.  Then what to wait
 * for: wait->fd is -1 for nothing; the time in milliseconds, at most most.
 */
int fetch_feed_turn(struct fetch_feed *, struct err *);
int fetch_feed_wait(const struct fetch_feed *, struct curl_waitfd *wait,
    int most);

#endif
