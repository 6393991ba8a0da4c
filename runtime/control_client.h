/*
 * A command that asks a node: one request over its control socket, HTTP/1.1
 * (docs/node.md lists the paths).
 */
#ifndef RUNTIME_CONTROL_CLIENT_H
#define RUNTIME_CONTROL_CLIENT_H

#include <stddef.h>

#include "base/buf.h"

struct err;
struct exchange;
struct exchange_request;

/* path, else the socket of the node whose state the store is: a descriptor. */
int control_client_open(const char *path, const char *store, struct err *);

/* reply gets the body, at most 64 MiB of it; the status, or -1. */
int control_client_ask(int sock, const char *method, const char *path,
    const void *body, size_t len, struct buf *reply, struct err *);

/*
 * Any request, and its whole reply: in x, whose status, headers and body (at
 * most 64 MiB) are the caller's to read.  x is to be freed in either case.
 */
int control_client_exchange(int sock, const struct exchange_request *,
    const void *body, size_t len, struct exchange *x, struct err *);

/*
 * The same for a WebSocket (RFC 6455).  x is EXCHANGE_TUNNEL if the node
 * agreed, and its body is what came over it already; else the reply is whole.
 */
int control_client_upgrade(int sock, const char *path, struct exchange *x,
    struct err *);

#endif
