#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"

/* jansson's own bound is 2048; ours is checked before it sees a byte. */
static int
check_depth(const char *s, size_t len, struct err *e)
{
	unsigned line = 1;
	int depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		line += s[i] == '\n';
		if (quoted) {
			if (s[i] == '\\')
				i++;
			else
				quoted = s[i] != '"';
		} else if (s[i] == '"') {
			quoted = true;
		} else if (s[i] == '[' || s[i] == '{') {
			if (++depth > VALUE_DEPTH_MAX)
				return err_set(e, ERR_INVALID,
				    "line %u: deeper than %d levels", line,
				    VALUE_DEPTH_MAX);
		} else if (s[i] == ']' || s[i] == '}') {
			depth--;
		}
	}
	return 0;
}

/* room: for so many values. */
static struct value *convert(json_t *, size_t *room);

static struct value *
convert_map(json_t *j, size_t *room)
{
	struct value *v = value_new(VALUE_MAP), *child;
	const char *key;
	json_t *item;

	json_object_foreach(j, key, item)
	{
		child = convert(item, room);
		if (child == NULL) {
			value_free(v);
			return NULL;
		}
		value_set(v, key, child);
	}
	return v;
}

static struct value *
convert_list(json_t *j, size_t *room)
{
	struct value *v = value_new(VALUE_LIST), *child;

	for (size_t i = 0; i < json_array_size(j); i++) {
		child = convert(json_array_get(j, i), room);
		if (child == NULL) {
			value_free(v);
			return NULL;
		}
		value_add(v, child);
	}
	return v;
}

static struct value *
convert(json_t *j, size_t *room)
{
	struct value *v;

	if ((*room)-- == 0)
		return NULL;
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return convert_map(j, room);
	case JSON_ARRAY:
		return convert_list(j, room);
	case JSON_STRING:
		return value_of_text(json_string_value(j));
	case JSON_INTEGER:
		return value_of_int(json_integer_value(j));
	case JSON_REAL:
		v = value_new(VALUE_REAL);
		v->real = json_real_value(j);
		return v;
	case JSON_TRUE:
	case JSON_FALSE:
		v = value_new(VALUE_BOOL);
		v->truth = json_is_true(j);
		return v;
	case JSON_NULL:
		break;
	}
	return value_new(VALUE_NULL);
}

static struct value *
parse(const char *data, size_t len, size_t room, struct err *e)
{
	json_error_t why;
	struct value *v;
	json_t *j;

	if (check_depth(data, len, e) == -1)
		return NULL;
	j = json_loadb(data, len, JSON_REJECT_DUPLICATES, &why);
	if (j == NULL) {
		err_set(e, ERR_INVALID, "line %d, column %d: %s", why.line,
		    why.column, why.text);
		return NULL;
	}
	v = convert(j, &room);
	json_decref(j);
	if (v == NULL)
		err_set(e, ERR_INVALID, "more than %d values", VALUE_NODES_MAX);
	return v;
}

struct value *
json_parse(const char *data, size_t len, struct err *e)
{
	return parse(data, len, VALUE_NODES_MAX, e);
}

struct value *
json_parse_own(const char *data, size_t len, struct err *e)
{
	return parse(data, len, SIZE_MAX, e);
}

static json_t *
build(const struct value *v)
{
	json_t *j;

	switch (v->kind) {
	case VALUE_NULL:
		return json_null();
	case VALUE_BOOL:
		return json_boolean(v->truth);
	case VALUE_INT:
		return json_integer(v->number);
	case VALUE_REAL:
		return json_real(v->real);
	case VALUE_STRING:
		/* What a program printed need not be UTF-8. */
		j = json_string(v->text);
		if (j == NULL) {
			char *safe = str_printable(v->text, strlen(v->text),
			    strlen(v->text));

			j = json_string(safe);
			free(safe);
		}
		return j;
	case VALUE_LIST:
		j = json_array();
		for (size_t i = 0; i < v->len; i++)
			json_array_append_new(j, build(v->item[i]));
		return j;
	case VALUE_MAP:
		break;
	}
	j = json_object();
	for (size_t i = 0; i < v->len; i++)
		json_object_set_new(j, v->key[i], build(v->item[i]));
	return j;
}

static bool
is_utf8(const char *text)
{
	size_t len = strlen(text), n;

	for (size_t at = 0; at < len; at += n) {
		n = str_utf8_len(text + at, len - at);
		if (n == 0)
			return false;
	}
	return true;
}

static void
emit_text(struct buf *b, const char *text)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char brief[] = "\"\\bfnrt";
	/* What a program printed need not be UTF-8. */
	char *safe = is_utf8(text)
	    ? NULL
	    : str_printable(text, strlen(text), strlen(text));
	const char *found;

	buf_add_char(b, '"');
	for (const char *p = safe == NULL ? text : safe; *p != '\0'; p++) {
		found = strchr(plain, *p);
		if (found != NULL) {
			buf_add_char(b, '\\');
			buf_add_char(b, brief[found - plain]);
		} else if ((unsigned char)*p < 0x20) {
			buf_printf(b, "\\u%04X", (unsigned char)*p);
		} else {
			buf_add_char(b, *p);
		}
	}
	buf_add_char(b, '"');
	free(safe);
}

static char *dump(const struct value *v, enum json_form form);

/* As the library would, and several times as fast: records are many. */
static void
emit_line(struct buf *b, const struct value *v)
{
	char *text;

	switch (v->kind) {
	case VALUE_NULL:
		buf_add_str(b, "null");
		return;
	case VALUE_BOOL:
		buf_add_str(b, v->truth ? "true" : "false");
		return;
	case VALUE_INT:
		buf_printf(b, "%" PRId64, v->number);
		return;
	case VALUE_REAL:
		text = dump(v, JSON_AS_LINE);
		buf_add_str(b, text);
		free(text);
		return;
	case VALUE_STRING:
		emit_text(b, v->text);
		return;
	case VALUE_LIST:
	case VALUE_MAP:
		break;
	}
	buf_add_char(b, v->kind == VALUE_LIST ? '[' : '{');
	for (size_t i = 0; i < v->len; i++) {
		if (i > 0)
			buf_add_char(b, ',');
		if (v->kind == VALUE_MAP) {
			emit_text(b, v->key[i]);
			buf_add_char(b, ':');
		}
		emit_line(b, v->item[i]);
	}
	buf_add_char(b, v->kind == VALUE_LIST ? ']' : '}');
}

char *
json_emit(const struct value *v, enum json_form form)
{
	buf_auto struct buf b = { 0 };

	if (form != JSON_AS_LINE)
		return dump(v, form);
	emit_line(&b, v);
	return str_dup(buf_text(&b));
}

static char *
dump(const struct value *v, enum json_form form)
{
	static const size_t flags[] = {
		[JSON_AS_LINES] = JSON_INDENT(2),
		[JSON_AS_CANONICAL] = JSON_COMPACT | JSON_SORT_KEYS,
		[JSON_AS_LINE] = JSON_COMPACT,
	};
	json_t *j = build(v);
	char *text;

	invariant(j != NULL);
	text = json_dumps(j, flags[form] | JSON_ENCODE_ANY);
	json_decref(j);
	invariant(text != NULL);
	return text;
}
