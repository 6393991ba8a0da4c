#include <string.h>

#include "base/str.h"
#include "messages/proto_set.h"

/* ---- what stands in what: numbers of google/protobuf/descriptor.proto ---- */

enum { SET_FILE = 1 };
enum { FILE_NAME = 1, FILE_PACKAGE = 2, FILE_DEPENDENCY = 3 };
enum { NAME = 1 }; /* of all that follow */

enum kind { FILES, MESSAGE, ENUMERATION, SERVICE, LEAF };

static const struct inner {
	enum kind of;
	unsigned number;
	enum kind kind;
} inners[] = {
	{ FILES, 4, MESSAGE }, { FILES, 5, ENUMERATION }, { FILES, 6, SERVICE },
	{ MESSAGE, 2, LEAF }, /* a field */
	{ MESSAGE, 3, MESSAGE }, { MESSAGE, 4, ENUMERATION },
	{ SERVICE, 2, LEAF }, /* a method */
};

static bool
get(const unsigned char *data, size_t len, unsigned number, size_t n,
    struct proto_set_name *out)
{
	struct protobuf_reader r = { data, len };
	struct protobuf_field f;

	while (protobuf_next(&r, &f) == 1)
		if (f.number == number && n-- == 0) {
			*out = (struct proto_set_name){ (const char *)f.data,
				f.len };
			return true;
		}
	return false;
}

/* ---- symbols ---- */

/* Takes a name, and the dot behind it, from the front of a symbol. */
static bool
take(struct proto_set_name *symbol, struct proto_set_name name)
{
	if (symbol->len < name.len ||
	    memcmp(symbol->text, name.text, name.len) != 0)
		return false;
	if (symbol->len > name.len && symbol->text[name.len] != '.')
		return false;
	symbol->text += name.len;
	symbol->len -= name.len;
	if (symbol->len == 1)
		return false; /* a dot, and nothing behind it */
	if (symbol->len > 0) {
		symbol->text++;
		symbol->len--;
	}
	return true;
}

static bool is_inside(enum kind, const unsigned char *, size_t,
    struct proto_set_name);

static bool
declares(enum kind kind, const unsigned char *data, size_t len,
    struct proto_set_name symbol)
{
	struct proto_set_name name;

	return get(data, len, NAME, 0, &name) && take(&symbol, name) &&
	    (symbol.len == 0 || is_inside(kind, data, len, symbol));
}

/* What is described nests a few times at most. */
static bool
is_inside(enum kind kind, const unsigned char *data, size_t len,
    struct proto_set_name symbol)
{
	struct protobuf_reader r = { data, len };
	struct protobuf_field f;

	while (protobuf_next(&r, &f) == 1)
		for (size_t i = 0; i < nitems(inners); i++)
			if (inners[i].of == kind &&
			    inners[i].number == f.number &&
			    declares(inners[i].kind, f.data, f.len, symbol))
				return true;
	return false;
}

static bool
file_declares(const struct protobuf_field *file, struct proto_set_name symbol)
{
	struct proto_set_name package;

	if (get(file->data, file->len, FILE_PACKAGE, 0, &package) &&
	    !take(&symbol, package))
		return false;
	return symbol.len > 0 &&
	    is_inside(FILES, file->data, file->len, symbol);
}

/* ---- files ---- */

static bool
is_named(const struct protobuf_field *file, struct proto_set_name name)
{
	struct proto_set_name own;

	return get(file->data, file->len, FILE_NAME, 0, &own) &&
	    own.len == name.len && memcmp(own.text, name.text, own.len) == 0;
}

static bool
find(struct protobuf_reader set, struct proto_set_name what,
    bool (*fits)(const struct protobuf_field *, struct proto_set_name),
    struct proto_set_file *out)
{
	struct protobuf_field f;

	while (protobuf_next(&set, &f) == 1)
		if (f.number == SET_FILE && fits(&f, what)) {
			*out = (struct proto_set_file){ f.data, f.len };
			return true;
		}
	return false;
}

bool
proto_set_file(struct protobuf_reader set, struct proto_set_name name,
    struct proto_set_file *out)
{
	return find(set, name, is_named, out);
}

bool
proto_set_symbol(struct protobuf_reader set, struct proto_set_name symbol,
    struct proto_set_file *out)
{
	return find(set, symbol, file_declares, out);
}

bool
proto_set_import(const struct proto_set_file *file, size_t n,
    struct proto_set_name *out)
{
	return get(file->data, file->len, FILE_DEPENDENCY, n, out);
}
