/*
 * What may reach the HTTP library of front: one caller's bytes go in, and only
 * requests come out that can be read in one way (RFC 9112; what two readers
 * could take differently is refused, not mended).  A head comes out whole or
 * not at all; chunks come out without extensions and trailers.  Pure.
 */
#ifndef RUNTIME_GATE_H
#define RUNTIME_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define GATE_HEAD_MAX (32 << 10) /* bytes of a head */
#define GATE_TARGET_MAX 8000
#define GATE_HEADERS_MAX 100
#define GATE_CHUNK_LINE_MAX 512 /* a chunk's size and what follows it */

enum gate_state {
	GATE_BETWEEN, /* nothing of a request has come */
	GATE_HEAD,
	GATE_LENGTH, /* a body of known length */
	GATE_CHUNK_SIZE,
	GATE_CHUNK_DATA,
	GATE_CHUNK_END,
	GATE_TRAILERS,
	GATE_ASKED,  /* to become a tunnel: what follows waits for the answer */
	GATE_TUNNEL, /* bytes, and nobody reads them here */
	GATE_REFUSED,
};

struct gate {
	enum gate_state state;
	struct buf held; /* a head, or a line, that is not whole yet */
	uint64_t left;   /* of a body or a chunk */
	uint64_t nheads; /* that came out */
	bool skipped;    /* an empty line before the next */
	int status;      /* GATE_REFUSED: the HTTP status */
	const char *why; /* a sentence */
	bool broken;     /* GATE_REFUSED: inside a request that came out */
};

void gate_fini(struct gate *);

/*
 * Takes the bytes, all of them, and appends to out what may go on.  -1: the
 * caller is refused, and status and why are set; what came before it in out is
 * good.
 */
int gate_feed(struct gate *, const char *, size_t, struct buf *out);

/*
 * GATE_ASKED: the answer is here, and it is a tunnel or any other.  Appends
 * what waited, as gate_feed() does.
 */
int gate_answer(struct gate *, bool tunnel, struct buf *out);

/* A request for a WebSocket (RFC 6455, 4.2.1) by these headers, or NULL. */
bool gate_is_upgrade(const char *connection, const char *upgrade);

#endif
