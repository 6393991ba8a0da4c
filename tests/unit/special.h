/* Rules for messages that no table of fields has: each broken in a document. */
#ifndef TESTS_UNIT_SPECIAL_H
#define TESTS_UNIT_SPECIAL_H

#include <stdbool.h>
#include <stddef.h>

struct value;

/* A document that a reader is given: bare, or the content of an envelope. */
struct document {
	struct value *body;
	bool in_envelope; /* body is its content, inline */
	int dialect;
};

/* The document is replaced by one that breaks the rule. */
struct special {
	const char *id, *path, *text;
	void (*break_it)(struct document *);
};

extern const struct special special_rules[];
extern const size_t special_len;

#endif
