/*
 * A call of a function as front makes it: the trigger to core, the function's
 * descriptors, and the exchange over them.  Whoever calls is told that
 * something changed, and looks.
 */
#ifndef RUNTIME_FRONT_CALL_H
#define RUNTIME_FRONT_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/sha256.h"
#include "messages/item_hash.h"
#include "runtime/exchange.h"
#include "runtime/front.h"

struct front_call {
	struct front *front;
	struct front_question question;
	char hash[ITEM_HASH_MAX], key[SHA256_HEX];
	uint64_t job;
	struct exchange_request request;     /* until it is admitted */
	char *method, *path, *query, *event; /* its strings */
	struct exchange_headers headers;
	struct exchange exchange;
	struct buf early; /* of the request's body, before it is admitted */
	bool admitted;
	bool request_over; /* the caller's */
	bool failed;       /* why says it */
	bool too_long;     /* the request's body is why */
	bool ended;        /* the machine has: how says it */
	bool left;         /* the caller has */
	bool let_go;       /* core was told that nobody needs it */
	struct err why;
	struct front_ended how;
	uint64_t sent;
	size_t kept; /* of the reply, as front.kept counts it */
	int to, from;
	bool connected; /* they are one: to a server that may live on */
	bool heard;     /* a byte came over it */
	bool anew;      /* never again over one that served before */
	struct loop_watch to_watch, from_watch;
	void (*changed)(void *arg);
	void *arg;
};

/* The request's strings and headers are copied.  key: what
 * the caller showed, as a digest, or "".  job: core's; 0: a caller's. */
struct front_call *front_call_start(struct front *, const char *hash,
    const char *key, uint64_t job, const struct exchange_request *,
    void (*changed)(void *), void *arg);

/* The request's body.  Room: false while the function does not take it. */
bool front_call_has_room(const struct front_call *);
void front_call_send(struct front_call *, const void *, size_t);
void front_call_send_end(struct front_call *);

/* Something of the reply's body was taken: there is room for more. */
void front_call_taken(struct front_call *);

/* There is a reply to begin with, or a failure in its place. */
bool front_call_has_answer(const struct front_call *);

/* Whoever calls is another from now on. */
void front_call_hand_over(struct front_call *, void (*changed)(void *arg),
    void *arg);

/* The caller is gone, or has it all: the call ends by itself. */
void front_call_leave(struct front_call *);

#endif
