#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "messages/aleph.h"
#include "messages/aleph_item.h"
#include "messages/value.h"

bool
aleph_item_same_address(const char *a, const char *b)
{
	return a[0] != '\0' && strcasecmp(a, b) == 0;
}

static const char *
text_of(const struct value *content, const char *key, const char *path,
    struct problems *problems)
{
	const struct value *v = value_get(content, key);

	if (v != NULL && v->kind == VALUE_STRING)
		return v->text;
	problems_add(problems, v == NULL ? "item:missing" : "item:type", path,
	    "%s", v == NULL ? "missing" : "not a string");
	return "";
}

/* Seconds, with a fraction; what no clock will say is refused. */
static int64_t
time_of(const struct value *content, struct problems *problems)
{
	const struct value *v = value_get(content, "time");
	double t = -1;

	if (v != NULL && v->kind == VALUE_INT)
		t = (double)v->number;
	else if (v != NULL && v->kind == VALUE_REAL)
		t = v->real;
	if (t >= 0 && t <= 9223372036.0)
		return (int64_t)(t * 1e6);
	problems_add(problems, "item:time", "content.time", "no time");
	return 0;
}

static void
check_hash(const char *text, const char *path, struct problems *problems)
{
	if (text[0] != '\0' && item_hash_kind(text) == ITEM_HASH_NONE)
		problems_add(problems, "item:hash", path, "not an item hash");
}

static void
read_store(struct aleph_item *out, const struct value *content,
    struct problems *problems)
{
	const struct value *ref = value_get(content, "ref");

	out->file =
	    text_of(content, "item_hash", "content.item_hash", problems);
	check_hash(out->file, "content.item_hash", problems);
	if (ref == NULL || ref->kind == VALUE_NULL)
		return;
	/* A label of the owner's is a name for people. */
	if (ref->kind == VALUE_STRING &&
	    item_hash_kind(ref->text) != ITEM_HASH_NONE)
		out->ref = ref->text;
}

static void
read_forget(struct aleph_item *out, const struct value *content,
    struct problems *problems)
{
	const struct value *list = value_get(content, "hashes");
	char path[48];

	if (list == NULL || list->kind != VALUE_LIST || list->len == 0 ||
	    list->len > ALEPH_ITEM_FORGETS_MAX) {
		problems_add(problems, "item:hashes", "content.hashes",
		    "not a list of 1 to %d item hashes",
		    ALEPH_ITEM_FORGETS_MAX);
		return;
	}
	for (size_t i = 0; i < list->len; i++) {
		snprintf(path, sizeof(path), "content.hashes[%zu]", i);
		if (list->item[i]->kind != VALUE_STRING ||
		    item_hash_kind(list->item[i]->text) == ITEM_HASH_NONE)
			problems_add(problems, "item:hash", path,
			    "not an item hash");
	}
	out->hashes = list;
}

int
aleph_item_read(struct aleph_item *out, const struct aleph_envelope *n,
    const struct value *root, struct problems *problems)
{
	const struct value *content = value_get(root, "item_content parsed");
	const char *sender = value_get_text(root, "sender");

	memset(out, 0, sizeof(*out));
	if (!n->present || n->type == NULL || n->is_program)
		return -1;
	if (strcmp(n->type, "STORE") == 0)
		out->kind = ALEPH_STORE;
	else if (strcmp(n->type, "FORGET") == 0)
		out->kind = ALEPH_FORGET;
	else
		return -1;
	if (content == NULL && problems->len == 0)
		problems_add(problems, "item:inline", "item_content",
		    "only an inline message can be believed");
	if (problems->len > 0)
		return -1;
	memcpy(out->id, n->item_hash, sizeof(out->id));
	out->address = text_of(content, "address", "content.address", problems);
	out->time_us = time_of(content, problems);
	if (out->kind == ALEPH_STORE)
		read_store(out, content, problems);
	else
		read_forget(out, content, problems);
	out->signed_by_owner = n->signature == SIGNATURE_GOOD &&
	    sender != NULL && aleph_item_same_address(sender, out->address);
	return problems->len == 0 ? 0 : -1;
}
