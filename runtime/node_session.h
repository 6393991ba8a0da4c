/* A command's conversation with the sessions of a node: one call at a time. */
#ifndef RUNTIME_NODE_SESSION_H
#define RUNTIME_NODE_SESSION_H

#include "base/buf.h"
#include "messages/grpc.h"

struct ProtobufCMessage;
struct err;
struct node_session;

/* where: "ADDRESS:PORT" or "unix:PATH", of this host; NULL: $CELLA_GRPC.  As
 * root nothing is left of that when it returns. */
struct node_session *node_session_open(const char *where, struct err *);
void node_session_close(struct node_session *);

/* The reply's bytes are added.  -1: the status, and the node's words in e. */
int node_session_call(struct node_session *, const char *rpc,
    const struct ProtobufCMessage *, struct buf *reply, enum grpc_status *,
    struct err *);

#endif
