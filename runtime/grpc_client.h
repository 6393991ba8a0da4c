/*
 * A connection to a server of gRPC, by nghttp2: calls in, bytes out, and back.
 * Whose socket it is is the owner's, as in grpc_conn.h.
 */
#ifndef RUNTIME_GRPC_CLIENT_H
#define RUNTIME_GRPC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/grpc.h"

struct buf;
struct grpc_ask;
struct grpc_client;
struct loop;

/* There is something to send; it is remembered, and done later. */
struct grpc_client *grpc_client_open(struct loop *, void (*woken)(void *arg),
    void *arg);

/* Calls that are not over end here: UNAVAILABLE. */
void grpc_client_close(struct grpc_client *);

/* What the server said; len 0: nothing more will come.  -1: it is over. */
int grpc_client_receive(struct grpc_client *, const char *, size_t len);

/* Adds what is to be sent, until out has max bytes or a little more. */
void grpc_client_send(struct grpc_client *, struct buf *out, size_t max);

/* No call can be made any more, and none is left. */
bool grpc_client_is_over(const struct grpc_client *);

struct grpc_question {
	const char *path; /* "/package.Service/Method" */
	const char *authority;
	const char *token;   /* NULL: none is shown */
	uint64_t timeout_ns; /* UINT64_MAX: it may take as long as it likes */
	uint32_t max;        /* bytes of a message of the server's */
	/* A message; borrowed. */
	void (*message)(void *arg, const void *, size_t);
	/* Once, and last: the ask is no more. */
	void (*ended)(void *arg, enum grpc_status, const char *message);
	void *arg;
};

/* What it needs is copied; it may end before a byte was sent, but not here. */
struct grpc_ask *grpc_client_ask(struct grpc_client *,
    const struct grpc_question *);

/* A message, which is copied; no more of them. */
void grpc_client_say(struct grpc_ask *, const void *, size_t);
void grpc_client_say_end(struct grpc_ask *);

/* Its end is told: CANCELLED, unless it was another already. */
void grpc_client_cancel(struct grpc_ask *);

#endif
