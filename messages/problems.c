#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/problems.h"
#include "messages/value.h"

void
problems_add(struct problems *p, const char *id, const char *path,
    const char *fmt, ...)
{
	struct problem *to;
	va_list ap;
	int n;

	if (p->len == PROBLEMS_MAX) {
		p->more = true;
		return;
	}
	to = &p->item[p->len++];
	to->id = str_dup(id);
	to->path = str_dup(path);
	to->line = to->column = 0;
	va_start(ap, fmt);
	n = vasprintf(&to->text, fmt, ap);
	va_end(ap);
	invariant(n >= 0);
}

/* "[3].rest": the item, and path moves behind the bracket. */
static const struct value *
step_into_list(const struct value *list, const char **path)
{
	char *end;
	unsigned long i = strtoul(*path + 1, &end, 10);

	if (*end != ']' || list->kind != VALUE_LIST || i >= list->len)
		return NULL;
	*path = end + 1;
	return list->item[i];
}

/* A key may have dots of its own: the longest that fits is taken. */
static const struct value *
step_into_map(const struct value *map, const char **path)
{
	const struct value *found = NULL;
	size_t best = 0, len;

	for (size_t i = 0; map->kind == VALUE_MAP && i < map->len; i++) {
		len = strlen(map->key[i]);
		/* Behind it: a dot, a bracket, or the path's end. */
		if (strncmp(*path, map->key[i], len) == 0 &&
		    strchr(".[", (*path)[len]) != NULL &&
		    (found == NULL || len > best)) {
			found = map->item[i];
			best = len;
		}
	}
	*path += best;
	return found;
}

static const struct value *
find(const struct value *document, const char *path)
{
	const struct value *at = document, *next;

	/* Paths begin at the envelope, even where there is none. */
	if (strncmp(path, "content.", 8) == 0 &&
	    value_get(document, "content") == NULL) {
		at = value_get(document, "item_content");
		if (at != NULL)
			return at;
		at = document;
		path += 8;
	}
	while (*path != '\0') {
		if (*path == '.')
			path++;
		next = *path == '[' ? step_into_list(at, &path)
				    : step_into_map(at, &path);
		if (next == NULL)
			break;
		at = next;
	}
	return at;
}

void
problems_locate(struct problems *p, const struct value *document)
{
	const struct value *at;

	for (size_t i = 0; i < p->len; i++) {
		if (p->item[i].line != 0)
			continue;
		at = find(document, p->item[i].path);
		p->item[i].line = at->line;
		p->item[i].column = at->column;
	}
}

bool
problems_has(const struct problems *p, const char *id)
{
	for (size_t i = 0; i < p->len; i++)
		if (strcmp(p->item[i].id, id) == 0)
			return true;
	return false;
}

void
problems_fini(struct problems *p)
{
	for (size_t i = 0; i < p->len; i++) {
		free(p->item[i].id);
		free(p->item[i].path);
		free(p->item[i].text);
	}
	p->len = 0;
	p->more = false;
}

char *
problems_quote(const char *text)
{
	char *safe = str_printable(text, strlen(text), 60);
	char *quoted = str_printf("\"%s\"", safe);

	free(safe);
	return quoted;
}
