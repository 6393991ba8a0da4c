/*
 * What a preparer asks of the launcher.  It goes on under serials of core's,
 * and only if the launcher would take it: whoever asks for what is malformed
 * or above the ceiling would end core's own conversation.
 */
#ifndef RUNTIME_CORE_RELAY_H
#define RUNTIME_CORE_RELAY_H

struct core_preparer;
struct err;
struct frame;

/* A frame from a preparer, which is arg; -1: it is cut off. */
int core_relay_hear(void *arg, struct frame *, struct err *);

/* Its machines are ended, nobody waits for their ends, its volumes go. */
void core_relay_end(struct core_preparer *);

#endif
