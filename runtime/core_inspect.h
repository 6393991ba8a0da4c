/* All that core knows of one function, or of one run: FRONT_INSPECT. */
#ifndef RUNTIME_CORE_INSPECT_H
#define RUNTIME_CORE_INSPECT_H

struct err;
struct frame;

int core_inspect_hear(void *core, struct frame *, struct err *);

#endif
