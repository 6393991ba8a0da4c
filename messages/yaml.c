#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/control.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/value.h"
#include "messages/yaml.h"

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	size_t nodes;
	struct err *e;
};

static void *
refuse(struct reader *r, const yaml_mark_t *at, const char *why)
{
	err_set(r->e, ERR_INVALID, "line %zu, column %zu: %s", at->line + 1,
	    at->column + 1, why);
	return NULL;
}

static bool
next(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (yaml_parser_parse(&r->parser, &r->event))
		return true;
	refuse(r,
	    r->parser.problem_mark.line != 0 || r->parser.context != NULL
		? &r->parser.problem_mark
		: &r->parser.mark,
	    r->parser.problem == NULL ? "unreadable" : r->parser.problem);
	return false;
}

/* [-+]? [0-9]+ of the core schema; hexadecimal and octal are left strings. */
static bool
is_integer(const char *s)
{
	s += *s == '-' || *s == '+';
	return *s != '\0' && strspn(s, "0123456789") == strlen(s);
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool
is_real(const char *s)
{
	size_t before, after = 0;

	s += *s == '-' || *s == '+';
	s += before = strspn(s, "0123456789");
	if (*s == '.') {
		s++;
		s += after = strspn(s, "0123456789");
	}
	if (before + after == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		return *s != '\0' && strspn(s, "0123456789") == strlen(s);
	}
	return *s == '\0';
}

static struct value *
read_number(struct reader *r, const char *s)
{
	struct value *v = value_new(VALUE_INT);

	errno = 0;
	if (is_integer(s)) {
		v->number = strtoll(s, NULL, 10);
	} else {
		v->kind = VALUE_REAL;
		v->real = strtod(s, NULL);
	}
	if (errno != 0 || (v->kind == VALUE_REAL && !isfinite(v->real))) {
		value_free(v);
		return refuse(r, &r->event.start_mark, "a number out of range");
	}
	return v;
}

static struct value *
read_plain(struct reader *r, const char *s)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const truths[] = { "true", "True", "TRUE", "false",
		"False", "FALSE" };
	struct value *v;

	for (size_t i = 0; i < nitems(nulls); i++)
		if (strcmp(s, nulls[i]) == 0)
			return value_new(VALUE_NULL);
	for (size_t i = 0; i < nitems(truths); i++)
		if (strcmp(s, truths[i]) == 0) {
			v = value_new(VALUE_BOOL);
			v->truth = i < 3;
			return v;
		}
	if (is_integer(s) || is_real(s))
		return read_number(r, s);
	return value_of_text(s);
}

static struct value *
read_scalar(struct reader *r)
{
	const char *s = (const char *)r->event.data.scalar.value;

	if (strlen(s) != r->event.data.scalar.length)
		return refuse(r, &r->event.start_mark, "a NUL in a scalar");
	if (r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return read_plain(r, s);
	return value_of_text(s);
}

static struct value *read_node(struct reader *r, int depth);

/* Consumes the key; NULL if it is not usable.  The caller frees. */
static char *
read_key(struct reader *r, const struct value *map)
{
	const char *s;

	if (r->event.type != YAML_SCALAR_EVENT)
		return refuse(r, &r->event.start_mark, "a key is no scalar");
	s = (const char *)r->event.data.scalar.value;
	if (r->event.data.scalar.anchor != NULL ||
	    r->event.data.scalar.tag != NULL)
		return refuse(r, &r->event.start_mark,
		    "an anchor or a tag on a key");
	if (strcmp(s, "<<") == 0)
		return refuse(r, &r->event.start_mark, "a merge key");
	if (strlen(s) != r->event.data.scalar.length)
		return refuse(r, &r->event.start_mark, "a NUL in a key");
	if (value_get(map, s) != NULL)
		return refuse(r, &r->event.start_mark, "a duplicate key");
	return str_dup(s);
}

static struct value *
read_map(struct reader *r, int depth)
{
	struct value *v = value_new(VALUE_MAP), *child;
	char *key;

	for (;;) {
		if (!next(r))
			break;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return v;
		key = read_key(r, v);
		if (key == NULL)
			break;
		child = next(r) ? read_node(r, depth) : NULL;
		if (child != NULL)
			value_set(v, key, child);
		free(key);
		if (child == NULL)
			break;
	}
	value_free(v);
	return NULL;
}

static struct value *
read_list(struct reader *r, int depth)
{
	struct value *v = value_new(VALUE_LIST), *child;

	for (;;) {
		if (!next(r))
			break;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return v;
		child = read_node(r, depth);
		if (child == NULL)
			break;
		value_add(v, child);
	}
	value_free(v);
	return NULL;
}

/* Aliases have an event of their own; anchors and tags stand on the others. */
static bool
is_marked(const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return ev->data.scalar.anchor != NULL ||
		    ev->data.scalar.tag != NULL;
	case YAML_SEQUENCE_START_EVENT:
		return ev->data.sequence_start.anchor != NULL ||
		    ev->data.sequence_start.tag != NULL;
	case YAML_MAPPING_START_EVENT:
		return ev->data.mapping_start.anchor != NULL ||
		    ev->data.mapping_start.tag != NULL;
	default:
		return false;
	}
}

static struct value *
read_node(struct reader *r, int depth)
{
	yaml_mark_t at = r->event.start_mark;
	struct value *v;

	if (depth >= VALUE_DEPTH_MAX)
		return refuse(r, &at, "too deep");
	if (++r->nodes > VALUE_NODES_MAX)
		return refuse(r, &at, "too many values");
	if (is_marked(&r->event) && CONTROL(53))
		return refuse(r, &at, "an anchor or a tag");
	switch (r->event.type) {
	case YAML_SCALAR_EVENT:
		v = read_scalar(r);
		break;
	case YAML_SEQUENCE_START_EVENT:
		v = read_list(r, depth + 1);
		break;
	case YAML_MAPPING_START_EVENT:
		v = read_map(r, depth + 1);
		break;
	case YAML_ALIAS_EVENT:
		return refuse(r, &at, "an alias");
	default:
		return refuse(r, &at, "not a value");
	}
	if (v != NULL) {
		v->line = (unsigned)at.line + 1;
		v->column = (unsigned)at.column + 1;
	}
	return v;
}

static struct value *
read_document(struct reader *r)
{
	struct value *v;

	if (!next(r) || !next(r))
		return NULL;
	if (r->event.type != YAML_DOCUMENT_START_EVENT)
		return refuse(r, &r->event.start_mark, "no document");
	if (r->event.data.document_start.version_directive != NULL ||
	    r->event.data.document_start.tag_directives.start !=
		r->event.data.document_start.tag_directives.end)
		return refuse(r, &r->event.start_mark, "a directive");
	v = next(r) ? read_node(r, 0) : NULL;
	if (v == NULL)
		return NULL;
	if (!next(r) || !next(r)) {
		value_free(v);
		return NULL;
	}
	if (r->event.type != YAML_STREAM_END_EVENT) {
		value_free(v);
		return refuse(r, &r->event.start_mark, "a second document");
	}
	return v;
}

/* libyaml would take UTF-16 by its mark; and it passes broken UTF-8 of escapes.
 */
static int
check_bytes(const char *s, size_t len, struct err *e)
{
	unsigned line = 1;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = str_utf8_len(s + i, len - i);
		if (n == 0 || s[i] == '\0')
			return err_set(e, ERR_INVALID,
			    "line %u: not UTF-8 text", line);
		line += s[i] == '\n';
	}
	return 0;
}

struct value *
yaml_parse(const char *data, size_t len, struct err *e)
{
	struct reader r = { .e = e };
	struct value *v;

	if (check_bytes(data, len, e) == -1)
		return NULL;
	invariant(yaml_parser_initialize(&r.parser) == 1);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)data,
	    len);
	v = read_document(&r);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	return v;
}
