#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"
#include "policy/audit.h"
#include "runtime/audit_files.h"

struct list {
	uint64_t *number;
	size_t len;
};

void
audit_files_name(char name[AUDIT_FILES_NAME], uint64_t number)
{
	snprintf(name, AUDIT_FILES_NAME, "%020" PRIu64 ".log", number);
}

/* Anything else in the directory is not ours to read. */
static int
take(int dir, const char *name, void *arg)
{
	struct list *l = arg;
	char again[AUDIT_FILES_NAME];
	uint64_t number = strtoull(name, NULL, 10);

	(void)dir;
	audit_files_name(again, number);
	if (strcmp(name, again) != 0 || l->len == AUDIT_FILES_MAX)
		return 0;
	l->number = realloc(l->number, (l->len + 1) * sizeof(*l->number));
	invariant(l->number != NULL);
	l->number[l->len++] = number;
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int
audit_files_list(int dir, uint64_t **numbers, size_t *len, struct err *e)
{
	struct list l = { NULL, 0 };

	if (dir_each(dir, take, &l, e) == -1) {
		free(l.number);
		return -1;
	}
	if (l.len > 0)
		qsort(l.number, l.len, sizeof(*l.number), by_number);
	*numbers = l.number;
	*len = l.len;
	return 0;
}

int
audit_files_read(struct audit_file *f, int dir, const char *name, struct err *e)
{
	fd_auto int fd =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	*f = (struct audit_file){ NULL, 0, 0 };
	if (fd == -1)
		return err_sys(e, "%s", name);
	if (fd_read_all(fd, AUDIT_FILES_BYTES_MAX, &f->data, &f->len, e) == -1)
		return err_in(e, "%s", name);
	/* Room that was made ahead: audit_tail.h. */
	f->len = strnlen(f->data, f->len);
	return 0;
}

bool
audit_files_next(struct audit_file *f, const char **line, size_t *len,
    bool *whole)
{
	const char *end;

	if (f->at == f->len)
		return false;
	*line = f->data + f->at;
	end = memchr(*line, '\n', f->len - f->at);
	*whole = end != NULL;
	*len = *whole ? (size_t)(end - *line) : f->len - f->at;
	f->at += *len + *whole;
	return true;
}

void
audit_files_close(struct audit_file *f)
{
	free(f->data);
	f->data = NULL;
}

/* Records begin with their kind: most are passed over unread. */
static bool
is_of_kind(const struct audit_line *l, const char *kind)
{
	static const char begin[] = "{\"kind\":\"";
	const size_t n = sizeof(begin) - 1,
		     len = kind == NULL ? 0 : strlen(kind);

	return kind == NULL ||
	    (l->len > n + len + 1 && memcmp(l->record, begin, n) == 0 &&
		memcmp(l->record + n, kind, len) == 0 &&
		l->record[n + len] == '"');
}

int
audit_files_take(const char *text, size_t len, const char *kind,
    audit_files_fn *fn, void *arg)
{
	value_auto struct value *record = NULL;
	struct audit_line line;
	char hash[SHA256_HEX];
	struct err ignored;

	if (!audit_parse(text, len, &line) || !is_of_kind(&line, kind))
		return 0;
	record = json_parse(line.record, line.len, &ignored);
	str_hex(hash, line.hash, SHA256_LEN);
	return record == NULL ? 0 : fn(arg, line.seq, hash, record);
}

static int
each_line(struct audit_file *f, const char *kind, audit_files_fn *fn, void *arg)
{
	const char *text;
	bool whole;
	size_t len;
	int r = 0;

	while (r == 0 && audit_files_next(f, &text, &len, &whole))
		if (whole)
			r = audit_files_take(text, len, kind, fn, arg);
	return r;
}

int
audit_files_each(int dir, const char *kind, audit_files_fn *fn, void *arg,
    struct err *e)
{
	char name[AUDIT_FILES_NAME];
	struct audit_file f;
	uint64_t *number;
	size_t n;
	int r = 0;

	if (audit_files_list(dir, &number, &n, e) == -1)
		return -1;
	for (size_t i = 0; r == 0 && i < n; i++) {
		audit_files_name(name, number[i]);
		r = audit_files_read(&f, dir, name, e);
		if (r == 0)
			r = each_line(&f, kind, fn, arg);
		audit_files_close(&f);
	}
	free(number);
	return r;
}
