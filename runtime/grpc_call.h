/*
 * A call of gRPC as the service that serves it sees it.  A method says which
 * functions hear of its calls; what they do takes no time, or goes on later.
 */
#ifndef RUNTIME_GRPC_CALL_H
#define RUNTIME_GRPC_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/grpc.h"

struct grpc_call;
struct grpc_server;

struct grpc_method {
	const char *name;
	bool streams; /* callers send any number of messages; else one */
	bool open;    /* also for who has not shown that he may call */
	uint32_t max; /* bytes of a message of the caller's */
	/* A message; borrowed. */
	void (*message)(struct grpc_call *, const void *, size_t);
	/* No more of them; NULL unless it streams. */
	void (*said_all)(struct grpc_call *);
	/* What was sent has gone; NULL: nobody asks. */
	void (*drained)(struct grpc_call *);
	/* The last that is heard of it, once one of the others was called, and
	 * however it ended: the call is no more.  NULL: nobody asks. */
	void (*over)(struct grpc_call *);
};

struct grpc_service {
	const char *name; /* with its package */
	const struct grpc_method *method;
	size_t nmethods;
};

/* Where it came in (grpc_conn.h). */
const struct grpc_server *grpc_call_server(const struct grpc_call *);

/* Where the caller comes from, for people. */
const char *grpc_call_peer(const struct grpc_call *);

/* The service's own; NULL at first. */
void grpc_call_set(struct grpc_call *, void *state);
void *grpc_call_state(const struct grpc_call *);

/* A message, which is copied.  After the end of a call: nothing. */
void grpc_call_send(struct grpc_call *, const void *, size_t);

/* Bytes that the caller has not taken yet.  Who streams stops at some bound. */
size_t grpc_call_unsent(const struct grpc_call *);

/* No more messages until it is let go: the caller has to wait. */
void grpc_call_hold(struct grpc_call *, bool);

/* With what was sent in front of it.  The first end is the one that counts. */
void grpc_call_end(struct grpc_call *, enum grpc_status, const char *message);

#endif
