/*
 * The preparer: reads messages, resolves what they refer to, unpacks and packs,
 * one job after the other (messages/prepare_msgs.h).  It may wait for a disk
 * for as long as it takes; nobody waits for it but who asked.
 */
#ifndef RUNTIME_PREPARE_H
#define RUNTIME_PREPARE_H

struct ceiling;
struct err;
struct store;

/* Serves until core is gone: 0.  launcher: what core relays. */
int prepare_serve(int core, int launcher, struct store *,
    const struct ceiling *, struct err *);

#endif
