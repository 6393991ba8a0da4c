#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/problems.h"

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
	va_start(ap, fmt);
	n = vasprintf(&to->text, fmt, ap);
	va_end(ap);
	invariant(n >= 0);
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
