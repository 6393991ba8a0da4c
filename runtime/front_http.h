/* HTTP/1.1 for callers, by libmicrohttpd on front's loop. */
#ifndef RUNTIME_FRONT_HTTP_H
#define RUNTIME_FRONT_HTTP_H

#include <stdbool.h>

#include "runtime/front.h"

struct err;
struct front_http *front_http_open(struct front *, struct err *);
void front_http_close(struct front_http *);

/* It takes another connection. */
bool front_http_has_room(const struct front_http *);

/*
 * The library's end of a caller's socket pair; taken over.  The gate, or NULL,
 * hears when it is closed; it may be forgotten before.  False: no room.
 */
bool front_http_add(struct front_http *, int fd, const struct front_caller *,
    struct front_gate *);
void front_http_forget(struct front_http *, int fd);

/* No request is being served. */
bool front_http_is_idle(const struct front_http *);

#endif
