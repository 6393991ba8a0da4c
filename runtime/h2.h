/* What connections of HTTP/2 have in common, whatever they carry (nghttp2). */
#ifndef RUNTIME_H2_H
#define RUNTIME_H2_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct h2_limits {
	uint32_t streams;               /* at a time */
	uint32_t stream_window, window; /* bytes: of one, of all */
	uint32_t head;                  /* told; the owner sees to it */
};

/* To which the owner adds its own; a malformed field is an error, and not left
 * out in silence. */
nghttp2_session_callbacks *h2_callbacks(void);

/* A server's end, which takes the callbacks over.  A window opens as its bytes
 * are consumed. */
nghttp2_session *h2_open(nghttp2_session_callbacks *, const struct h2_limits *,
    void *arg);

/* Whether it opens a stream. */
bool h2_is_request(const nghttp2_frame *);

/* Adds what is to be sent, until out has max bytes or a little more.  False:
 * the session is of no use any more. */
bool h2_send(nghttp2_session *, struct buf *out, size_t max);

/* No more streams: those that are here go on. */
void h2_drain(nghttp2_session *);

#endif
