/*
 * One invocation of a function by its interface: exec has its standard
 * streams, asgi a channel that carries HTTP, binary a server on port 8080.
 */
#ifndef RUNTIME_FUNCTION_H
#define RUNTIME_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

struct aleph_program;
struct err;
struct instance;
struct launcher_link;

struct function_input {
	const struct aleph_program *program;
	const char *request; /* "POST /path"; NULL: GET / */
	int input;           /* a file: body or standard input; -1: none */
	uint64_t body_limit;
	bool json; /* the reply goes into the record, not to standard output */
};

int function_run(const struct function_input *, struct instance *,
    struct launcher_link *, struct err *);

#endif
