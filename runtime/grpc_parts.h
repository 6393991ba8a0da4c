/* Between the files of grpc_conn.h and grpc_call.h. */
#ifndef RUNTIME_GRPC_PARTS_H
#define RUNTIME_GRPC_PARTS_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "messages/grpc.h"
#include "runtime/grpc_call.h"
#include "runtime/grpc_conn.h"

#define GRPC_PATH_MAX 256 /* "/package.Service/Method" */
#define GRPC_TOKEN_MAX 80 /* "Bearer ", and 64 digits */

struct grpc_conn {
	const struct grpc_server *server;
	struct grpc_peer peer;
	nghttp2_session *session;
	struct grpc_call *calls;
	size_t ncalls;
	bool begun, broken, draining;
	bool inside;     /* nobody need be woken: whoever called goes on */
	uint64_t now_ns; /* while it is inside */
	/* How often he asks whether we live: grpc_conn.c. */
	bool answered; /* something was sent since he asked last */
	unsigned strikes;
	uint64_t pinged_ns;
};

/* The request's head, as far as it matters. */
struct grpc_head {
	size_t len; /* as RFC 9113, 6.5.2 counts */
	bool post, grpc, encoded, malformed;
	bool timed;
	uint64_t timeout_ns;
	char path[GRPC_PATH_MAX];
	char token[GRPC_TOKEN_MAX];
};

struct grpc_call {
	struct grpc_conn *conn;
	struct grpc_call *next, **place;
	int32_t id;
	struct grpc_head head;
	const struct grpc_method *method; /* NULL: not known, or refused */
	void *state;
	uint64_t deadline_ns; /* UINT64_MAX: none */
	uint64_t moved_ns;    /* when a byte of it came or went last */
	struct loop_timer timer;

	struct grpc_reader reader;
	size_t room;       /* that it has of server->kept */
	struct buf unread; /* while it is held */
	bool held, whole;  /* whole: the only message has come */
	bool told;         /* the method has heard of it */
	bool said_all;     /* the caller */
	bool heard_all;    /* the method knows */

	struct buf out;
	bool answered; /* the reply's head is submitted */
	bool deferred; /* nghttp2 waits for more of the reply */
	bool ended;
	enum grpc_status status;
	char *message;
};

/* ---- grpc_head.c ---- */

/* False: it is too long; nothing more of it is heard. */
bool grpc_head_field(struct grpc_head *, const char *name, size_t nname,
    const char *text, size_t ntext);

/* ---- grpc_conn.c ---- */

/* Between the two nobody is woken, and time stands still.  Nests. */
bool grpc_conn_enter(struct grpc_conn *);
void grpc_conn_leave(struct grpc_conn *, bool was_inside);

/* ---- grpc_call.c ---- */

struct grpc_call *grpc_call_open(struct grpc_conn *, int32_t id);
void grpc_call_close(struct grpc_call *);

/* A byte of it came, or went. */
void grpc_call_moves(struct grpc_call *);

/* For what is due, or too late. */
void grpc_call_set_timer(struct grpc_call *, uint64_t now);

/* What its long message had. */
void grpc_call_give_room(struct grpc_call *);

/* One that is no gRPC: an answer of HTTP. */
void grpc_call_refuse(struct grpc_call *, const char *status);

/* ---- grpc_request.c ---- */

/* The head is whole. */
void grpc_request_start(struct grpc_call *);

/* Of the messages; their end. */
void grpc_request_receive(struct grpc_call *, const char *, size_t);
void grpc_request_end(struct grpc_call *);

/* It was held, and what came meanwhile stands unread. */
void grpc_request_go_on(struct grpc_call *);

#endif
