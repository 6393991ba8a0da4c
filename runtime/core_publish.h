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

#endif
