#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/aleph_checks.h"
#include "messages/cron.h"
#include "messages/json.h"
#include "messages/value.h"

#define CODE_ROOT "/opt/code"
#define PATH_MAX_LEN 256

struct checks {
	const struct aleph_program *program;
	const char *prefix;
	struct problems *problems;
};

static const char *const ids[] = { "mount:path", "mount:node", "mount:code",
	"mount:twice", "entrypoint:empty", "entrypoint:path",
	"entrypoint:module", "variable:name", "code:none", "code:both",
	"code:content", "args:length", "volume:kind", "cron:kind", "cron:many",
	"cron:expression", "subscription:empty", "subscription:size",
	"state:mounts", "state:persistent", "state:memory", "state:reuse" };

void
aleph_checks_ids(void (*fn)(void *, const char *), void *arg)
{
	for (size_t i = 0; i < nitems(ids); i++)
		fn(arg, ids[i]);
}

static void
report(const struct checks *c, const char *id, const char *field,
    const char *subject, const char *why)
{
	char *path = str_printf("%s%s%s", c->prefix,
	    c->prefix[0] != '\0' ? "." : "", field);
	char *quoted = subject == NULL ? NULL : problems_quote(subject);

	problems_add(c->problems, id, path, "%s%s%s",
	    quoted == NULL ? "" : quoted, quoted == NULL ? "" : " ", why);
	free(quoted);
	free(path);
}

struct mount {
	char field[64];
	const char *path;
};

/* One mount, by itself. */
static void
check_mount(const struct checks *c, const struct mount *m)
{
	static const char *const node[] = { "/proc", "/sys", "/dev" };

	if (!str_is_clean_path(m->path) || strlen(m->path) > PATH_MAX_LEN) {
		report(c, "mount:path", m->field, m->path,
		    "is not a clean absolute path");
		return;
	}
	if (strcmp(m->path, "/") == 0)
		report(c, "mount:node", m->field, m->path,
		    "belongs to the node");
	for (size_t i = 0; i < nitems(node); i++)
		if (str_is_within(m->path, node[i]))
			report(c, "mount:node", m->field, m->path,
			    "belongs to the node");
	if (str_is_within(CODE_ROOT, m->path) ||
	    str_is_within(m->path, CODE_ROOT))
		report(c, "mount:code", m->field, m->path,
		    "would hide the code at " CODE_ROOT);
}

static void
check_mounts(const struct checks *c)
{
	const struct aleph_program *p = c->program;
	static struct mount all[ALEPH_VOLUMES_MAX + 2];
	size_t n = 0;

	for (size_t i = 0; i < p->nvolumes; i++) {
		if (p->volume[i].mount == NULL)
			continue;
		snprintf(all[n].field, sizeof(all[n].field),
		    "volumes[%zu].mount", i);
		all[n++].path = p->volume[i].mount;
	}
	if (p->data.present) {
		strcpy(all[n].field, "data.mount");
		all[n++].path = p->data.mount;
	}
	/* It may be where the data is: then it starts from them. */
	if (p->export.present &&
	    !(p->data.present && strcmp(p->data.mount, p->export.mount) == 0)) {
		strcpy(all[n].field, "export.mount");
		all[n++].path = p->export.mount;
	}
	for (size_t i = 0; i < n; i++) {
		check_mount(c, &all[i]);
		for (size_t k = 0; k < i; k++)
			if (strcmp(all[i].path, all[k].path) == 0) {
				report(c, "mount:twice", all[i].field,
				    all[i].path, "is mounted twice");
				break;
			}
	}
}

static size_t
identifier(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	return strspn(s, letters) == 0 ? 0
				       : strspn(s, letters) +
		strspn(s + strspn(s, letters),
		    "abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
}

/* Identifiers with dots between them, up to len bytes. */
static bool
is_dotted(const char *s, size_t len)
{
	size_t n;

	for (;;) {
		n = identifier(s);
		if (n == 0 || n > len)
			return false;
		if (n == len)
			return true;
		if (s[n] != '.')
			return false;
		s += n + 1;
		len -= n + 1;
	}
}

/* A path below the code's root: no way out, and nothing that is an option. */
static bool
is_program_path(const char *s)
{
	char *absolute = str_printf("/%s", s);
	bool ok = s[0] != '-' && str_is_clean_path(absolute) &&
	    strlen(absolute) <= PATH_MAX_LEN;

	free(absolute);
	return ok;
}

static void
check_entrypoint(const struct checks *c, const char *field)
{
	const struct aleph_code *code = &c->program->code;
	const char *s = code->entrypoint, *colon = strchr(s, ':');

	if (s[0] == '\0') {
		report(c, "entrypoint:empty", field, NULL, "empty");
	} else if (code->interface != ALEPH_ASGI) {
		if (!is_program_path(s))
			report(c, "entrypoint:path", field, s,
			    "is not a path below the code");
	} else if (code->callable) {
		return; /* that it is an identifier made it one */
	} else if (colon == NULL || !is_dotted(s, (size_t)(colon - s)) ||
	    !is_dotted(colon + 1, strlen(colon + 1))) {
		report(c, "entrypoint:module", field, s,
		    "is not module:callable");
	}
}

static void
check_code(const struct checks *c)
{
	const struct aleph_code *code = &c->program->code;
	int sources = (code->ref != NULL) + (code->content != NULL) +
	    (code->address != NULL);

	if (sources == 0)
		report(c, "code:none", "code", NULL,
		    "neither a reference nor content");
	if (sources > 1)
		report(c, "code:both", "code", NULL,
		    "a reference and content exclude each other");
	if (code->content != NULL && code->encoding != ALEPH_PLAIN)
		report(c, "code:content", "code", NULL,
		    "content is text, so its encoding is plain");
	check_entrypoint(c, "code.entrypoint");
}

static bool
is_variable_name(const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		if (*p == '=' || (unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return name[0] != '\0';
}

static void
check_variables(const struct checks *c)
{
	const struct value *v = c->program->variables;

	for (size_t i = 0; v != NULL && i < v->len; i++)
		if (!is_variable_name(v->key[i]))
			report(c, "variable:name", "variables", v->key[i],
			    "cannot name a variable");
}

static void
check_args(const struct checks *c)
{
	const struct value *v = c->program->code.args;
	char field[48];

	for (size_t i = 0; v != NULL && i < v->len; i++) {
		snprintf(field, sizeof(field), "code.args[%zu]", i);
		if (strlen(v->item[i]->text) > 128 << 10)
			report(c, "args:length", field, NULL,
			    "longer than 131072 bytes");
	}
}

static void
check_cron_text(const struct checks *c, const char *field,
    const struct value *v)
{
	struct cron cron;
	struct err why;

	if (v->kind != VALUE_STRING)
		report(c, "cron:kind", field, NULL, "not a cron expression");
	else if (cron_parse(&cron, v->text, &why) == -1)
		report(c, "cron:expression", field, v->text, why.text);
}

static void
check_cron(const struct checks *c)
{
	const struct value *v = c->program->cron;
	char field[32];

	if (v == NULL)
		return;
	if (v->kind != VALUE_LIST) {
		check_cron_text(c, "on.cron", v);
		return;
	}
	if (v->len == 0 || v->len > ALEPH_CRON_MAX)
		report(c, "cron:many", "on.cron", NULL,
		    "not 1 to 8 expressions");
	for (size_t i = 0; i < v->len && i < ALEPH_CRON_MAX; i++) {
		snprintf(field, sizeof(field), "on.cron[%zu]", i);
		check_cron_text(c, field, v->item[i]);
	}
}

/* One that says nothing would match everything. */
static void
check_subscriptions(const struct checks *c)
{
	const struct value *v = c->program->subscriptions;
	char field[48], *text;

	if (v == NULL || v->kind != VALUE_LIST)
		return; /* the table said so */
	for (size_t i = 0; i < v->len; i++) {
		if (v->item[i]->kind != VALUE_MAP || v->item[i]->len > 0)
			continue;
		snprintf(field, sizeof(field), "on.message[%zu]", i);
		report(c, "subscription:empty", field, NULL,
		    "it would match every message");
	}
	text = json_emit(v, JSON_AS_LINE);
	if (strlen(text) >= ALEPH_SUBSCRIPTIONS_MAX)
		report(c, "subscription:size", "on.message", NULL,
		    "longer than 16383 bytes");
	free(text);
}

/* A copy of the process that waits handles each input, and then it is gone. */
static void
check_reuse(const struct checks *c)
{
	const struct aleph_program *p = c->program;
	const char *reuse = value_get_text(p->variables, "CELLA_REUSE");
	const char *memory = value_get_text(p->variables, "CELLA_MEMORY");

	if (reuse == NULL)
		return;
	if (strcmp(reuse, "fresh") != 0 && strcmp(reuse, "zygote") != 0)
		report(c, "state:reuse", "variables.CELLA_REUSE", reuse,
		    "is neither fresh nor zygote");
	else if (strcmp(reuse, "zygote") == 0 &&
	    (p->code.interface != ALEPH_CHANNEL ||
		(memory != NULL && strcmp(memory, "kept") == 0)))
		report(c, "state:reuse", "variables.CELLA_REUSE", reuse,
		    "is for the interface channel, with memory that is reset");
}

/* What an input changes is either all there or never happened. */
static void
check_state(const struct checks *c)
{
	const struct aleph_program *p = c->program;
	const char *memory = value_get_text(p->variables, "CELLA_MEMORY");
	char field[48];

	if (p->code.interface < ALEPH_FUNCTIONS)
		return;
	if (p->data.present && p->export.present && p->data.mount != NULL &&
	    p->export.mount != NULL &&
	    strcmp(p->data.mount, p->export.mount) != 0)
		report(c, "state:mounts", "export.mount", p->export.mount,
		    "is not where data is: a machine has one state");
	if (memory != NULL && strcmp(memory, "reset") != 0 &&
	    strcmp(memory, "kept") != 0)
		report(c, "state:memory", "variables.CELLA_MEMORY", memory,
		    "is neither reset nor kept");
	check_reuse(c);
	for (size_t i = 0; i < p->nvolumes; i++) {
		if (p->volume[i].kind != ALEPH_PERSISTENT)
			continue;
		snprintf(field, sizeof(field), "volumes[%zu]", i);
		report(c, "state:persistent", field, NULL,
		    "a machine's state is its data, and nothing beside it "
		    "lasts");
	}
}

void
aleph_checks_run(const struct aleph_program *p, const char *prefix,
    struct problems *problems)
{
	struct checks c = { p, prefix, problems };

	check_code(&c);
	check_args(&c);
	check_mounts(&c);
	check_variables(&c);
	check_cron(&c);
	check_subscriptions(&c);
	check_state(&c);
}
