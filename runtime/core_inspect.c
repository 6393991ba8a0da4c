#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/aleph.h"
#include "messages/item_hash.h"
#include "messages/value.h"
#include "runtime/core.h"
#include "runtime/core_inspect.h"
#include "runtime/core_run_parts.h"
#include "runtime/journal.h"
#include "runtime/record_parts.h"

/* Those of a list that are of this function. */
static void
add_of(struct value *v, const char *key, struct value *list, const char *hash)
{
	struct value *out = value_set_list(v, key);
	const char *text;

	for (size_t i = 0; i < list->len; i++) {
		text = value_get_text(list->item[i], "item_hash");
		if (text != NULL && strcmp(text, hash) == 0)
			value_add(out, value_copy(list->item[i]));
	}
	value_free(list);
}

/* Expressions, or hashes, each with a newline. */
static void
add_lines(struct value *v, const char *key, const char *lines)
{
	struct value *list = value_set_list(v, key);
	const char *end;
	char *text;

	for (; (end = strchr(lines, '\n')) != NULL; lines = end + 1) {
		text = strndup(lines, (size_t)(end - lines));
		invariant(text != NULL);
		value_add_text(list, text);
		free(text);
	}
}

static struct value *
tell_function(struct core *c, const char *hash, struct err *e)
{
	static struct prepare_program p;
	const struct value *terms;
	struct value *v;

	if (journal_find_program(c->journal, hash, &p, e) == -1)
		return NULL;
	v = value_new(VALUE_MAP);
	value_set_text(v, "item_hash", p.hash);
	value_set_text(v, "digest", p.digest);
	value_set_text(v, "sender", p.sender);
	value_set_bool(v, "unverified", p.unverified);
	value_set_text(v, "interface",
	    p.interface < ALEPH_INTERFACES
		? aleph_interface_name((enum aleph_interface)p.interface)
		: "");
	value_set_bool(v, "on_http", p.on_http);
	value_set_bool(v, "persistent", p.persistent);
	record_parts_set(v, "wall_ns", p.wall_ns);
	add_lines(v, "on_cron", p.cron);
	value_set_text(v, "on_message",
	    p.subscriptions[0] == '\0' ? NULL : p.subscriptions);
	add_of(v, "cron", core_cron_list(&c->cron), hash);
	add_of(v, "keys", core_keys_list(&c->keys), hash);
	add_of(v, "runs", core_run_list(c), hash);
	/* Not before its first launch, nor when others took its place. */
	terms = core_program_terms(&c->programs, hash);
	value_set(v, "terms",
	    terms == NULL ? value_new(VALUE_NULL) : value_copy(terms));
	return v;
}

static void
add_need(struct value *v, const struct core_run *r)
{
	struct value *need = value_set_map(v, "reserved");

	for (int w = 0; r->holds && w < QUOTA_WHATS; w++)
		record_parts_set(need, quota_what_name((enum quota_what)w),
		    r->need.need[w]);
}

static struct value *
tell_run(const struct core_run *r)
{
	struct value *v = value_new(VALUE_MAP);

	value_set_text(v, "run", r->id);
	value_set_text(v, "item_hash", r->hash);
	value_set_text(v, "state", core_run_state_name(r));
	value_set_text(v, "trigger", r->kind);
	value_set_text(v, "key", r->key[0] == '\0' ? NULL : r->key);
	record_parts_set(v, "job", r->job);
	record_parts_time(v, "started", r->started_ns);
	record_parts_set(v, "stdout_bytes", r->out.total);
	record_parts_set(v, "stderr_bytes", r->err.total);
	if (r->warm != NULL)
		value_set_int(v, "calls", r->ncalls);
	if (r->warm != NULL)
		value_set_int(v, "served", r->served);
	add_need(v, r);
	if (r->created_it) {
		value_set_int(v, "uid", r->created.uid);
		record_parts_degraded(v, r->created.degraded);
		record_parts_phases(v, &r->created);
	}
	if (r->assembly != NULL)
		value_set(v, "terms", value_copy(r->assembly->terms));
	return v;
}

static struct value *
inspect(struct core *c, const char *what, struct err *e)
{
	const struct core_run *r = c->runs;

	if (item_hash_kind(what) != ITEM_HASH_NONE)
		return tell_function(c, what, e);
	while (r != NULL && strcmp(r->id, what) != 0)
		r = r->next;
	if (r != NULL)
		return tell_run(r);
	err_set(e, ERR_NOT_FOUND, "%s: no run that goes on has this name",
	    what);
	return NULL;
}

int
core_inspect_hear(void *arg, struct frame *f, struct err *e)
{
	struct core *c = arg;
	char what[FRONT_CALL_ID];
	struct value *v;
	struct err why;

	buf_get_str(&f->body, what, sizeof(what));
	if (!buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "inspect: malformed frame");
	v = inspect(c, what, &why);
	if (v != NULL)
		core_answer(c, f->serial, v);
	else
		core_refuse(c, f->serial, &why, NULL);
	return 0;
}
