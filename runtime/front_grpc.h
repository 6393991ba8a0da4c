/*
 * The callers of front who speak gRPC: a port of their own, in the clear or
 * with TLS, and what is offered to them there.
 */
#ifndef RUNTIME_FRONT_GRPC_H
#define RUNTIME_FRONT_GRPC_H

#include "runtime/front.h"

#define FRONT_GRPC_MAX 256 /* connections at a time */

struct front_grpc;

/* Before anybody comes. */
void front_grpc_init(struct front *);

/* Whether one more may come: there is a place, or somebody who only keeps his.
 */
bool front_grpc_has_room(struct front *);

/* A connection that was just accepted; taken over.  There must be room. */
void front_grpc_open(struct front *, int fd, enum front_kind);

/* No more calls; whoever only watches is told to come back later. */
void front_grpc_drain(struct front *);

/* At the end of everything. */
void front_grpc_close_all(struct front *);

#endif
