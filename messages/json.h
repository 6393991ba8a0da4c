/*
 * Strict JSON (RFC 8259), by jansson: duplicate keys, trailing data, integers
 * beyond 64 bits, NUL and malformed UTF-8 are refused with line and column.
 */
#ifndef MESSAGES_JSON_H
#define MESSAGES_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct value;

/* The top must be an object or a list.  NULL and ERR_INVALID otherwise. */
struct value *json_parse(const char *, size_t len, struct err *);

/* The same of what is not a stranger's, with as many values as it has. */
struct value *json_parse_own(const char *, size_t len, struct err *);

enum json_form {
	JSON_AS_LINES,     /* indented, keys as they were added */
	JSON_AS_CANONICAL, /* keys sorted, no blanks: what digests are taken of
			    */
	JSON_AS_LINE,      /* no blanks, keys as they were added */
};

/* The caller frees. */
char *json_emit(const struct value *, enum json_form);

#endif
