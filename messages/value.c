#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/value.h"

const char *
value_kind_name(enum value_kind kind)
{
	static const char *const names[] = {
		[VALUE_NULL] = "null",
		[VALUE_BOOL] = "a boolean",
		[VALUE_INT] = "an integer",
		[VALUE_REAL] = "a real number",
		[VALUE_STRING] = "a string",
		[VALUE_LIST] = "a list",
		[VALUE_MAP] = "an object",
	};

	invariant((size_t)kind < nitems(names));
	return names[kind];
}

struct value *
value_new(enum value_kind kind)
{
	struct value *v = calloc(1, sizeof(*v));

	invariant(v != NULL);
	v->kind = kind;
	return v;
}

void
value_free(struct value *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->len; i++) {
		if (v->key != NULL)
			free(v->key[i]);
		value_free(v->item[i]);
	}
	free(v->key);
	free(v->item);
	free(v->text);
	free(v);
}

void
value_cleanup(struct value **v)
{
	value_free(*v);
	*v = NULL;
}

static struct value *
append(struct value *to, const char *key, struct value *v)
{
	size_t n = to->len + 1;

	/* Powers of two: a long list is not copied for each item. */
	if ((to->len & (to->len - 1)) == 0) {
		to->item = realloc(to->item, 2 * n * sizeof(v));
		invariant(to->item != NULL);
		if (key != NULL) {
			to->key = realloc(to->key, 2 * n * sizeof(char *));
			invariant(to->key != NULL);
		}
	}
	to->item[to->len] = v;
	if (key != NULL)
		to->key[to->len] = str_dup(key);
	to->len = n;
	return v;
}

struct value *
value_set(struct value *map, const char *key, struct value *v)
{
	invariant(map->kind == VALUE_MAP);
	return append(map, key, v);
}

struct value *
value_replace(struct value *map, const char *key, struct value *v)
{
	invariant(map->kind == VALUE_MAP);
	for (size_t i = 0; i < map->len; i++) {
		if (strcmp(map->key[i], key) != 0)
			continue;
		value_free(map->item[i]);
		return map->item[i] = v;
	}
	return append(map, key, v);
}

struct value *
value_add(struct value *list, struct value *v)
{
	invariant(list->kind == VALUE_LIST);
	return append(list, NULL, v);
}

struct value *
value_of_text(const char *text)
{
	struct value *v = value_new(VALUE_STRING);

	v->text = str_dup(text);
	return v;
}

struct value *
value_of_int(int64_t number)
{
	struct value *v = value_new(VALUE_INT);

	v->number = number;
	return v;
}

struct value *
value_set_text(struct value *map, const char *key, const char *text)
{
	return value_set(map, key,
	    text == NULL ? value_new(VALUE_NULL) : value_of_text(text));
}

struct value *
value_set_int(struct value *map, const char *key, int64_t number)
{
	return value_set(map, key, value_of_int(number));
}

struct value *
value_set_bool(struct value *map, const char *key, bool truth)
{
	struct value *v = value_new(VALUE_BOOL);

	v->truth = truth;
	return value_set(map, key, v);
}

struct value *
value_set_map(struct value *map, const char *key)
{
	return value_set(map, key, value_new(VALUE_MAP));
}

struct value *
value_set_list(struct value *map, const char *key)
{
	return value_set(map, key, value_new(VALUE_LIST));
}

struct value *
value_add_text(struct value *list, const char *text)
{
	return value_add(list, value_of_text(text));
}

struct value *
value_copy(const struct value *v)
{
	struct value *c = value_new(v->kind);

	c->truth = v->truth;
	c->number = v->number;
	c->real = v->real;
	c->line = v->line;
	c->column = v->column;
	if (v->text != NULL)
		c->text = str_dup(v->text);
	for (size_t i = 0; i < v->len; i++)
		append(c, v->key == NULL ? NULL : v->key[i],
		    value_copy(v->item[i]));
	return c;
}

const struct value *
value_get(const struct value *v, const char *key)
{
	if (v == NULL || v->kind != VALUE_MAP)
		return NULL;
	for (size_t i = 0; i < v->len; i++)
		if (strcmp(v->key[i], key) == 0)
			return v->item[i];
	return NULL;
}

const char *
value_get_text(const struct value *v, const char *key)
{
	v = value_get(v, key);
	return v != NULL && v->kind == VALUE_STRING ? v->text : NULL;
}

bool
value_get_bool(const struct value *v, const char *key, bool otherwise)
{
	v = value_get(v, key);
	return v != NULL && v->kind == VALUE_BOOL ? v->truth : otherwise;
}

int64_t
value_get_int(const struct value *v, const char *key, int64_t otherwise)
{
	v = value_get(v, key);
	return v != NULL && v->kind == VALUE_INT ? v->number : otherwise;
}

static double
as_real(const struct value *v)
{
	return v->kind == VALUE_INT ? (double)v->number : v->real;
}

static bool
is_number(const struct value *v)
{
	return v->kind == VALUE_INT || v->kind == VALUE_REAL;
}

static bool
equal_items(const struct value *a, const struct value *b)
{
	const struct value *other;

	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		other =
		    a->kind == VALUE_MAP ? value_get(b, a->key[i]) : b->item[i];
		if (other == NULL || !value_equal(a->item[i], other))
			return false;
	}
	return true;
}

bool
value_equal(const struct value *a, const struct value *b)
{
	if (is_number(a) && is_number(b) && a->kind != b->kind)
		return as_real(a) == as_real(b);
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VALUE_NULL:
		return true;
	case VALUE_BOOL:
		return a->truth == b->truth;
	case VALUE_INT:
		return a->number == b->number;
	case VALUE_REAL:
		return a->real == b->real;
	case VALUE_STRING:
		return strcmp(a->text, b->text) == 0;
	case VALUE_LIST:
	case VALUE_MAP:
		return equal_items(a, b);
	}
	return false;
}
