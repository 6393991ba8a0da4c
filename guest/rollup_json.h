/* What an application of a rollup says and hears as JSON. */
#ifndef GUEST_ROLLUP_JSON_H
#define GUEST_ROLLUP_JSON_H

#include <stdbool.h>

#include "base/buf.h"
#include "guest/rollup_io.h"

struct err;

/* As front ends have payloads: "0x" and digits; as the command: the bytes. */
enum rollup_json_as { ROLLUP_JSON_HEX, ROLLUP_JSON_TEXT };

/* What comes next, as an object on one line. */
void rollup_json_put_request(struct buf *, const struct rollup_io_request *,
    enum rollup_json_as);

/* The same, from what the front end answered: a payload is digits there, and
 * text here. */
int rollup_json_put_text(struct buf *, const char *answer, struct err *);

/* {"status": "accept" or "reject"} */
int rollup_json_get_status(const char *, size_t len, bool *accept,
    struct err *);

/* {"payload": ...}; with an address, {"address": "0x...", "payload": ...}:
 * address may be NULL. */
int rollup_json_get_output(const char *, size_t len, enum rollup_json_as,
    unsigned char address[ROLLUP_IO_ADDRESS], struct buf *payload,
    struct err *);

#endif
