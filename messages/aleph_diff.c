#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "messages/aleph_diff.h"
#include "messages/problems.h"
#include "messages/value.h"

/* What a missing field means; false and the empty list besides. */
static const struct {
	const char *path;
	int64_t number;
	bool truth;
	const char *text;
} defaults[] = {
	{ "resources.vcpus", 1, false, NULL },
	{ "resources.memory", 128, false, NULL },
	{ "resources.seconds", 1, false, NULL },
	{ "runtime.use_latest", 0, true, NULL },
	{ "volumes[].use_latest", 0, true, NULL },
	{ "volumes[].ephemeral", 0, true, NULL },
	{ "resources.published_ports[].protocol", 0, false, "tcp" },
};

/* True if leaving the field out says the same as v. */
static bool
is_default(const char *path, const struct value *v)
{
	buf_auto struct buf plain = { 0 };
	const char *p;

	/* Indexes do not matter: volumes[3] reads volumes[]. */
	for (p = path; *p != '\0'; p++) {
		buf_add_char(&plain, *p);
		if (*p == '[')
			p += strspn(p + 1, "0123456789");
	}
	for (size_t i = 0; i < nitems(defaults); i++)
		if (strcmp(defaults[i].path, buf_text(&plain)) == 0)
			return v->kind == VALUE_INT
			    ? v->number == defaults[i].number
			    : v->kind == VALUE_BOOL
			    ? v->truth == defaults[i].truth
			    : v->kind == VALUE_STRING &&
				defaults[i].text != NULL &&
				strcmp(v->text, defaults[i].text) == 0;
	return (v->kind == VALUE_BOOL && !v->truth) ||
	    (v->kind == VALUE_LIST && v->len == 0);
}

static bool
is_absent(const struct value *v)
{
	return v == NULL || v->kind == VALUE_NULL;
}

struct differ {
	struct problems *problems; /* NULL: only count */
	size_t found;
};

static void compare(struct differ *, const char *path, const struct value *a,
    const struct value *b);

static void
differ_at(struct differ *d, const char *path, const char *why)
{
	d->found++;
	if (d->problems != NULL)
		problems_add(d->problems, "content:differs", path,
		    "differs from item_content%s%s", *why ? ": " : "", why);
}

static void
compare_members(struct differ *d, const char *path, const struct value *a,
    const struct value *b)
{
	char *below;

	for (size_t i = 0; i < b->len; i++) {
		below = str_printf("%s%s%s", path, *path ? "." : "", b->key[i]);
		compare(d, below, value_get(a, b->key[i]), b->item[i]);
		free(below);
	}
	for (size_t i = 0; i < a->len; i++) {
		if (value_get(b, a->key[i]) != NULL)
			continue;
		below = str_printf("%s%s%s", path, *path ? "." : "", a->key[i]);
		compare(d, below, a->item[i], NULL);
		free(below);
	}
}

/* A volume is one thing: name it once, and which of its fields. */
static void
compare_volume(struct differ *d, const char *path, const struct value *a,
    const struct value *b)
{
	buf_auto struct buf names = { 0 };
	struct differ one = { NULL, 0 };
	size_t before = 0;

	if (a->kind != VALUE_MAP || b->kind != VALUE_MAP) {
		differ_at(d, path, "");
		return;
	}
	for (size_t i = 0; i < a->len + b->len; i++) {
		const char *key = i < b->len ? b->key[i] : a->key[i - b->len];
		char *below = str_printf("%s.%s", path, key);

		if (i < b->len || value_get(b, key) == NULL)
			compare(&one, below, value_get(a, key),
			    value_get(b, key));
		if (one.found > before)
			buf_printf(&names, "%s%s", before ? ", " : "", key);
		before = one.found;
		free(below);
	}
	if (one.found > 0)
		differ_at(d, path, buf_text(&names));
}

static void
compare_items(struct differ *d, const char *path, const struct value *a,
    const struct value *b)
{
	char *below;

	if (a->len != b->len) {
		differ_at(d, path, "another number of entries");
		return;
	}
	for (size_t i = 0; i < a->len; i++) {
		below = str_printf("%s[%zu]", path, i);
		if (strcmp(path, "volumes") == 0)
			compare_volume(d, below, a->item[i], b->item[i]);
		else
			compare(d, below, a->item[i], b->item[i]);
		free(below);
	}
}

/* a: of content, b: of item_content. */
static void
compare(struct differ *d, const char *path, const struct value *a,
    const struct value *b)
{
	if (is_absent(a) || b == NULL) {
		if (!(is_absent(a) && (b == NULL || is_default(path, b))))
			differ_at(d, path,
			    is_absent(a) ? "it is missing here"
					 : "it is missing there");
	} else if (a->kind == VALUE_MAP && b->kind == VALUE_MAP) {
		compare_members(d, path, a, b);
	} else if (a->kind == VALUE_LIST && b->kind == VALUE_LIST) {
		compare_items(d, path, a, b);
	} else if (!value_equal(a, b)) {
		differ_at(d, path, "");
	}
}

void
aleph_diff_run(const struct value *content, const struct value *item_content,
    struct problems *problems)
{
	struct differ d = { problems, 0 };

	compare(&d, "", content, item_content);
}
