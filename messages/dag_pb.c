#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/dag_pb.h"
#include "messages/varint.h"

/* ---- protocol buffers: encoding.md ---- */

enum wire { WIRE_VARINT = 0, WIRE_BYTES = 2 };

struct field {
	uint64_t number, value; /* value: of a varint */
	enum wire wire;
	const unsigned char *data;
	size_t len;
};

struct reader {
	const unsigned char *data;
	size_t len;
};

static bool
get_varint(struct reader *r, uint64_t *value)
{
	size_t n = varint_read(r->data, r->len, value);

	r->data += n;
	r->len -= n;
	return n > 0;
}

/* 1: a field; 0: the end; -1: malformed, or of a kind that has no place. */
static int
next_field(struct reader *r, struct field *f)
{
	uint64_t key, len;

	if (r->len == 0)
		return 0;
	if (!get_varint(r, &key))
		return -1;
	f->number = key >> 3;
	f->wire = (enum wire)(key & 7);
	if (f->wire == WIRE_VARINT)
		return get_varint(r, &f->value) ? 1 : -1;
	if (f->wire != WIRE_BYTES || !get_varint(r, &len) || len > r->len)
		return -1;
	f->data = r->data;
	f->len = (size_t)len;
	r->data += len;
	r->len -= (size_t)len;
	return 1;
}

/* ---- UnixFS ---- */

enum { TYPE_RAW = 0, TYPE_FILE = 2, TYPES = 6 };

struct unixfs {
	uint64_t type, sizes; /* how many blocks' sizes it has */
	bool has_type, has_data;
};

static int
count_packed(const struct field *f, uint64_t *n)
{
	struct reader r = { f->data, f->len };
	uint64_t ignored;

	while (r.len > 0) {
		if (!get_varint(&r, &ignored))
			return -1;
		++*n;
	}
	return 0;
}

static int
take_unixfs(struct dag_pb *d, struct unixfs *u, const struct field *f)
{
	bool bytes = f->wire == WIRE_BYTES;

	switch (f->number) {
	case 1: /* Type */
		if (bytes)
			return -1;
		u->type = f->value;
		u->has_type = true;
		return 0;
	case 2: /* Data */
		if (!bytes || u->has_data)
			return -1;
		u->has_data = true;
		d->data = f->data;
		d->len = f->len;
		return 0;
	case 3: /* filesize */
		if (bytes)
			return -1;
		d->size = f->value;
		d->has_size = true;
		return 0;
	case 4: /* blocksizes */
		if (bytes)
			return count_packed(f, &u->sizes);
		u->sizes++;
		return 0;
	default:
		return 0; /* hashType, fanout, mode, mtime */
	}
}

static int
read_unixfs(struct dag_pb *d, const struct field *data, struct err *e)
{
	static const char *const kinds[TYPES] = { "raw", "a directory", "file",
		"metadata", "a symbolic link", "a directory" };
	struct reader r = { data->data, data->len };
	struct unixfs u = { 0 };
	struct field f;
	int more;

	while ((more = next_field(&r, &f)) == 1)
		if (take_unixfs(d, &u, &f) == -1)
			break;
	if (more != 0 || !u.has_type)
		return err_set(e, ERR_GUEST, "malformed UnixFS data");
	if (u.type != TYPE_RAW && u.type != TYPE_FILE)
		return err_set(e, ERR_GUEST, "it is %s and no file",
		    u.type < TYPES ? kinds[u.type] : "of an unknown kind");
	if (u.sizes != d->nlinks)
		return err_set(e, ERR_GUEST,
		    "malformed UnixFS data: sizes of %llu blocks, and %zu",
		    (unsigned long long)u.sizes, d->nlinks);
	return 0;
}

/* ---- DAG-PB ---- */

static int
add_link(struct dag_pb *d, const struct field *link)
{
	struct reader r = { link->data, link->len };
	bool has_hash = false;
	struct field f;
	struct cid c;
	int more;

	while ((more = next_field(&r, &f)) == 1) {
		if (f.number != 1) /* Hash */
			continue;
		if (f.wire != WIRE_BYTES || has_hash ||
		    cid_read(f.data, f.len, &c) != f.len || f.len == 0)
			return -1;
		has_hash = true;
	}
	if (more == -1 || !has_hash)
		return -1;
	/* Powers of two. */
	if ((d->nlinks & (d->nlinks - 1)) == 0) {
		d->link = realloc(d->link,
		    (d->nlinks == 0 ? 1 : 2 * d->nlinks) * sizeof(c));
		invariant(d->link != NULL);
	}
	d->link[d->nlinks++] = c;
	return 0;
}

int
dag_pb_read(const void *block, size_t len, struct dag_pb *d, struct err *e)
{
	struct reader r = { block, len };
	struct field f, data = { 0 };
	bool has_data = false;
	int more;

	*d = (struct dag_pb){ 0 };
	while ((more = next_field(&r, &f)) == 1) {
		if (f.wire != WIRE_BYTES || f.number < 1 || f.number > 2 ||
		    (f.number == 1 && has_data))
			break;
		if (f.number == 2 && add_link(d, &f) == -1)
			return err_set(e, ERR_GUEST,
			    "a link that is malformed, or no SHA-256");
		if (f.number == 1) {
			data = f;
			has_data = true;
		}
	}
	if (more != 0 || !has_data)
		return err_set(e, ERR_GUEST, "malformed DAG-PB node");
	return read_unixfs(d, &data, e);
}

void
dag_pb_fini(struct dag_pb *d)
{
	free(d->link);
	d->link = NULL;
}
