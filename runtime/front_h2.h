/*
 * HTTP/2 (RFC 9113) for callers, by nghttp2: every stream becomes a request of
 * HTTP/1.1 that passes a gate of its own (gate.h) and reaches the HTTP library
 * over a socket pair of its own, so that whatever holds for the one holds for
 * the other.  The caller's socket is front_gate.c's.
 */
#ifndef RUNTIME_FRONT_H2_H
#define RUNTIME_FRONT_H2_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/front.h"

struct buf;
struct front_h2;

#define FRONT_H2_STREAMS_MAX 100 /* of one caller, at a time */

/* The first bytes of a caller who speaks it (RFC 9113, 3.4); others do not. */
#define FRONT_H2_PREFACE "PRI "

/* woken: there is something to send, or it is over; it may be closed then. */
struct front_h2 *front_h2_open(struct front *, const struct front_caller *,
    void (*woken)(void *arg), void *arg);
void front_h2_close(struct front_h2 *);

/* What the caller said.  -1: he broke the protocol; what is left to be sent
 * says so, and then it is over. */
int front_h2_receive(struct front_h2 *, const char *, size_t);

/* Adds what is to be sent, until out has max bytes or a little more. */
void front_h2_send(struct front_h2 *, struct buf *out, size_t max);

/* Nothing more is said by either side. */
bool front_h2_is_over(const struct front_h2 *);

/* Requests that are being served. */
size_t front_h2_streams(const struct front_h2 *);

/* No more streams: those that are here are served to the end. */
void front_h2_drain(struct front_h2 *);

#endif
