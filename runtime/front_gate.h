/*
 * The callers of front: each connection passes a gate (gate.h) on its way to
 * the HTTP library, which sees one end of a socket pair and never a caller's
 * socket.  Heads have a deadline as a whole, bodies and replies may not stand
 * still, and who is refused hears why before the connection ends.
 */
#ifndef RUNTIME_FRONT_GATE_H
#define RUNTIME_FRONT_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/front.h"

struct front_gate;

#define FRONT_GATE_MAX 4096 /* connections at a time */

/* A connection that was just accepted; taken over. */
void front_gate_open(struct front *, int fd, enum front_kind);

/*
 * What the caller asked for becomes a tunnel, or does not: he is heard again.
 * False: he did not ask.
 */
bool front_gate_answer(struct front_gate *, bool tunnel);

/* The library closed its end. */
void front_gate_released(struct front_gate *);

/* Every caller is served: those who only keep their connection lose it. */
void front_gate_drain(struct front *);

/* At the end of everything. */
void front_gate_close_all(struct front *);

#endif
