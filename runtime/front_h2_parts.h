/* Between the files of front_h2.h: a conversation and its streams. */
#ifndef RUNTIME_FRONT_H2_PARTS_H
#define RUNTIME_FRONT_H2_PARTS_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "runtime/exchange.h"
#include "runtime/front_h2.h"
#include "runtime/gate.h"

/* Bytes kept for whoever is slower, each way; the stream's window, too. */
#define FRONT_H2_BACKLOG (128 << 10)

struct front_h2 {
	struct front *front;
	struct front_caller from;
	nghttp2_session *session;
	struct front_h2_stream *streams;
	size_t nstreams;
	bool broken, draining;
	void (*woken)(void *arg);
	void *arg;
};

struct front_h2_stream {
	struct front_h2 *h2;
	struct front_h2_stream *next, **place;
	int32_t id;

	/* The request's head, as it comes. */
	char *method, *path, *authority;
	struct buf cookie;
	struct exchange_headers headers;
	long long length; /* -1: not told */
	bool expects;     /* 100-continue */
	bool too_large, malformed;

	bool head;     /* only that of the reply is wanted */
	bool begun;    /* the head is whole: inner is open, or it was refused */
	bool said_all; /* the caller */
	bool answered; /* the reply's head is submitted */
	bool deferred; /* the library of HTTP/2 waits for more of the body */
	struct exchange exchange; /* with the library of HTTP/1.1 */
	struct gate gate;
	struct buf up; /* for inner */
	size_t unused; /* of the caller's window: bytes that stand in up */
	int inner;     /* -1: closed */
	struct loop_watch watch;
	struct loop_timer still;
};

/* NULL: no room for one more. */
struct front_h2_stream *front_h2_stream_open(struct front_h2 *, int32_t id);
void front_h2_stream_close(struct front_h2_stream *);

/* One field of the head.  Names are in lower case, by the protocol. */
void front_h2_stream_header(struct front_h2_stream *, const char *name,
    size_t nname, const char *text, size_t ntext);

/* The head is whole; whole: so is the request. */
void front_h2_stream_start(struct front_h2_stream *, bool whole);

/* Of the body; its end. */
void front_h2_stream_data(struct front_h2_stream *, const void *, size_t);
void front_h2_stream_end(struct front_h2_stream *);

/* The reply's body, for the library: bytes, or a code of its own. */
ssize_t front_h2_stream_read(struct front_h2_stream *, uint8_t *out, size_t max,
    uint32_t *flags);

#endif
