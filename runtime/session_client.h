/* A command's conversation with the sessions of a node: one call at a time. */
#ifndef RUNTIME_SESSION_CLIENT_H
#define RUNTIME_SESSION_CLIENT_H

#include "base/buf.h"
#include "messages/grpc.h"

struct ProtobufCMessage;
struct err;
struct session_client;

/* where: "ADDRESS:PORT" or "unix:PATH", of this host; NULL: $CELLA_GRPC.  As
 * root nothing is left of that when it returns. */
struct session_client *session_client_open(const char *where, struct err *);
void session_client_close(struct session_client *);

/* The reply's bytes are added.  -1: the status, and the node's words in e. */
int session_client_call(struct session_client *, const char *rpc,
    const struct ProtobufCMessage *, struct buf *reply, enum grpc_status *,
    struct err *);

#endif
