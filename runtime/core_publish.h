/*
 * Publishing: a preparer reads the message and stores it, the audit log has it,
 * the journal has it, and then whoever published it hears so.
 */
#ifndef RUNTIME_CORE_PUBLISH_H
#define RUNTIME_CORE_PUBLISH_H

struct core;
struct err;
struct frame;

/* FRONT_PUBLISH. */
int core_publish_hear(void *core, struct frame *, struct err *);

/*
 * A message that nobody sent by hand, as a file that is taken over.  fn is
 * called once, later: why is NULL if it is published, or was.
 */
void core_publish_heard(struct core *, int *message,
    void (*fn)(void *arg, const struct err *why), void *arg);

#endif
