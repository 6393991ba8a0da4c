#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/manifest.h"

static const char magic[8] = { 'c', 'e', 'l', 'l', 'a', 'f', 's', 1 };

/* record.path is owned; was_there: else the path was not. */
struct manifest_undo {
	struct manifest_record record;
	bool was_there;
};

void
manifest_fini(struct manifest *m)
{
	manifest_commit(m);
	free(m->undo);
	for (size_t i = 0; i < m->len; i++)
		free(m->record[i].path);
	free(m->record);
	merkle_bytes_fini(&m->bytes);
	memset(m, 0, sizeof(*m));
}

/* ---- records ---- */

/* Where it is, or would be. */
static size_t
place_of(const struct manifest *m, const char *path)
{
	size_t low = 0, high = m->len, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(m->record[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct manifest *m, size_t i, const char *path)
{
	return i < m->len && strcmp(m->record[i].path, path) == 0;
}

const struct manifest_record *
manifest_find(const struct manifest *m, const char *path)
{
	size_t i = place_of(m, path);

	return is_at(m, i, path) ? &m->record[i] : NULL;
}

static void put_number(unsigned char *, size_t bytes, uint64_t);

/* All but where its path is. */
static void
put_fields(unsigned char to[MANIFEST_RECORD], const struct manifest_record *r)
{
	put_number(to, 2, r->type);
	put_number(to + 2, 2, r->mode);
	put_number(to + 16, 8, r->size);
	memcpy(to + 32, r->root.byte, MERKLE_HASH);
}

/* In the bytes, too, if it stands where it stood. */
static void
replace(struct manifest *m, size_t i, const struct manifest_record *r)
{
	size_t at = MANIFEST_HEAD + i * MANIFEST_RECORD;
	unsigned char bytes[MANIFEST_RECORD];
	char *path = m->record[i].path;

	m->record[i] = *r;
	m->record[i].path = path;
	if (m->is_moved || m->bytes.data.len == 0)
		return;
	memcpy(bytes, m->bytes.data.data + at, sizeof(bytes));
	put_fields(bytes, r);
	if (memcmp(bytes, m->bytes.data.data + at, sizeof(bytes)) != 0)
		merkle_bytes_write(&m->bytes, at, bytes, sizeof(bytes));
}

/* The path as it is before a change; r: what stands there, or NULL. */
static void
log_change(struct manifest *m, const char *path,
    const struct manifest_record *r)
{
	struct manifest_undo *u;

	if (!m->is_logged)
		return;
	if (m->nundos == m->undos_size) {
		m->undos_size = m->undos_size == 0 ? 16 : 2 * m->undos_size;
		m->undo = realloc(m->undo, m->undos_size * sizeof(*m->undo));
		invariant(m->undo != NULL);
	}
	u = &m->undo[m->nundos++];
	*u = (struct manifest_undo){ .was_there = r != NULL };
	if (r != NULL)
		u->record = *r;
	u->record.path = str_dup(path);
}

static void
insert(struct manifest *m, size_t i, const struct manifest_record *r)
{
	if (m->len == m->size) {
		m->size = m->size == 0 ? 64 : 2 * m->size;
		m->record = realloc(m->record, m->size * sizeof(*m->record));
		invariant(m->record != NULL);
	}
	memmove(m->record + i + 1, m->record + i,
	    (m->len - i) * sizeof(*m->record));
	m->record[i] = *r;
	m->record[i].path = str_dup(r->path);
	m->len++;
	m->is_moved = true;
}

void
manifest_put(struct manifest *m, const struct manifest_record *r)
{
	size_t i = place_of(m, r->path);

	if (is_at(m, i, r->path)) {
		log_change(m, r->path, &m->record[i]);
		replace(m, i, r);
		return;
	}
	log_change(m, r->path, NULL);
	insert(m, i, r);
}

void
manifest_append(struct manifest *m, const struct manifest_record *r)
{
	insert(m, m->len, r);
}

static int
by_path(const void *a, const void *b)
{
	const struct manifest_record *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void
manifest_sort(struct manifest *m)
{
	if (m->len > 1)
		qsort(m->record, m->len, sizeof(*m->record), by_path);
}

/* Those below a directory are not beside it: "a-b" is in front of "a/b". */
static bool
is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return n == 0 ||
	    (strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0'));
}

void
manifest_remove(struct manifest *m, const char *path)
{
	size_t from = place_of(m, path), to = from, n = strlen(path);

	if (!is_at(m, from, path))
		return;
	for (size_t i = from; i < m->len; i++)
		if (is_below(m->record[i].path, path)) {
			log_change(m, m->record[i].path, &m->record[i]);
			free(m->record[i].path);
		} else if (strncmp(m->record[i].path, path, n) == 0)
			m->record[to++] = m->record[i];
		else {
			memmove(m->record + to, m->record + i,
			    (m->len - i) * sizeof(*m->record));
			to += m->len - i;
			break;
		}
	m->len = to;
	m->is_moved = true;
}

/* ---- taking back ---- */

void
manifest_begin(struct manifest *m)
{
	invariant(!m->is_logged);
	m->is_logged = true;
}

void
manifest_commit(struct manifest *m)
{
	for (size_t i = 0; i < m->nundos; i++)
		free(m->undo[i].record.path);
	m->nundos = 0;
	m->is_logged = false;
}

/* The last change first; a removal removes what is below, which is nothing. */
void
manifest_roll_back(struct manifest *m)
{
	struct manifest_undo *u;

	m->is_logged = false;
	for (size_t i = m->nundos; i > 0; i--) {
		u = &m->undo[i - 1];
		if (u->was_there)
			manifest_put(m, &u->record);
		else
			manifest_remove(m, u->record.path);
	}
	manifest_commit(m);
}

/* ---- bytes ---- */

static void
put_number(unsigned char *to, size_t bytes, uint64_t n)
{
	for (size_t i = bytes; i > 0; i--, n >>= 8)
		to[i - 1] = (unsigned char)n;
}

static uint64_t
get_number(const unsigned char *from, size_t bytes)
{
	uint64_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | from[i];
	return n;
}

static void
write_all(const struct manifest *m, struct buf *b)
{
	unsigned char head[MANIFEST_HEAD] = { 0 };
	uint64_t paths = 0, offset;

	for (size_t i = 0; i < m->len; i++)
		paths += strlen(m->record[i].path);
	memcpy(head, magic, sizeof(magic));
	put_number(head + 8, 8, m->len);
	put_number(head + 16, 8, paths);
	buf_add(b, head, sizeof(head));
	offset = MANIFEST_HEAD + m->len * MANIFEST_RECORD;
	for (size_t i = 0; i < m->len; i++) {
		unsigned char r[MANIFEST_RECORD] = { 0 };
		size_t n = strlen(m->record[i].path);

		put_fields(r, &m->record[i]);
		put_number(r + 4, 4, n);
		put_number(r + 8, 8, offset);
		buf_add(b, r, sizeof(r));
		offset += n;
	}
	for (size_t i = 0; i < m->len; i++)
		buf_add_str(b, m->record[i].path);
}

const struct buf *
manifest_bytes(struct manifest *m)
{
	buf_auto struct buf b = { 0 };

	if (m->is_moved || m->bytes.data.len == 0) {
		write_all(m, &b);
		merkle_bytes_set(&m->bytes, b.data, b.len);
		m->is_moved = false;
	}
	return &m->bytes.data;
}

unsigned
manifest_log2(uint64_t drive)
{
	return drive <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(drive - 1);
}

int
manifest_root(struct manifest *m, uint64_t drive, unsigned log2,
    struct merkle_hash *out, struct err *e)
{
	size_t len = manifest_bytes(m)->len;

	if (len > drive)
		return err_set(e, ERR_QUOTA,
		    "the state's manifest has %zu bytes, and its drive %llu",
		    len, (unsigned long long)drive);
	merkle_bytes_root(&m->bytes, log2, out);
	return 0;
}

/* ---- reading ---- */

static bool
is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static bool
is_path(const char *path)
{
	if (path[0] == '\0')
		return true;
	for (const char *p = path; *p != '\0';) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
		if (*p == '/' && *++p == '\0')
			return false;
	}
	return true;
}

/* Its directory is there, in front of it. */
static bool
has_parent(const struct manifest *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	const struct manifest_record *r;
	char *dir;

	if (path[0] == '\0')
		return m->len == 0;
	dir = str_printf("%.*s", slash == NULL ? 0 : (int)(slash - path), path);
	r = manifest_find(m, dir);
	free(dir);
	return r != NULL && r->type == MANIFEST_DIRECTORY;
}

static const char *
check_fields(const struct manifest_record *r, const unsigned char *bytes)
{
	if (r->type < MANIFEST_DIRECTORY || r->type > MANIFEST_LINK)
		return "an unknown type";
	if (r->mode > 0777 || !is_zero(bytes + 24, 8))
		return "a field that is not zero";
	if (r->type == MANIFEST_LINK && (r->mode != 0777 || r->size == 0))
		return "a link that cannot be";
	if ((r->type == MANIFEST_DIRECTORY || r->size == 0) &&
	    (r->size != 0 || !is_zero(r->root.byte, MERKLE_HASH)))
		return "a content where there is none";
	return NULL;
}

/* The next one: what is wrong with it, or NULL. */
static const char *
read_record(struct manifest *m, const unsigned char *bytes,
    const unsigned char *all, uint64_t *offset, uint64_t end)
{
	struct manifest_record r = { .type = (enum manifest_type)get_number(
					 bytes, 2),
		.mode = (unsigned)get_number(bytes + 2, 2),
		.size = get_number(bytes + 16, 8) };
	uint64_t n = get_number(bytes + 4, 4);
	const char *why;

	memcpy(r.root.byte, bytes + 32, MERKLE_HASH);
	why = check_fields(&r, bytes);
	if (why != NULL)
		return why;
	if (get_number(bytes + 8, 8) != *offset || n > MANIFEST_PATH_MAX ||
	    n > end - *offset || memchr(all + *offset, '\0', n) != NULL)
		return "a path that is not where it should be";
	r.path = str_printf("%.*s", (int)n, (const char *)all + *offset);
	*offset += n;
	if (!is_path(r.path))
		why = "a path that cannot be";
	else if (m->len > 0 && strcmp(m->record[m->len - 1].path, r.path) >= 0)
		why = "a path that is not in its order";
	else if (!has_parent(m, r.path))
		why = "a path without its directory";
	else
		manifest_append(m, &r);
	free(r.path);
	return why;
}

int
manifest_read(struct manifest *m, const void *data, size_t len, struct err *e)
{
	const unsigned char *all = data;
	uint64_t n, paths, offset, end;
	const char *why = NULL;

	memset(m, 0, sizeof(*m));
	if (len < MANIFEST_HEAD || memcmp(all, magic, sizeof(magic)) != 0 ||
	    !is_zero(all + 24, 40))
		return err_set(e, ERR_INVALID, "no manifest");
	n = get_number(all + 8, 8);
	paths = get_number(all + 16, 8);
	if (n == 0 || n > MANIFEST_PATHS_MAX ||
	    n * MANIFEST_RECORD > len - MANIFEST_HEAD ||
	    paths > len - MANIFEST_HEAD - n * MANIFEST_RECORD)
		return err_set(e, ERR_INVALID, "a manifest that breaks off");
	offset = MANIFEST_HEAD + n * MANIFEST_RECORD;
	end = offset + paths;
	for (uint64_t i = 0; i < n && why == NULL; i++)
		why = read_record(m, all + MANIFEST_HEAD + i * MANIFEST_RECORD,
		    all, &offset, end);
	if (why == NULL && offset != end)
		why = "paths that are nobody's";
	if (why == NULL && !is_zero(all + end, len - end))
		why = "bytes behind it";
	return why == NULL ? 0
			   : err_set(e, ERR_INVALID, "a manifest with %s", why);
}
