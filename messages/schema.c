#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "messages/item_hash.h"
#include "messages/schema.h"
#include "messages/value.h"

/* The largest map key and value that SCHEMA_TEXTS takes. */
#define TEXTS_KEY_MAX 128
#define TEXTS_VALUE_MAX 4096

static void
report(const struct schema_context *c, const struct schema *s,
    const struct schema_field *f, const char *check, const char *path,
    const char *text)
{
	char id[160];

	snprintf(id, sizeof(id), "%s.%s:%s", s->name, f->name, check);
	problems_add(c->problems, id, path, "%s", text);
}

static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool
is_type(enum schema_type t, const struct value *v)
{
	switch (t) {
	case SCHEMA_BOOL:
		return v->kind == VALUE_BOOL;
	case SCHEMA_INT:
		return v->kind == VALUE_INT;
	case SCHEMA_REAL:
		return v->kind == VALUE_INT || v->kind == VALUE_REAL;
	case SCHEMA_TIME:
		return v->kind == VALUE_INT || v->kind == VALUE_REAL ||
		    v->kind == VALUE_STRING;
	case SCHEMA_TEXT:
	case SCHEMA_WORD:
	case SCHEMA_HASH:
		return v->kind == VALUE_STRING;
	case SCHEMA_OBJECT:
	case SCHEMA_FREE:
	case SCHEMA_TEXTS:
		return v->kind == VALUE_MAP;
	case SCHEMA_LIST:
		return v->kind == VALUE_LIST;
	case SCHEMA_ANY:
		break;
	}
	return true;
}

static const char *
type_name(enum schema_type t)
{
	static const char *const names[] = {
		[SCHEMA_BOOL] = "a boolean",
		[SCHEMA_INT] = "an integer",
		[SCHEMA_REAL] = "a number",
		[SCHEMA_TIME] = "a time",
		[SCHEMA_TEXT] = "a string",
		[SCHEMA_WORD] = "a string",
		[SCHEMA_HASH] = "a string",
		[SCHEMA_OBJECT] = "an object",
		[SCHEMA_FREE] = "an object",
		[SCHEMA_TEXTS] = "an object",
		[SCHEMA_LIST] = "a list",
		[SCHEMA_ANY] = "anything",
	};

	return names[t];
}

/* YYYY-MM-DD[T ]HH:MM..., or a number in a string. */
static bool
is_time_text(const char *s)
{
	static const char form[] = "dddd-dd-dd*dd:dd";
	char *end;

	(void)strtod(s, &end);
	if (end != s && *end == '\0')
		return true;
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == 'd'       ? s[i] < '0' || s[i] > '9'
			: form[i] == '*' ? s[i] != 'T' && s[i] != ' '
					 : s[i] != form[i])
			return false;
	return true;
}

static bool
is_word(const char *const *words, const char *text)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, text) == 0)
			return true;
	return false;
}

static void
check_word(const struct schema_context *c, const struct schema *s,
    const struct schema_field *f, const struct value *v, const char *path)
{
	buf_auto struct buf b = { 0 };
	char *quoted;

	if (is_word(f->words, v->text))
		return;
	quoted = problems_quote(v->text);
	buf_printf(&b, "%s is none of ", quoted);
	free(quoted);
	for (size_t i = 0; f->words[i] != NULL; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : ", ", f->words[i]);
	report(c, s, f, "word", path, buf_text(&b));
}

static void
check_range(const struct schema_context *c, const struct schema *s,
    const struct schema_field *f, const struct value *v, const char *path)
{
	char text[128];
	double n = v->kind == VALUE_INT ? (double)v->number : v->real;

	if (v->kind == VALUE_INT ? v->number >= f->min && v->number <= f->max
				 : n >= (double)f->min && n <= (double)f->max)
		return;
	if (v->kind == VALUE_INT)
		snprintf(text, sizeof(text),
		    "%" PRId64 " is outside %" PRId64 "..%" PRId64, v->number,
		    f->min, f->max);
	else
		snprintf(text, sizeof(text),
		    "%g is outside %" PRId64 "..%" PRId64, n, f->min, f->max);
	report(c, s, f, "range", path, text);
}

static void
check_texts(const struct schema_context *c, const struct schema *s,
    const struct schema_field *f, const struct value *v, const char *path)
{
	char text[64];
	char *below;

	for (size_t i = 0; i < v->len; i++) {
		char *key = str_printable(v->key[i], strlen(v->key[i]), 60);

		below = str_printf("%s.%s", path, key);
		free(key);
		snprintf(text, sizeof(text), "longer than %d characters",
		    TEXTS_KEY_MAX);
		if (characters(v->key[i]) > TEXTS_KEY_MAX)
			report(c, s, f, "key", below, text);
		snprintf(text, sizeof(text), "%s, not a string",
		    value_kind_name(v->item[i]->kind));
		if (v->item[i]->kind != VALUE_STRING)
			report(c, s, f, "text", below, text);
		else if (characters(v->item[i]->text) > TEXTS_VALUE_MAX)
			report(c, s, f, "value", below,
			    "longer than 4096 characters");
		free(below);
	}
}

static void check_value(const struct schema_context *, const struct schema *,
    const struct schema_field *, const struct value *, const char *path);

static void
check_count(const struct schema_context *c, const struct schema *s,
    const struct schema_field *f, const struct value *v, const char *path)
{
	char text[64];

	if (f->max == 0 || v->len <= (size_t)f->max)
		return;
	snprintf(text, sizeof(text), "more than %" PRId64 " entries", f->max);
	report(c, s, f, "count", path, text);
}

static void
check_list(const struct schema_context *c, const struct schema *s,
    const struct schema_field *f, const struct value *v, const char *path)
{
	char *below;

	for (size_t i = 0; f->item != NULL && i < v->len; i++) {
		below = str_printf("%s[%zu]", path, i);
		check_value(c, s, f->item, v->item[i], below);
		free(below);
	}
}

static void
check_text(const struct schema_context *c, const struct schema *s,
    const struct schema_field *f, const struct value *v, const char *path)
{
	char text[80], *quoted;

	if (f->max != 0 && characters(v->text) > (size_t)f->max) {
		snprintf(text, sizeof(text),
		    "longer than %" PRId64 " characters", f->max);
		report(c, s, f, "length", path, text);
	} else if (f->type == SCHEMA_TIME && !is_time_text(v->text)) {
		report(c, s, f, "time", path, "not a time");
	} else if (f->type == SCHEMA_HASH &&
	    item_hash_kind(v->text) == ITEM_HASH_NONE) {
		char *all;

		quoted = problems_quote(v->text);
		all = str_printf("%s is not an item hash", quoted);
		report(c, s, f, "hash", path, all);
		free(all);
		free(quoted);
	}
}

/* Every null of an inline message, also where the table does not look. */
static bool
check_null(const struct schema_context *c, const struct schema *s,
    const struct schema_field *f, const struct value *v, const char *path)
{
	if (v->kind != VALUE_NULL)
		return false;
	if ((f->flags & SCHEMA_NULLABLE) == 0)
		report(c, s, f, "null", path, "null is not allowed");
	else if (c->is_inline)
		report(c, s, f, "null", path,
		    "null is not allowed in an inline message");
	return true;
}

static void
check_value(const struct schema_context *c, const struct schema *s,
    const struct schema_field *f, const struct value *v, const char *path)
{
	char text[96];

	if (check_null(c, s, f, v, path))
		return;
	if (!is_type(f->type, v)) {
		snprintf(text, sizeof(text), "%s, not %s",
		    value_kind_name(v->kind), type_name(f->type));
		report(c, s, f, "type", path, text);
		return;
	}
	switch (f->type) {
	case SCHEMA_INT:
	case SCHEMA_REAL:
		check_range(c, s, f, v, path);
		break;
	case SCHEMA_TIME:
	case SCHEMA_TEXT:
	case SCHEMA_HASH:
		if (v->kind == VALUE_STRING)
			check_text(c, s, f, v, path);
		break;
	case SCHEMA_WORD:
		check_word(c, s, f, v, path);
		break;
	case SCHEMA_OBJECT:
		schema_check(c, f->sub, v, path);
		break;
	case SCHEMA_TEXTS:
		check_texts(c, s, f, v, path);
		check_count(c, s, f, v, path);
		break;
	case SCHEMA_LIST:
		check_list(c, s, f, v, path);
		check_count(c, s, f, v, path);
		break;
	case SCHEMA_FREE:
		check_count(c, s, f, v, path);
		break;
	case SCHEMA_BOOL:
	case SCHEMA_ANY:
		break;
	}
}

static const struct schema_field *
find(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->len; i++)
		if (strcmp(s->field[i].name, name) == 0)
			return &s->field[i];
	return NULL;
}

static void
check_unknown(const struct schema_context *c, const struct schema *s,
    const char *key, const char *path)
{
	char *name = str_printable(key, strlen(key), 60);
	char *below = str_printf("%s%s%s", path, *path ? "." : "", name);
	char id[96];

	if (s->open && !c->is_inline) {
		if (c->ignored != NULL)
			c->ignored(c->arg, below);
	} else {
		snprintf(id, sizeof(id), "%s:unknown", s->name);
		problems_add(c->problems, id, below, "unknown field");
	}
	free(below);
	free(name);
}

void
schema_check(const struct schema_context *c, const struct schema *s,
    const struct value *v, const char *path)
{
	const struct schema_field *f;
	const struct value *item;
	char *below;

	for (size_t i = 0; i < v->len; i++)
		if (find(s, v->key[i]) == NULL)
			check_unknown(c, s, v->key[i], path);
	for (size_t i = 0; i < s->len; i++) {
		f = &s->field[i];
		item = value_get(v, f->name);
		below = str_printf("%s%s%s", path, *path ? "." : "", f->name);
		if (item != NULL)
			check_value(c, s, f, item, below);
		else if ((f->flags & SCHEMA_REQUIRED) != 0)
			report(c, s, f, "missing", below, "missing");
		else if ((f->flags & SCHEMA_WRITTEN) != 0 && c->is_inline)
			report(c, s, f, "written", below,
			    "must be written out in an inline message");
		free(below);
	}
}

struct ids {
	const struct schema *s;
	bool can_inline;
	void (*fn)(void *, const char *);
	void *arg;
};

static void
say(const struct ids *ids, const char *field, const char *check)
{
	char id[160];

	snprintf(id, sizeof(id), "%s.%s:%s", ids->s->name, field, check);
	ids->fn(ids->arg, id);
}

static void
field_ids(const struct ids *ids, const struct schema_field *f)
{
	if ((f->flags & SCHEMA_REQUIRED) != 0)
		say(ids, f->name, "missing");
	if ((f->flags & SCHEMA_WRITTEN) != 0 && ids->can_inline)
		say(ids, f->name, "written");
	if ((f->flags & SCHEMA_NULLABLE) == 0 || ids->can_inline)
		say(ids, f->name, "null");
	if (f->type != SCHEMA_ANY)
		say(ids, f->name, "type");
	switch (f->type) {
	case SCHEMA_INT:
	case SCHEMA_REAL:
		say(ids, f->name, "range");
		break;
	case SCHEMA_TIME:
		say(ids, f->name, "time");
		break;
	case SCHEMA_HASH:
		say(ids, f->name, "hash");
		break;
	case SCHEMA_WORD:
		say(ids, f->name, "word");
		break;
	case SCHEMA_TEXTS:
		say(ids, f->name, "key");
		say(ids, f->name, "text");
		say(ids, f->name, "value");
		break;
	default:
		break;
	}
	if (f->type == SCHEMA_TEXT && f->max != 0)
		say(ids, f->name, "length");
	if (f->max != 0 &&
	    (f->type == SCHEMA_TEXTS || f->type == SCHEMA_LIST ||
		f->type == SCHEMA_FREE))
		say(ids, f->name, "count");
	if (f->item != NULL)
		field_ids(ids, f->item);
}

void
schema_ids(const struct schema *s, bool can_inline,
    void (*fn)(void *, const char *), void *arg)
{
	struct ids ids = { s, can_inline, fn, arg };
	char id[96];

	if (!s->open || can_inline) {
		snprintf(id, sizeof(id), "%s:unknown", s->name);
		fn(arg, id);
	}
	for (size_t i = 0; i < s->len; i++) {
		const struct schema_field *f = &s->field[i];

		field_ids(&ids, f);
		if (f->sub != NULL)
			schema_ids(f->sub, can_inline, fn, arg);
		if (f->item != NULL && f->item->sub != NULL)
			schema_ids(f->item->sub, can_inline, fn, arg);
	}
}
