#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/aleph_checks.h"
#include "messages/aleph_diff.h"
#include "messages/aleph_fields.h"
#include "messages/aleph_schema.h"
#include "messages/json.h"
#include "messages/value.h"

static const char *const dialects[ALEPH_DIALECTS] = { "proposal-1",
	"proposal-2", "accepted", "local" };
static const char *const encodings[] = { "plain", "zip", "squashfs",
	"tar.gzip" };
static const char *const interfaces[ALEPH_INTERFACES] = { "asgi", "binary",
	"exec", "channel", "rollup" };

const char *
aleph_dialect_name(enum aleph_dialect d)
{
	invariant(d < ALEPH_DIALECTS);
	return dialects[d];
}

int
aleph_dialect_find(const char *name)
{
	for (int d = 0; d < ALEPH_DIALECTS; d++)
		if (strcmp(dialects[d], name) == 0)
			return d;
	return -1;
}

const char *
aleph_encoding_name(enum aleph_encoding n)
{
	invariant((size_t)n < nitems(encodings));
	return encodings[n];
}

const char *
aleph_interface_name(enum aleph_interface i)
{
	invariant(i < ALEPH_INTERFACES);
	return interfaces[i];
}

static bool
is_proposal(enum aleph_dialect d)
{
	return d == ALEPH_PROPOSAL_1 || d == ALEPH_PROPOSAL_2;
}

static void
note_ignored(void *arg, const char *path)
{
	struct aleph_program *p = arg;

	value_add_text(p->not_enforced, path);
}

/*
 * Three kinds without a word that says which: an ephemeral volume may leave
 * "ephemeral" out, but then nothing may say that it persists.
 */
static enum aleph_volume_kind
volume_kind(const struct value *v)
{
	if (value_get(v, "ref") != NULL)
		return ALEPH_IMMUTABLE;
	if (value_get(v, "ephemeral") != NULL)
		return ALEPH_EPHEMERAL;
	if (value_get(v, "persistence") != NULL ||
	    value_get(v, "name") != NULL || value_get(v, "parent") != NULL)
		return ALEPH_PERSISTENT;
	return value_get_int(v, "size_mib", 0) > 1000 ? ALEPH_PERSISTENT
						      : ALEPH_EPHEMERAL;
}

static void
read_volumes(struct aleph_program *p, const struct schema_context *c,
    const struct value *content, const char *prefix)
{
	const struct value *list = value_get(content, "volumes"), *v;
	struct aleph_volume *to;
	char path[48];

	if (list == NULL || list->kind != VALUE_LIST)
		return;
	for (size_t i = 0; i < list->len && i < ALEPH_VOLUMES_MAX; i++) {
		v = list->item[i];
		snprintf(path, sizeof(path), "%s%svolumes[%zu]", prefix,
		    *prefix ? "." : "", i);
		if (v->kind != VALUE_MAP) {
			problems_add(c->problems, "volume:kind", path,
			    "%s, not an object", value_kind_name(v->kind));
			continue;
		}
		to = &p->volume[p->nvolumes++];
		to->kind = volume_kind(v);
		schema_check(c, aleph_schema_volume(to->kind), v, path);
		if (to->kind == ALEPH_EPHEMERAL &&
		    !value_get_bool(v, "ephemeral", true))
			problems_add(c->problems, "volume:ephemeral", path,
			    "ephemeral can only be true");
		aleph_fields_volume(to, v);
	}
}

/* The checks beyond the table need the fields that the table asked for. */
static bool
can_check(const struct aleph_program *p)
{
	if (p->code.entrypoint == NULL)
		return false;
	if (p->data.present && p->data.mount == NULL)
		return false;
	if (p->export.present && p->export.mount == NULL)
		return false;
	for (size_t i = 0; p->code.args != NULL && i < p->code.args->len; i++)
		if (p->code.args->item[i]->kind != VALUE_STRING)
			return false;
	return true;
}

static void
read_program(struct aleph_program *p, const struct value *v, bool is_inline,
    bool in_envelope, struct problems *problems)
{
	struct schema_context c = { problems, is_inline, note_ignored, p };
	const struct value *content =
	    is_proposal(p->dialect) ? value_get(v, "content") : v;
	const char *prefix =
	    is_proposal(p->dialect) || in_envelope ? "content" : "";

	schema_check(&c, aleph_schema_program(p->dialect), v,
	    in_envelope ? "content" : "");
	p->address = value_get_text(v, "address");
	if (value_get_text(value_get(content, "code"), "entrypoint") == NULL)
		return;
	aleph_fields_read(p, content);
	if (!is_proposal(p->dialect))
		read_volumes(p, &c, content, prefix);
	if (can_check(p))
		aleph_checks_run(p, prefix, problems);
	aleph_fields_list_idle(p, content, prefix);
}

static bool
uses_local(const struct value *content)
{
	static const char *const only[] = { "on.cron", "code.content" };
	static const char *const coded[] = { "code", "data", "export" };
	const char *text;

	for (size_t i = 0; i < nitems(only); i++)
		if (aleph_fields_lookup(content, only[i]) != NULL)
			return true;
	for (size_t i = 0; i < nitems(coded); i++) {
		text = value_get_text(value_get(content, coded[i]), "encoding");
		if (text != NULL && strcmp(text, "tar.gzip") == 0)
			return true;
	}
	text = value_get_text(value_get(content, "code"), "interface");
	for (size_t i = ALEPH_EXEC; text != NULL && i < ALEPH_INTERFACES; i++)
		if (strcmp(text, interfaces[i]) == 0)
			return true;
	return false;
}

static bool
names_publisher(const struct value *content)
{
	static const char *const refs[] = { "code.address", "runtime.address",
		"data.address" };

	for (size_t i = 0; i < nitems(refs); i++)
		if (aleph_fields_lookup(content, refs[i]) != NULL)
			return true;
	return false;
}

static bool
is_envelope(const struct value *root)
{
	static const char *const fields[] = { "chain", "sender", "signature",
		"item_type", "item_hash", "item_content" };

	for (size_t i = 0; i < nitems(fields); i++)
		if (value_get(root, fields[i]) != NULL)
			return true;
	return false;
}

static enum aleph_dialect
detect(const struct value *root, const struct value *content)
{
	if (!is_envelope(root) &&
	    value_get(value_get(root, "content"), "code") != NULL)
		return names_publisher(value_get(root, "content"))
		    ? ALEPH_PROPOSAL_1
		    : ALEPH_PROPOSAL_2;
	return uses_local(content) ? ALEPH_LOCAL : ALEPH_ACCEPTED;
}

/* ---- the envelope ---- */

static void
check_item_hash(struct aleph_envelope *n, const struct value *root,
    bool is_inline, struct problems *problems)
{
	const struct value *given = value_get(root, "item_hash");
	const char *text = value_get_text(root, "item_content");
	char *quoted;

	if (is_inline && text != NULL)
		sha256_of(text, strlen(text), n->computed);
	if (given == NULL) {
		problems_add(problems, "item_hash:missing", "item_hash",
		    "missing");
	} else if (given->kind != VALUE_STRING ||
	    item_hash_kind(given->text) == ITEM_HASH_NONE) {
		quoted = given->kind == VALUE_STRING
		    ? problems_quote(given->text)
		    : str_dup(value_kind_name(given->kind));
		problems_add(problems, "item_hash:form", "item_hash",
		    "%s is not a hash%s%s%s", quoted,
		    n->computed[0] ? " (item_content hashes to " : "",
		    n->computed, n->computed[0] ? ")" : "");
		free(quoted);
	} else {
		invariant(
		    str_copy(n->item_hash, sizeof(n->item_hash), given->text));
		n->hash_good = strcmp(n->item_hash, n->computed) == 0;
		if (is_inline && text != NULL && !n->hash_good)
			problems_add(problems, "item_hash:differs", "item_hash",
			    "item_content hashes to %s", n->computed);
	}
}

static void
check_signature(struct aleph_envelope *n, const struct value *root)
{
	struct signature_input in = {
		.chain = value_get_text(root, "chain"),
		.sender = value_get_text(root, "sender"),
		.type = value_get_text(root, "type"),
		.item_hash = n->item_hash,
		.signature = value_get_text(root, "signature"),
	};

	n->signature = SIGNATURE_UNCHECKED;
	if (in.chain == NULL || in.sender == NULL || in.type == NULL)
		snprintf(n->why, sizeof(n->why), "the envelope is incomplete");
	else if (n->item_hash[0] == '\0')
		snprintf(n->why, sizeof(n->why),
		    "there is no item hash to check it over");
	else
		n->signature = signature_verify(&in, n->why, sizeof(n->why));
}

/* The parsed item_content, which the caller frees, or NULL with a problem. */
static struct value *
read_item_content(const struct value *root, bool is_inline,
    struct problems *problems)
{
	const struct value *v = value_get(root, "item_content");
	struct value *parsed;
	struct err e;

	if (v != NULL && v->kind == VALUE_NULL)
		v = NULL;
	if (!is_inline) {
		if (v != NULL)
			problems_add(problems, "item_content:apart",
			    "item_content",
			    "only an inline message may have it");
		return NULL;
	}
	if (v == NULL) {
		problems_add(problems, "item_content:missing", "item_content",
		    "missing");
		return NULL;
	}
	if (v->kind != VALUE_STRING) {
		problems_add(problems, "item_content:type", "item_content",
		    "%s, not a string", value_kind_name(v->kind));
		return NULL;
	}
	if (strlen(v->text) > 200000) {
		problems_add(problems, "item_content:length", "item_content",
		    "longer than 200000 characters");
		return NULL;
	}
	parsed = json_parse(v->text, strlen(v->text), &e);
	if (parsed == NULL || parsed->kind != VALUE_MAP) {
		problems_add(problems, "item_content:json", "item_content",
		    "%s", parsed == NULL ? e.text : "not an object");
		value_free(parsed);
		return NULL;
	}
	return parsed;
}

static void
check_confirmed(const struct value *root, struct problems *problems)
{
	const struct value *list = value_get(root, "confirmations");

	if (value_get_bool(root, "confirmed", false) &&
	    (list == NULL || list->len == 0))
		problems_add(problems, "confirmed:empty", "confirmed",
		    "true, and there are no confirmations");
}

/*
 * What is read is item_content; the copy beside it must say the same.  A
 * message that is stored apart has only the copy, which nothing vouches for.
 */
static void
read_envelope(struct aleph_program *p, struct aleph_envelope *n, int force,
    struct problems *problems)
{
	struct schema_context c = { problems, false, NULL, NULL };
	const struct value *root = p->root, *content;
	const char *item_type = value_get_text(root, "item_type");
	const char *chain = value_get_text(root, "chain");
	bool is_inline = item_type == NULL || strcmp(item_type, "inline") == 0;
	struct value *parsed;

	n->present = true;
	n->type = value_get_text(root, "type");
	n->is_program = n->type != NULL && strcmp(n->type, "PROGRAM") == 0;
	schema_check(&c, aleph_schema_envelope(), root, "");
	if (chain != NULL && !signature_is_chain(chain))
		problems_add(problems, "chain:unknown", "chain",
		    "no such chain");
	check_confirmed(root, problems);
	check_item_hash(n, root, is_inline, problems);
	parsed = read_item_content(root, is_inline, problems);
	check_signature(n, root);

	content = value_get(root, "content");
	if (content != NULL && content->kind != VALUE_MAP) {
		problems_add(problems, "content:type", "content",
		    "%s, not an object", value_kind_name(content->kind));
		content = NULL;
	}
	if (n->is_program && parsed != NULL && content != NULL)
		aleph_diff_run(content, parsed, problems);
	if (content == NULL && parsed == NULL)
		problems_add(problems, "content:missing", "content", "missing");
	if (parsed != NULL) {
		/* The tree keeps it, so that the program can borrow. */
		content = value_set(p->root, "item_content parsed", parsed);
	}
	if (!n->is_program || content == NULL)
		return;
	p->dialect =
	    force >= 0 ? (enum aleph_dialect)force : detect(root, content);
	p->signature = n->signature;
	read_program(p, content, parsed != NULL, true, problems);
}

static void
name_program(struct aleph_program *p, const struct aleph_envelope *n,
    const char *bytes, size_t len)
{
	if (n->present && n->item_hash[0] != '\0') {
		memcpy(p->id, n->item_hash, sizeof(p->id));
		p->unverified = !n->hash_good;
		return;
	}
	sha256_of(bytes, len, p->id);
	p->unverified = true;
}

int
aleph_read(struct aleph_program *p, struct aleph_envelope *n,
    struct value *root, const char *bytes, size_t len, int force,
    struct problems *problems)
{
	memset(p, 0, sizeof(*p));
	memset(n, 0, sizeof(*n));
	p->root = root;
	p->not_enforced = value_new(VALUE_LIST);
	p->not_granted = value_new(VALUE_LIST);
	p->signature = n->signature = SIGNATURE_ABSENT;
	snprintf(n->why, sizeof(n->why), "there is none");
	if (root->kind != VALUE_MAP) {
		problems_add(problems, "message:object", "message",
		    "%s, not an object", value_kind_name(root->kind));
		return -1;
	}
	if (is_envelope(root)) {
		if (force >= 0 && is_proposal((enum aleph_dialect)force))
			problems_add(problems, "dialect:envelope", "message",
			    "%s has no envelope", dialects[force]);
		else
			read_envelope(p, n, force, problems);
	} else {
		sha256_of(bytes, len, n->computed);
		p->dialect =
		    force >= 0 ? (enum aleph_dialect)force : detect(root, root);
		n->is_program = true;
		read_program(p, root, false, false, problems);
	}
	name_program(p, n, bytes, len);
	problems_locate(problems, root);
	return n->is_program && problems->len == 0 ? 0 : -1;
}

void
aleph_fini(struct aleph_program *p)
{
	value_free(p->root);
	value_free(p->not_enforced);
	value_free(p->not_granted);
	memset(p, 0, sizeof(*p));
}

void
aleph_ids(void (*fn)(void *, const char *), void *arg)
{
	static const char *const own[] = { "volume:ephemeral",
		"item_hash:missing", "item_hash:form", "item_hash:differs",
		"item_content:apart", "item_content:missing",
		"item_content:type", "item_content:length", "item_content:json",
		"confirmed:empty", "chain:unknown", "content:type",
		"content:missing", "content:differs", "message:object",
		"dialect:envelope" };

	for (size_t i = 0; i < nitems(own); i++)
		fn(arg, own[i]);
	schema_ids(aleph_schema_envelope(), false, fn, arg);
	for (int d = 0; d < ALEPH_DIALECTS; d++)
		schema_ids(aleph_schema_program((enum aleph_dialect)d),
		    !is_proposal((enum aleph_dialect)d), fn, arg);
	for (int k = ALEPH_IMMUTABLE; k <= ALEPH_PERSISTENT; k++)
		schema_ids(aleph_schema_volume((enum aleph_volume_kind)k), true,
		    fn, arg);
	aleph_checks_ids(fn, arg);
}
