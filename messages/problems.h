/*
 * What is wrong with a document, all of it and not only the first thing: each
 * problem has an id that tests and manuals can name, the path of the field,
 * and a sentence.
 */
#ifndef MESSAGES_PROBLEMS_H
#define MESSAGES_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

struct value;

#define PROBLEMS_MAX 200

struct problem {
	char *id;              /* "code.ref:missing" */
	char *path;            /* "content.code.ref" */
	char *text;            /* "missing" */
	unsigned line, column; /* from 1; 0: not known */
};

struct problems {
	size_t len;
	bool more; /* there were more than PROBLEMS_MAX */
	struct problem item[PROBLEMS_MAX];
};

/* Takes a copy of everything; id is "<object>:<what>". */
void problems_add(struct problems *, const char *id, const char *path,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * Says where each problem stands that has no place yet: at the field its path
 * names in the document, or at what holds it where the field is missing.
 */
void problems_locate(struct problems *, const struct value *document);

bool problems_has(const struct problems *, const char *id);
void problems_fini(struct problems *);

/* A string of the message as it may be shown: quoted, escaped, cut. */
char *problems_quote(const char *);

#endif
