/*
 * Calls that front makes for core (FRONT_INVOKE): as if a caller had come with
 * that request, and with nobody to wait for the reply but core.
 */
#ifndef RUNTIME_FRONT_INVOKE_H
#define RUNTIME_FRONT_INVOKE_H

struct err;
struct frame;
struct front;

int front_invoke_hear(struct front *, struct frame *, struct err *);

#endif
