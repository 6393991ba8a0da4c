/*
 * What a document may look like, as tables: one row a field, with type, range
 * and whether it must be there.  schema_check() reports every field that does
 * not fit, with an id "<object>.<field>:<check>"; the tests enumerate the same
 * rows, so that no refusal can go without a test.
 */
#ifndef MESSAGES_SCHEMA_H
#define MESSAGES_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/problems.h"

struct value;

enum schema_type {
	SCHEMA_BOOL,
	SCHEMA_INT,    /* min..max; never a boolean, a real or a string */
	SCHEMA_REAL,   /* min..max; integers too */
	SCHEMA_TIME,   /* a number, a numeric string or ISO 8601 */
	SCHEMA_TEXT,   /* max characters; 0: no bound of its own */
	SCHEMA_WORD,   /* one of words */
	SCHEMA_HASH,   /* an item hash: item_hash.h */
	SCHEMA_OBJECT, /* sub */
	SCHEMA_FREE,   /* an object of anything; max entries */
	SCHEMA_TEXTS, /* an object of strings: max entries, sub lengths apart */
	SCHEMA_LIST,  /* of item; max items */
	SCHEMA_ANY,   /* another part of the reader looks at it */
};

#define SCHEMA_REQUIRED 1U
#define SCHEMA_NULLABLE 2U
/* It has a default, which an inline message must spell out all the same. */
#define SCHEMA_WRITTEN 4U

struct schema_field {
	const char *name;
	enum schema_type type;
	unsigned flags;
	int64_t min, max;
	const char *const *words; /* up to NULL */
	const struct schema *sub;
	const struct schema_field *item;
};

struct schema {
	const char *name; /* in ids */
	/* Unknown fields are ignored, but for an inline message. */
	bool open;
	size_t len;
	const struct schema_field *field;
};

struct schema_context {
	struct problems *problems;
	bool is_inline; /* nulls, unknown fields and missing defaults are wrong
			 */
	/* Called with the path of each unknown field that is ignored. */
	void (*ignored)(void *arg, const char *path);
	void *arg;
};

void schema_check(const struct schema_context *, const struct schema *,
    const struct value *, const char *path);

/*
 * Every id that schema_check() can report for these tables, one call each.
 * can_inline: whether the tables are ever used on an inline message.
 */
void schema_ids(const struct schema *, bool can_inline,
    void (*)(void *, const char *), void *);

#endif
