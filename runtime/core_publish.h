/*
 * Publishing: a preparer reads the message and stores it, the audit log has it,
 * the journal has it, and then whoever published it hears so.
 */
#ifndef RUNTIME_CORE_PUBLISH_H
#define RUNTIME_CORE_PUBLISH_H

#include <stdbool.h>

struct core;
struct err;
struct frame;
struct prepare_program;

/* FRONT_PUBLISH. */
int core_publish_hear(void *core, struct frame *, struct err *);

/* Only what is his: a sender that nobody vouches for owns nothing. */
bool core_publish_may_forget(const struct prepare_program *, const char *owner);

/*
 * A message that nobody sent by hand, as a file that is taken over.  fn is
 * called once, later: why is NULL if it is published, or was.
 */
void core_publish_heard(struct core *, int *message,
    void (*fn)(void *arg, const struct err *why), void *arg);

#endif
