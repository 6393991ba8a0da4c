/*
 * One invocation of a function by its interface: exec has its standard
 * streams, asgi a channel that carries HTTP, binary a server on port 8080.
 */
#ifndef RUNTIME_FUNCTION_H
#define RUNTIME_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "messages/aleph.h"

struct err;
struct exchange;
struct instance;
struct launcher_link;

/* What an asgi or binary function answered. */
struct function_reply {
	bool complete;
	int status;      /* 0: an older application's output, without one */
	struct buf body; /* kept if it is not written as it comes */
	uint64_t total;
};

struct function_input {
	const struct aleph_program *program;
	bool shell; /* it has standard streams, whatever its interface */
	const char *request; /* "POST /path"; NULL: GET / */
	int input;           /* a file: body or standard input; -1: none */
	uint64_t body_limit; /* of the request and of the reply */
	int output;          /* where the reply's body goes; -1: it is kept */
};

int function_run(const struct function_input *, struct instance *,
    struct launcher_link *, struct function_reply *, struct err *);

/*
 * Splits "METHOD /path?query".  method: an HTTP token of at most 15 bytes;
 * path begins with a slash; query is what follows the first "?", or "".
 */
struct function_request {
	char method[16];
	char path[2048], query[2048];
};
int function_parse_request(const char *text, bool has_body,
    struct function_request *, struct err *);

/* Starts the exchange of the request, whose body is read whole. */
int function_start(const struct function_input *, struct exchange *,
    struct err *);

/*
 * What the function wrote, of len bytes; 0: it writes no more.  The reply's
 * body goes where it is to go; ERR_GUEST above the limit.
 */
int function_receive(const struct function_input *, struct exchange *,
    struct function_reply *, const char *, size_t len, struct err *);

/* A machine that ended well and answered nothing has failed all the same. */
int function_check_reply(const struct instance *, const struct function_reply *,
    struct err *);

#endif
