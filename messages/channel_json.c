#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/channel_json.h"

struct reader {
	const char *p, *end;
	size_t nodes;
	struct err *e;
};

static struct channel_json *read_value(struct reader *, int depth);

static void *
refuse(struct reader *r, const char *why)
{
	err_set(r->e, ERR_GUEST, "channel: JSON: %s", why);
	return NULL;
}

static struct channel_json *
new_node(enum channel_json_kind kind)
{
	struct channel_json *v = calloc(1, sizeof(*v));

	invariant(v != NULL);
	v->kind = kind;
	return v;
}

void
channel_json_free(struct channel_json *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; v->item != NULL && i < v->len; i++) {
		channel_json_free(v->item[i]);
		if (v->key != NULL)
			free(v->key[i]);
	}
	free(v->item);
	free(v->key);
	free(v->text);
	free(v);
}

static void
skip_blanks(struct reader *r)
{
	while (r->p < r->end && strchr(" \t\r\n", *r->p) != NULL && *r->p)
		r->p++;
}

static bool
take(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
		return false;
	r->p += len;
	return true;
}

static bool
read_hex4(struct reader *r, uint32_t *out)
{
	unsigned char b[2];
	char hex[5];

	if (r->end - r->p < 4)
		return false;
	memcpy(hex, r->p, 4);
	hex[4] = '\0';
	if (!str_unhex(b, 2, hex))
		return false;
	*out = (uint32_t)b[0] << 8 | b[1];
	r->p += 4;
	return true;
}

static void
put_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(b, (char)c);
	} else if (c < 0x800) {
		buf_add_char(b, (char)(0xc0 | c >> 6));
		buf_add_char(b, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_add_char(b, (char)(0xe0 | c >> 12));
		buf_add_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(b, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_add_char(b, (char)(0xf0 | c >> 18));
		buf_add_char(b, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(b, (char)(0x80 | (c & 0x3f)));
	}
}

/* A lone surrogate becomes U+FFFD, as the peers' reader does it. */
static bool
read_unicode(struct reader *r, struct buf *b)
{
	uint32_t c, low;
	const char *before;

	if (!read_hex4(r, &c))
		return false;
	if (c >= 0xd800 && c < 0xdc00) {
		before = r->p;
		if (take(r, "\\u") && read_hex4(r, &low) && low >= 0xdc00 &&
		    low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		} else {
			r->p = before;
			c = 0xfffd;
		}
	} else if (c >= 0xdc00 && c < 0xe000) {
		c = 0xfffd;
	}
	put_utf8(b, c);
	return true;
}

static bool
read_escape(struct reader *r, struct buf *b)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (r->p == r->end)
		return false;
	if (*r->p == 'u') {
		r->p++;
		return read_unicode(r, b);
	}
	at = *r->p == '\0' ? NULL : strchr(from, *r->p);
	if (at == NULL)
		return false;
	buf_add_char(b, to[at - from]);
	r->p++;
	return true;
}

/* After the opening quote. */
static bool
read_string(struct reader *r, struct buf *b)
{
	size_t n;

	while (r->p < r->end && *r->p != '"') {
		if (*r->p == '\\') {
			r->p++;
			if (!read_escape(r, b))
				return false;
			continue;
		}
		n = str_utf8_len(r->p, (size_t)(r->end - r->p));
		if ((unsigned char)*r->p < 0x20)
			return false;
		if (n == 0) {
			put_utf8(b, 0xfffd);
			r->p++;
		} else {
			buf_add(b, r->p, n);
			r->p += n;
		}
	}
	return take(r, "\"");
}

static size_t
digits(struct reader *r)
{
	const char *from = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return (size_t)(r->p - from);
}

static struct channel_json *
read_number(struct reader *r)
{
	const char *from = r->p;
	struct channel_json *v;

	(void)take(r, "-");
	if (!take(r, "0") && digits(r) == 0)
		return refuse(r, "not a value");
	if (take(r, ".") && digits(r) == 0)
		return refuse(r, "a number without digits");
	if (take(r, "e") || take(r, "E")) {
		if (!take(r, "+"))
			(void)take(r, "-");
		if (digits(r) == 0)
			return refuse(r, "a number without digits");
	}
	v = new_node(CHANNEL_JSON_NUMBER);
	v->len = (size_t)(r->p - from);
	v->text = str_printf("%.*s", (int)v->len, from);
	return v;
}

static struct channel_json *
read_text(struct reader *r)
{
	struct channel_json *v;
	struct buf b = { 0 };

	if (!read_string(r, &b)) {
		buf_fini(&b);
		return refuse(r, "a malformed string");
	}
	v = new_node(CHANNEL_JSON_STRING);
	(void)buf_text(&b);
	v->text = b.data;
	v->len = b.len;
	return v;
}

static void
append(struct channel_json *to, char *key, struct channel_json *v)
{
	if ((to->len & (to->len - 1)) == 0) {
		size_t room = 2 * to->len + 1;

		to->item = realloc(to->item, room * sizeof(v));
		invariant(to->item != NULL);
		if (to->kind == CHANNEL_JSON_OBJECT) {
			to->key = realloc(to->key, room * sizeof(key));
			invariant(to->key != NULL);
		}
	}
	if (to->kind == CHANNEL_JSON_OBJECT)
		to->key[to->len] = key;
	to->item[to->len++] = v;
}

static char *
read_key(struct reader *r)
{
	buf_auto struct buf b = { 0 };

	skip_blanks(r);
	if (!take(r, "\"") || !read_string(r, &b))
		return refuse(r, "a malformed key");
	skip_blanks(r);
	if (!take(r, ":"))
		return refuse(r, "a key without a value");
	return str_dup(buf_text(&b));
}

static struct channel_json *
read_items(struct reader *r, enum channel_json_kind kind, int depth)
{
	const char *close = kind == CHANNEL_JSON_LIST ? "]" : "}";
	struct channel_json *v = new_node(kind), *item;
	char *key = NULL;

	skip_blanks(r);
	if (take(r, close))
		return v;
	for (;;) {
		if (kind == CHANNEL_JSON_OBJECT) {
			key = read_key(r);
			if (key == NULL)
				break;
		}
		item = read_value(r, depth + 1);
		if (item == NULL) {
			free(key);
			break;
		}
		append(v, key, item);
		skip_blanks(r);
		if (take(r, close))
			return v;
		if (!take(r, ",")) {
			refuse(r, "no comma between two values");
			break;
		}
	}
	channel_json_free(v);
	return NULL;
}

static struct channel_json *
read_value(struct reader *r, int depth)
{
	if (depth >= CHANNEL_JSON_DEPTH)
		return refuse(r, "too deep");
	if (++r->nodes > CHANNEL_JSON_NODES)
		return refuse(r, "too many values");
	skip_blanks(r);
	if (take(r, "\""))
		return read_text(r);
	if (take(r, "["))
		return read_items(r, CHANNEL_JSON_LIST, depth);
	if (take(r, "{"))
		return read_items(r, CHANNEL_JSON_OBJECT, depth);
	if (take(r, "null"))
		return new_node(CHANNEL_JSON_NULL);
	if (take(r, "true"))
		return new_node(CHANNEL_JSON_TRUE);
	if (take(r, "false"))
		return new_node(CHANNEL_JSON_FALSE);
	return read_number(r);
}

struct channel_json *
channel_json_parse(const char *data, size_t len, struct err *e)
{
	struct reader r = { data, data + len, 0, e };
	struct channel_json *v = read_value(&r, 0);

	if (v == NULL)
		return NULL;
	skip_blanks(&r);
	if (r.p != r.end) {
		channel_json_free(v);
		return refuse(&r, "something after the value");
	}
	return v;
}

const struct channel_json *
channel_json_get(const struct channel_json *v, const char *key)
{
	if (v == NULL || v->kind != CHANNEL_JSON_OBJECT)
		return NULL;
	for (size_t i = v->len; i-- > 0;)
		if (strcasecmp(v->key[i], key) == 0)
			return v->item[i];
	return NULL;
}

const char *
channel_json_text(const struct channel_json *v, const char *key)
{
	v = channel_json_get(v, key);
	return v != NULL &&
		(v->kind == CHANNEL_JSON_STRING ||
		    v->kind == CHANNEL_JSON_NUMBER)
	    ? v->text
	    : NULL;
}
