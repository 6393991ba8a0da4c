#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/aleph_fields.h"
#include "messages/value.h"

static enum aleph_encoding
read_encoding(const struct value *v)
{
	const char *text = value_get_text(v, "encoding");

	for (size_t i = 0; text != NULL && i < ALEPH_ENCODINGS; i++)
		if (strcmp(text, aleph_encoding_name((enum aleph_encoding)i)) ==
		    0)
			return (enum aleph_encoding)i;
	return ALEPH_PLAIN;
}

static bool
is_proposal(enum aleph_dialect d)
{
	return d == ALEPH_PROPOSAL_1 || d == ALEPH_PROPOSAL_2;
}

static bool
is_identifier(const char *s)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyz_"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	return *s != '\0' && (*s < '0' || *s > '9') &&
	    strspn(s, word) == strlen(s);
}

/*
 * The interface is what the message says; else asgi if the entrypoint has a
 * colon, or, in the proposals, names a callable of plain code; else binary.
 */
static void
choose_interface(struct aleph_code *c, const char *said, bool proposal)
{
	c->interface = ALEPH_BINARY;
	if (said != NULL) {
		for (int i = 0; i < ALEPH_INTERFACES; i++)
			if (strcmp(said,
				aleph_interface_name(
				    (enum aleph_interface)i)) == 0)
				c->interface = (enum aleph_interface)i;
	} else if (strchr(c->entrypoint, ':') != NULL) {
		c->interface = ALEPH_ASGI;
	} else if (proposal && c->encoding == ALEPH_PLAIN &&
	    is_identifier(c->entrypoint)) {
		c->interface = ALEPH_ASGI;
	}
	c->callable = c->interface == ALEPH_ASGI && proposal &&
	    c->encoding == ALEPH_PLAIN && strchr(c->entrypoint, ':') == NULL;
}

static bool
read_latest(const struct value *v, bool otherwise)
{
	return value_get_bool(v, "use_latest",
	    value_get_bool(v, "latest_amend", otherwise));
}

static void
fill_code(struct aleph_program *p, const struct value *v)
{
	struct aleph_code *c = &p->code;

	c->encoding = read_encoding(v);
	c->entrypoint = value_get_text(v, "entrypoint");
	c->ref = value_get_text(v, "ref");
	c->address = value_get_text(v, "address");
	c->content = value_get_text(v, "content");
	c->args = value_get(v, "args");
	if (c->args != NULL && c->args->kind != VALUE_LIST)
		c->args = NULL;
	c->use_latest = read_latest(v, false);
	choose_interface(c, value_get_text(v, "interface"),
	    is_proposal(p->dialect));
}

static void
fill_data(struct aleph_program *p, const struct value *content)
{
	const struct value *v = value_get(content, "data");

	if (v != NULL && v->kind == VALUE_MAP) {
		p->data.present = true;
		p->data.encoding = read_encoding(v);
		p->data.mount = value_get_text(v, "mount");
		p->data.ref = value_get_text(v, "ref");
		p->data.address = value_get_text(v, "address");
		p->data.use_latest = read_latest(v, false);
	}
	v = value_get(content, "export");
	if (v != NULL && v->kind == VALUE_MAP) {
		p->export.present = true;
		p->export.encoding = read_encoding(v);
		p->export.mount = value_get_text(v, "mount");
	}
}

void
aleph_fields_volume(struct aleph_volume *to, const struct value *v)
{
	const char *persistence = value_get_text(v, "persistence");

	to->mount = value_get_text(v, "mount");
	to->ref = value_get_text(v, "ref");
	to->use_latest = value_get_bool(v, "use_latest", true);
	to->size_mib = value_get_int(v, "size_mib", 0);
	to->name = value_get_text(v, "name");
	to->store = persistence != NULL && strcmp(persistence, "store") == 0;
	to->parent = value_get_text(value_get(v, "parent"), "ref");
}

static int64_t
read_limit(const struct value *v, const char *key, int64_t otherwise, bool *has)
{
	*has = value_get(v, key) != NULL;
	return value_get_int(v, key, otherwise);
}

/* A member that says something. */
static const struct value *
read_some(const struct value *v, const char *key)
{
	const struct value *x = value_get(v, key);

	return x == NULL || x->kind == VALUE_NULL ? NULL : x;
}

static void
fill_rest(struct aleph_program *p, const struct value *content)
{
	const struct value *v = value_get(content, "resources");

	p->vcpus = read_limit(v, "vcpus", 1, &p->has_vcpus);
	p->memory_mib = read_limit(v, "memory", 128, &p->has_memory);
	p->seconds = read_limit(v, "seconds", 1, &p->has_seconds);
	v = value_get(content, "environment");
	p->internet = value_get_bool(v, "internet", false);
	p->aleph_api = value_get_bool(v, "aleph_api", false);
	p->shared_cache = value_get_bool(v, "shared_cache", false);
	p->reproducible = value_get_bool(v, "reproducible", false);
	v = value_get(content, "on");
	p->on_http = value_get_bool(v, "http", false);
	p->on_persistent = value_get_bool(v, "persistent", false);
	p->cron = read_some(v, "cron");
	p->subscriptions = read_some(v, "message");
	if (p->subscriptions == NULL)
		p->subscriptions = read_some(v, "aleph");
	v = value_get(content, "variables");
	p->variables = v != NULL && v->kind == VALUE_MAP ? v : NULL;
	v = value_get(content, "runtime");
	p->runtime.ref = value_get_text(v, "ref");
	p->runtime.address = value_get_text(v, "address");
	p->runtime.use_latest = read_latest(v, !is_proposal(p->dialect));
}

/* Fields that this node reads and that change nothing, where they say any. */
static const char *const idle[] = { "allow_amend", "metadata",
	"authorized_keys", "payment", "requirements", "replaces",
	"environment.reproducible", "environment.hypervisor",
	"environment.trusted_execution", "resources.published_ports",
	"runtime.comment", "on.http", "on.message", "on.aleph", "on.cron",
	"on.persistent" };

const struct value *
aleph_fields_lookup(const struct value *v, const char *path)
{
	char part[64];
	size_t n;

	for (; v != NULL && *path != '\0'; path += n + (path[n] == '.')) {
		n = strcspn(path, ".");
		invariant(n < sizeof(part));
		memcpy(part, path, n);
		part[n] = '\0';
		v = value_get(v, part);
	}
	return v;
}

void
aleph_fields_list_idle(struct aleph_program *p, const struct value *content,
    const char *prefix)
{
	const struct value *v;
	char path[96];

	for (size_t i = 0; i < nitems(idle); i++) {
		v = aleph_fields_lookup(content, idle[i]);
		if (v == NULL || v->kind == VALUE_NULL ||
		    (v->kind == VALUE_BOOL && !v->truth) ||
		    ((v->kind == VALUE_LIST || v->kind == VALUE_MAP) &&
			v->len == 0))
			continue;
		snprintf(path, sizeof(path), "%s%s%s", prefix,
		    *prefix ? "." : "", idle[i]);
		value_add_text(p->not_enforced, path);
	}
	for (size_t i = 0; i < p->nvolumes; i++)
		if (p->volume[i].mount == NULL) {
			snprintf(path, sizeof(path), "%s%svolumes[%zu]", prefix,
			    *prefix ? "." : "", i);
			value_add_text(p->not_enforced, path);
		}
	if (p->aleph_api)
		value_add_text(p->not_granted, "environment.aleph_api");
	if (p->shared_cache)
		value_add_text(p->not_granted, "environment.shared_cache");
}

void
aleph_fields_read(struct aleph_program *p, const struct value *content)
{
	fill_code(p, value_get(content, "code"));
	fill_data(p, content);
	fill_rest(p, content);
}
