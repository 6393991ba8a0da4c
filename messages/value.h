/*
 * A tree of values, as JSON and YAML documents are read into and records are
 * built from.  A node owns its children.  Readers keep where a node stood.
 */
#ifndef MESSAGES_VALUE_H
#define MESSAGES_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_REAL,
	VALUE_STRING,
	VALUE_LIST,
	VALUE_MAP,
};

struct value {
	enum value_kind kind;
	bool truth;
	int64_t number;
	double real;
	char *text; /* VALUE_STRING: UTF-8, no NUL inside */
	size_t len; /* items of a list or a map */
	char **key; /* VALUE_MAP */
	struct value **item;
	unsigned line, column; /* from 1; 0: not known */
};

/* Bounds on what a reader takes, for input of strangers. */
#define VALUE_DEPTH_MAX 64
#define VALUE_NODES_MAX 100000

/* "null", "a boolean", "an integer"...: for sentences. */
const char *value_kind_name(enum value_kind);

struct value *value_new(enum value_kind);
void value_free(struct value *);
#define value_auto __attribute__((cleanup(value_cleanup)))
void value_cleanup(struct value **);

struct value *value_copy(const struct value *);

/* The member of a map, or NULL; v may be NULL or no map. */
const struct value *value_get(const struct value *v, const char *key);

/* Its text if it is a string, else NULL. */
const char *value_get_text(const struct value *, const char *key);
bool value_get_bool(const struct value *, const char *key, bool otherwise);
int64_t value_get_int(const struct value *, const char *key, int64_t otherwise);

/*
 * As JSON compares: 1 and 1.0 are equal, maps have no order.  A boolean equals
 * no number.
 */
bool value_equal(const struct value *, const struct value *);

/* In the place of the member that it has, if it has one. */
struct value *value_replace(struct value *map, const char *key, struct value *);

/* The builders take the child over and return it. */
struct value *value_set(struct value *map, const char *key, struct value *);
struct value *value_add(struct value *list, struct value *);
struct value *value_set_text(struct value *, const char *key, const char *);
struct value *value_set_int(struct value *, const char *key, int64_t);
struct value *value_set_bool(struct value *, const char *key, bool);
struct value *value_set_map(struct value *, const char *key);
struct value *value_set_list(struct value *, const char *key);
struct value *value_add_text(struct value *, const char *);
struct value *value_of_text(const char *);
struct value *value_of_int(int64_t);

#endif
