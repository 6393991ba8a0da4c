/*
 * WebSocket (RFC 6455), either side of it: the handshake's texts and frames.
 * Pure: bytes that came are put in, bytes to be sent are taken out.  No
 * extension is asked for and none is accepted.
 */
#ifndef MESSAGES_WEBSOCKET_H
#define MESSAGES_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

#define WEBSOCKET_KEY 25              /* base64 of 16 bytes, with a NUL */
#define WEBSOCKET_ACCEPT 29           /* base64 of 20 bytes, with a NUL */
#define WEBSOCKET_HEAD_MAX (16 << 10) /* bytes of a handshake's answer */

/* Section 7.4.1: why it ends. */
enum websocket_code {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_PROTOCOL = 1002,
	WEBSOCKET_NO_CODE = 1005, /* never on the wire: there was none */
	WEBSOCKET_NOT_UTF8 = 1007,
	WEBSOCKET_TOO_BIG = 1009,
};

enum websocket_kind { WEBSOCKET_TEXT = 1, WEBSOCKET_BINARY = 2 };

struct websocket {
	bool client;          /* what it sends is masked, what comes is not */
	size_t max;           /* bytes of a message */
	uint64_t masks;       /* where masks come from; see websocket_init() */
	struct buf in, out;   /* out: to be sent, from out.at on */
	struct buf message;   /* the one that came last */
	uint8_t kind;         /* of the message that is coming; 0: none is */
	bool closing, closed; /* we said so; the other side did */
	uint16_t code;        /* the other side's, if closed */
};

/*
 * seed: random, for masks (section 10.3): they keep boxes between from being
 * fed with requests of an attacker's, and protect nobody on the two ends.
 */
void websocket_init(struct websocket *, bool client, size_t max, uint64_t seed);
void websocket_fini(struct websocket *);

/* ---- the handshake ---- */

/* Of 16 random bytes; what the other side must answer to it. */
void websocket_key(const uint8_t random[16], char key[WEBSOCKET_KEY]);
void websocket_accept(const char *key, char accept[WEBSOCKET_ACCEPT]);

/* A client's request for that path with its query.  host as in the URL. */
void websocket_put_request(struct buf *, const char *host, const char *path,
    const char *key);

/*
 * The answer to it, of which n bytes are here.  The length of its head: what
 * follows are frames; 0: more must come; -1: no.
 */
long websocket_read_response(const char *data, size_t n, const char *key,
    struct err *);

/* ---- frames ---- */

void websocket_take(struct websocket *, const void *, size_t);

/*
 * The next of what came.  1: a whole message is in message, which is kept until
 * the next call; 0: more must come, or it is closed; -1: the other side broke
 * the rules, and the frame that says so is in out.  Pings are answered.
 */
int websocket_next(struct websocket *, enum websocket_kind *, struct err *);

void websocket_send(struct websocket *, enum websocket_kind, const void *,
    size_t);
void websocket_ping(struct websocket *);
void websocket_close(struct websocket *, enum websocket_code);

#endif
