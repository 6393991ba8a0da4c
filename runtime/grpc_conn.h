/*
 * A caller's connection of HTTP/2 that carries gRPC, by nghttp2: bytes in,
 * calls out, and back.  Whose socket it is, and with TLS or without, is the
 * owner's.
 *
 * A caller is bound in what he can make us keep: the length of messages and of
 * all long ones together, calls at a time, fields of a head, bytes that stand
 * for who is slower.  He may not stand still in the middle of anything, nor ask
 * whether we live without end.  Compressed messages are refused.
 */
#ifndef RUNTIME_GRPC_CONN_H
#define RUNTIME_GRPC_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct grpc_conn;
struct grpc_health;
struct grpc_service;
struct loop;

#define GRPC_CONN_CALLS_MAX 100 /* of one connection, at a time */

/* What all connections of an owner have in common; outlives them. */
struct grpc_server {
	struct loop *loop;
	const struct grpc_service *const *service;
	size_t nservices;
	struct grpc_health *health;
	void *owner; /* of the services' calls */
	/* Bytes of long messages that are on their way, of all who count there.
	 */
	size_t *kept, kept_max;
};

/* Whose connection it is. */
struct grpc_peer {
	/* "Bearer" and this is asked for; NULL: whoever is here may call. */
	const char *token;
	const char *name; /* where he comes from, for people */
	/* There is something to send, or it is over.  He remembers that, and
	 * does neither here: somebody is at work with the connection. */
	void (*woken)(void *arg);
	void *arg;
};

struct grpc_conn *grpc_conn_open(const struct grpc_server *,
    const struct grpc_peer *);
void grpc_conn_close(struct grpc_conn *);

/* What the caller said.  -1: he broke the protocol; what is left to be sent
 * says so, and then it is over. */
int grpc_conn_receive(struct grpc_conn *, const char *, size_t);

/* Adds what is to be sent, until out has max bytes or a little more. */
void grpc_conn_send(struct grpc_conn *, struct buf *out, size_t max);

/* The caller spoke as the protocol wants him to begin. */
bool grpc_conn_has_begun(const struct grpc_conn *);

/* Nothing more is said by either side. */
bool grpc_conn_is_over(const struct grpc_conn *);

/* Calls that are being served. */
size_t grpc_conn_calls(const struct grpc_conn *);

/* Asks whether the caller is there: he has to answer. */
void grpc_conn_ping(struct grpc_conn *);

/* No more calls: those that are here are served to the end. */
void grpc_conn_drain(struct grpc_conn *);

#endif
