/*
 * The front end of a rollup's application: HTTP/1.1 on 127.0.0.1:5004, in
 * front of the channel (rollup_io.h).  One request is served after the other,
 * in the order in which they came; finish waits for what comes next, and all
 * others wait with it.
 *
 *   POST /finish     {"status": "accept" or "reject"}
 *                    200 {"request_type", "data"}
 *   POST /voucher    {"address", "payload"}   201 {"index"}
 *   POST /notice     {"payload"}              201 {"index"}
 *   POST /report     {"payload"}              202
 *   POST /exception  {"payload"}              202
 */
#ifndef GUEST_ROLLUP_HTTP_H
#define GUEST_ROLLUP_HTTP_H

#include <stdint.h>

struct err;

#define ROLLUP_HTTP_PORT 5004

/* A socket that listens on 127.0.0.1. */
int rollup_http_listen(uint16_t port, struct err *);

/* Serves until stop can be read: 0; or the channel is gone. */
int rollup_http_serve(int listener, int stop, struct err *);

#endif
