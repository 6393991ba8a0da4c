/*
 * One request to a function and its reply, as bytes on the function's own
 * descriptors: frames of the channel (asgi, docs/channel.md), HTTP/1.1 (binary,
 * RFC 9112), or nothing but the body (exec).  Pure: whoever owns the
 * descriptors moves the bytes.  What a function writes is a stranger's: every
 * error here is ERR_GUEST.
 */
#ifndef RUNTIME_EXCHANGE_H
#define RUNTIME_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "messages/aleph.h"
#include "messages/channel.h"

struct err;

#define EXCHANGE_HEADERS_MAX 128
#define EXCHANGE_HEAD_MAX (32 << 10) /* bytes of a reply's head */

struct exchange_header {
	char *name, *text;
};

struct exchange_headers {
	size_t len, bytes;
	struct exchange_header item[EXCHANGE_HEADERS_MAX];
};

/* Copies; false if there are too many, or too much. */
bool exchange_headers_add(struct exchange_headers *, const char *name,
    size_t nname, const char *text, size_t ntext);
void exchange_headers_fini(struct exchange_headers *);

/* Of the connection and not of the message (RFC 9110, 7.6.1), or length. */
bool exchange_is_hop_by_hop(const char *name);

struct exchange_request {
	const char *method, *path, *query; /* as they came; query without "?" */
	const struct exchange_headers *headers;
	long long length;  /* of the body; -1: not known yet */
	bool upgrade;      /* to a WebSocket, if it may */
	const char *event; /* a scope that asgi has beside http; or NULL */
};

/* What else goes over its connection. */
enum exchange_life {
	EXCHANGE_ONCE,  /* nothing: it is closed after it */
	EXCHANGE_FIRST, /* others may follow */
	EXCHANGE_NEXT,  /* and went before */
};

enum exchange_phase {
	EXCHANGE_START, /* asgi: it has not said READY yet */
	EXCHANGE_HEAD,  /* the reply's head is due */
	EXCHANGE_BODY,
	EXCHANGE_TUNNEL, /* binary: bytes, until one of the two ends */
	EXCHANGE_END,    /* asgi: BYE is due */
	EXCHANGE_OVER,
};

struct exchange {
	enum aleph_interface interface;
	enum exchange_life life;
	enum exchange_phase phase;
	uint64_t body_limit;

	struct buf out; /* for the function, from out.at on; to be taken */
	bool held;      /* but not yet */
	bool out_ends;  /* nothing follows: close when it is empty */

	/* The reply, as far as it came. */
	int status; /* 0: exec, or an older application's bare output */
	struct exchange_headers headers;
	long long length; /* as the function told it; -1: it did not */
	struct buf body;  /* to be taken from body.at on */
	uint64_t total;
	bool complete;

	/* Its own. */
	bool upgrade; /* was asked for */
	bool no_body; /* the reply to HEAD */
	bool chunked, framed, request_over;
	bool http11; /* binary: the reply's version */
	struct buf in;
	struct channel_reader reader;
	struct channel_dialogue dialogue;
};

void exchange_start(struct exchange *, enum aleph_interface, enum exchange_life,
    uint64_t body_limit, const struct exchange_request *);
void exchange_fini(struct exchange *);

/* More of the request's body; its end. */
void exchange_send(struct exchange *, const void *, size_t);
void exchange_send_end(struct exchange *);

/* What the function wrote. */
int exchange_receive(struct exchange *, const char *, size_t, struct err *);

/* The function closed its end. */
int exchange_receive_end(struct exchange *, struct err *);

/*
 * It is over, and the next may begin where it ended: both sides have said all,
 * nothing is left of it, and the function keeps the connection.
 */
bool exchange_may_follow(const struct exchange *);

/* ---- between the files of this module ---- */

int exchange_take_body(struct exchange *, const char *, size_t, struct err *);
int exchange_add_header(struct exchange *, const char *name, size_t nname,
    const char *text, size_t ntext, struct err *);

struct exchange_kind {
	void (*start)(struct exchange *, const struct exchange_request *);
	void (*send)(struct exchange *, const void *, size_t);
	void (*send_end)(struct exchange *);
	int (*receive)(struct exchange *, const char *, size_t, struct err *);
	int (*receive_end)(struct exchange *, struct err *);
	bool (*keeps)(const struct exchange *); /* after its end */
};
extern const struct exchange_kind exchange_asgi, exchange_binary, exchange_exec;

#endif
