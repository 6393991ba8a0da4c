/*
 * A binary function: an HTTP server on 127.0.0.1:8080 in its machine.  One
 * request over a socket of the machine's network, HTTP/1.1, closed after it.
 */
#ifndef RUNTIME_FUNCTION_BINARY_H
#define RUNTIME_FUNCTION_BINARY_H

#include "runtime/function.h"

#define FUNCTION_BINARY_PORT 8080

int function_binary_run(const struct function_input *, struct instance *,
    struct launcher_link *, struct function_reply *, struct err *);

#endif
