/*
 * Every refusal of a message is provoked: the tables of fields say which there
 * are, a whole message of each dialect is broken in just that place, and the
 * id must come back with its path.  At the end the list of all ids that the
 * reader can report is held against the ones that were seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/aleph_schema.h"
#include "messages/json.h"
#include "messages/value.h"
#include "tests/unit/edit.h"
#include "tests/unit/special.h"
#include "tests/unit/unit.h"

static char *seen[4096];
static size_t nseen;

static bool
was_seen(const char *id)
{
	for (size_t i = 0; i < nseen; i++)
		if (strcmp(seen[i], id) == 0)
			return true;
	return false;
}

/* ---- reading, and what comes back ---- */

static struct value *
wrap(const struct value *content)
{
	struct value *e = edit_fixture("envelope");
	char *text = json_emit(content, JSON_AS_LINE), hash[SHA256_HEX];

	sha256_of(text, strlen(text), hash);
	value_set_text(e, "item_content", text);
	value_set_text(e, "item_hash", hash);
	free(text);
	return e;
}

static void
note_all(const struct problems *p)
{
	for (size_t i = 0; i < p->len; i++)
		if (!was_seen(p->item[i].id) && nseen < 4096)
			seen[nseen++] = str_dup(p->item[i].id);
}

static int
read_root(struct value *root, int dialect, struct problems *p)
{
	static struct aleph_program program;
	struct aleph_envelope n;
	char *text = json_emit(root, JSON_AS_LINE);
	int r = aleph_read(&program, &n, root, text, strlen(text), dialect, p);

	free(text);
	aleph_fini(&program);
	note_all(p);
	return r;
}

static int
read_document(const struct document *d, struct problems *p)
{
	return read_root(d->in_envelope ? wrap(d->body) : value_copy(d->body),
	    d->dialect, p);
}

static struct document
copy_of(const struct document *d)
{
	return (
	    struct document){ value_copy(d->body), d->in_envelope, d->dialect };
}

/* The broken document must be refused with this id at this path. */
static void
expect(struct document *broken, const char *id, const char *path)
{
	static struct problems p;
	bool found = false;

	assert_int_equal(read_document(broken, &p), -1);
	for (size_t i = 0; i < p.len; i++)
		found |= strcmp(p.item[i].id, id) == 0 &&
		    strcmp(p.item[i].path, path) == 0;
	if (!found) {
		for (size_t i = 0; i < p.len; i++)
			print_message("got %s at %s: %s\n", p.item[i].id,
			    p.item[i].path, p.item[i].text);
		fail_msg("%s did not come at %s", id, path);
	}
	problems_fini(&p);
	value_free(broken->body);
}

struct place {
	const struct document *whole;
	const struct schema *schema;
	char path[160]; /* of the map that holds the field, in the document */
};

static void
break_field(const struct place *w, const struct schema_field *f,
    const char *check, struct value *with)
{
	struct document d = copy_of(w->whole);
	struct value *map = edit_at(d.body, w->path);
	char id[160], path[256];

	if (with == NULL)
		edit_drop(map, f->name);
	else
		edit_put(map, f->name, with);
	snprintf(id, sizeof(id), "%s.%s:%s", w->schema->name, f->name, check);
	snprintf(path, sizeof(path), "%s%s%s%s%s",
	    d.in_envelope ? "content" : "",
	    d.in_envelope && w->path[0] ? "." : "", w->path,
	    d.in_envelope || w->path[0] ? "." : "", f->name);
	if (strcmp(check, "key") == 0 || strcmp(check, "text") == 0 ||
	    strcmp(check, "value") == 0)
		strcat(path,
		    strcmp(check, "key") == 0
			? ".xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			  "xxxxxxxxxxxxxxxxxxxx..."
			: ".k0");
	expect(&d, id, path);
}

static struct value *
wrong_type(enum schema_type t)
{
	struct value *v;

	switch (t) {
	case SCHEMA_BOOL:
		return value_of_int(1);
	case SCHEMA_INT:
		/* true is 1 to others; 1.5 and "1" are wrong to everybody. */
		v = value_new(VALUE_BOOL);
		v->truth = true;
		return v;
	case SCHEMA_REAL:
		return value_of_text("1");
	case SCHEMA_TIME:
		return value_new(VALUE_BOOL);
	default:
		return value_of_int(5);
	}
}

static void
break_contents(const struct place *w, const struct schema_field *f)
{
	struct value *key;

	switch (f->type) {
	case SCHEMA_INT:
		break_field(w, f, "range", value_of_int(f->min - 1));
		if (f->max != INT64_MAX)
			break_field(w, f, "range", value_of_int(f->max + 1));
		break;
	case SCHEMA_REAL:
		break_field(w, f, "range", value_of_int(-1));
		break_field(w, f, "range", value_of_int(f->max + 1));
		break;
	case SCHEMA_TIME:
		break_field(w, f, "time", value_of_text("yesterday"));
		break;
	case SCHEMA_WORD:
		break_field(w, f, "word", value_of_text("zz"));
		break;
	case SCHEMA_HASH:
		break_field(w, f, "hash", value_of_text("zz"));
		break;
	case SCHEMA_TEXT:
		if (f->max != 0)
			break_field(w, f, "length",
			    edit_long_text((size_t)f->max + 1));
		break;
	case SCHEMA_TEXTS:
		key = edit_long_text(129);
		break_field(w, f, "key",
		    edit_map_with(key->text, value_of_text("x")));
		value_free(key);
		break_field(w, f, "text", edit_map_with("k0", value_of_int(1)));
		break_field(w, f, "value",
		    edit_map_with("k0", edit_long_text(4097)));
		break_field(w, f, "count",
		    edit_entries((size_t)f->max + 1, "x"));
		break;
	case SCHEMA_FREE:
		break_field(w, f, "count",
		    edit_entries((size_t)f->max + 1, "x"));
		break;
	default:
		break;
	}
}

static void break_schema(const struct document *whole, const struct schema *,
    const char *path);

/* A list whose first item is another. */
static void
break_item(const struct place *w, const struct schema_field *item,
    const char *check, struct value *with)
{
	struct document d = copy_of(w->whole);
	struct value *list = edit_at(edit_at(d.body, w->path), item->name);
	char id[160], path[256];

	value_free(list->item[0]);
	list->item[0] = with;
	snprintf(id, sizeof(id), "%s.%s:%s", w->schema->name, item->name,
	    check);
	snprintf(path, sizeof(path), "%s%s%s%s[0]",
	    d.in_envelope ? "content." : "", w->path, w->path[0] ? "." : "",
	    item->name);
	expect(&d, id, path);
}

static void
break_items(const struct place *w, const struct schema_field *f)
{
	const struct schema_field *item = f->item;
	char path[256];

	snprintf(path, sizeof(path), "%s%s%s[0]", w->path,
	    w->path[0] ? "." : "", f->name);
	if (item->sub != NULL)
		break_schema(w->whole, item->sub, path);
	break_item(w, item, "null", value_new(VALUE_NULL));
	break_item(w, item, "type", value_of_int(5));
	if (item->type == SCHEMA_FREE)
		break_item(w, item, "count",
		    edit_entries((size_t)item->max + 1, "x"));
	if (item->type == SCHEMA_TEXT && item->max != 0)
		break_item(w, item, "length",
		    edit_long_text((size_t)item->max + 1));
}

static void
break_count(const struct place *w, const struct schema_field *f)
{
	const struct value *list =
	    edit_at(edit_at(w->whole->body, w->path), f->name);

	if (f->max == 0)
		return;
	break_field(w, f, "count",
	    list->item[0]->kind == VALUE_MAP
		? edit_maps((size_t)f->max + 1, list->item[0])
		: edit_texts((size_t)f->max + 1));
}

static void
break_one(const struct place *w, const struct schema_field *f)
{
	char below[256];

	if ((f->flags & SCHEMA_REQUIRED) != 0)
		break_field(w, f, "missing", NULL);
	if ((f->flags & SCHEMA_WRITTEN) != 0 && w->whole->in_envelope)
		break_field(w, f, "written", NULL);
	if ((f->flags & SCHEMA_NULLABLE) == 0 || w->whole->in_envelope)
		break_field(w, f, "null", value_new(VALUE_NULL));
	if (f->type != SCHEMA_ANY)
		break_field(w, f, "type", wrong_type(f->type));
	break_contents(w, f);
	if (f->type == SCHEMA_LIST) {
		if (f->item != NULL)
			break_items(w, f);
		break_count(w, f);
	}
	if (f->sub != NULL) {
		snprintf(below, sizeof(below), "%s%s%s", w->path,
		    w->path[0] ? "." : "", f->name);
		break_schema(w->whole, f->sub, below);
	}
}

static void
break_schema(const struct document *whole, const struct schema *s,
    const char *path)
{
	struct place w = { .whole = whole, .schema = s };
	char id[160], where[256];

	snprintf(w.path, sizeof(w.path), "%s", path);
	if (!s->open || whole->in_envelope) {
		struct document d = copy_of(whole);

		edit_put(edit_at(d.body, path), "zzz", value_of_int(1));
		snprintf(id, sizeof(id), "%s:unknown", s->name);
		snprintf(where, sizeof(where), "%s%s%s%szzz",
		    d.in_envelope ? "content" : "",
		    d.in_envelope && *path ? "." : "", path,
		    d.in_envelope || *path ? "." : "");
		expect(&d, id, where);
	}
	for (size_t i = 0; i < s->len; i++)
		break_one(&w, &s->field[i]);
}

static void
the_whole_messages_are_good(void **state)
{
	static const char *const names[] = { "proposal-1", "proposal-2",
		"accepted", "local" };
	static struct problems p;

	(void)state;
	for (int d = 0; d < 4; d++) {
		struct document doc = { edit_fixture(names[d]), false, -1 };

		assert_int_equal(read_document(&doc, &p), 0);
		doc.dialect = d;
		doc.in_envelope = d >= ALEPH_ACCEPTED;
		if (read_document(&doc, &p) != 0)
			fail_msg("%s: %s: %s", names[d], p.item[0].path,
			    p.item[0].text);
		value_free(doc.body);
	}
}

static void
every_field_of_the_proposals_is_checked(void **state)
{
	struct document d = { edit_fixture("proposal-1"), false,
		ALEPH_PROPOSAL_1 };

	(void)state;
	break_schema(&d, aleph_schema_program(ALEPH_PROPOSAL_1), "");
	value_free(d.body);
	d = (struct document){ edit_fixture("proposal-2"), false,
		ALEPH_PROPOSAL_2 };
	break_schema(&d, aleph_schema_program(ALEPH_PROPOSAL_2), "");
	value_free(d.body);
}

static void
every_field_of_the_accepted_dialects_is_checked(void **state)
{
	static const char *const names[] = { "accepted", "local" };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct document d = { edit_fixture(names[k]), true,
			ALEPH_ACCEPTED + k };

		break_schema(&d,
		    aleph_schema_program((enum aleph_dialect)d.dialect), "");
		for (int v = ALEPH_IMMUTABLE; v <= ALEPH_PERSISTENT; v++) {
			char path[32];

			snprintf(path, sizeof(path), "volumes[%d]", v);
			break_schema(&d,
			    aleph_schema_volume((enum aleph_volume_kind)v),
			    path);
		}
		value_free(d.body);
	}
}

/* The envelope itself: its fields stand at the top. */
static void
every_field_of_the_envelope_is_checked(void **state)
{
	const struct schema *s = aleph_schema_envelope();
	struct value *content = edit_fixture("accepted");
	struct document d = { wrap(content), false, -1 };

	(void)state;
	break_schema(&d, s, "");
	value_free(content);
	value_free(d.body);
}

static void
proposal_callable(struct document *d)
{
	struct value *code;

	value_free(d->body);
	d->body = edit_fixture("proposal-2");
	d->dialect = ALEPH_PROPOSAL_2;
	code = edit_at(d->body, "content.code");
	edit_put(code, "entrypoint", value_of_text("a-b"));
}

static void
rules_beyond_the_tables_have_their_sentences(void **state)
{
	static struct problems p;

	(void)state;
	for (size_t i = 0; i < special_len; i++) {
		const struct special *s = &special_rules[i];
		struct document d = { value_new(VALUE_MAP), false, -1 };
		bool found = false;

		s->break_it(&d);
		assert_int_equal(read_document(&d, &p), -1);
		for (size_t k = 0; k < p.len; k++)
			found |= strcmp(p.item[k].id, s->id) == 0 &&
			    strcmp(p.item[k].path, s->path) == 0 &&
			    strcmp(p.item[k].text, s->text) == 0;
		if (!found)
			fail_msg("%s: %s: %s", p.item[0].id, p.item[0].path,
			    p.item[0].text);
		problems_fini(&p);
		value_free(d.body);
	}
}

/* A hyphen makes it a path, and so a binary; as a callable it is refused. */
static void
a_callable_is_an_identifier(void **state)
{
	struct document d = { value_new(VALUE_MAP), false, -1 };
	static struct problems p;

	(void)state;
	proposal_callable(&d);
	assert_int_equal(read_document(&d, &p), 0);
	value_free(d.body);
	problems_fini(&p);
}

static void
refuse_envelope(const char *key, struct value *with, const char *id)
{
	struct value *content = edit_fixture("accepted"), *root = wrap(content);
	static struct problems p;

	if (with == NULL)
		edit_drop(root, key);
	else
		edit_put(root, key, with);
	assert_int_equal(read_root(root, -1, &p), -1);
	if (!problems_has(&p, id))
		fail_msg("%s did not come: %s", id,
		    p.len ? p.item[0].id : "nothing");
	problems_fini(&p);
	value_free(content);
}

static void
the_envelope_has_rules_of_its_own(void **state)
{
	struct value *long_content;
	static struct problems p;
	char *quoted;

	(void)state;
	refuse_envelope("item_hash", NULL, "item_hash:missing");
	refuse_envelope("item_hash", value_of_text("fake"), "item_hash:form");
	refuse_envelope("item_hash", value_of_int(1), "item_hash:form");
	refuse_envelope("item_hash",
	    value_of_text("c5e40cd89103d3c57327a514f465b83cd193d1331f307bc5a4c"
			  "38bfec36ab37d"),
	    "item_hash:differs");
	refuse_envelope("item_type", value_of_text("storage"),
	    "item_content:apart");
	refuse_envelope("item_content", NULL, "item_content:missing");
	refuse_envelope("item_content", value_of_int(1), "item_content:type");
	refuse_envelope("item_content", value_of_text("{\"a\":1,\"a\":2}"),
	    "item_content:json");
	refuse_envelope("item_content", value_of_text("[]"),
	    "item_content:json");
	long_content = edit_long_text(200001);
	refuse_envelope("item_content", long_content, "item_content:length");
	refuse_envelope("confirmations", value_new(VALUE_LIST),
	    "confirmed:empty");
	refuse_envelope("chain", value_of_text("NOPE"), "chain:unknown");
	refuse_envelope("content", value_of_int(1), "content:type");
	refuse_envelope("item_content", NULL, "content:missing");
	refuse_envelope("content", value_new(VALUE_MAP), "content:differs");
	assert_int_equal(read_root(value_new(VALUE_LIST), -1, &p), -1);
	assert_true(problems_has(&p, "message:object"));
	problems_fini(&p);
	assert_int_equal(read_root(edit_fixture("envelope"), 0, &p), -1);
	quoted = str_dup(p.item[0].text);
	assert_string_equal(quoted, "proposal-1 has no envelope");
	free(quoted);
	problems_fini(&p);
}

static size_t total, unseen;

static void
check_seen(void *arg, const char *id)
{
	(void)arg;
	total++;
	if (!was_seen(id)) {
		print_message("no test provokes %s\n", id);
		unseen++;
	}
}

static void
no_refusal_is_without_a_test(void **state)
{
	(void)state;
	aleph_ids(check_seen, NULL);
	print_message("%zu refusals\n", total);
	assert_int_equal(unseen, 0);
	assert_true(total > 150);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_messages_are_good),
		cmocka_unit_test(every_field_of_the_proposals_is_checked),
		cmocka_unit_test(
		    every_field_of_the_accepted_dialects_is_checked),
		cmocka_unit_test(every_field_of_the_envelope_is_checked),
		cmocka_unit_test(rules_beyond_the_tables_have_their_sentences),
		cmocka_unit_test(a_callable_is_an_identifier),
		cmocka_unit_test(the_envelope_has_rules_of_its_own),
		cmocka_unit_test(no_refusal_is_without_a_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
