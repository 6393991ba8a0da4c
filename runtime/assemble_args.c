#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "guest/start_block.h"
#include "messages/aleph.h"
#include "messages/value.h"
#include "runtime/args_block.h"
#include "runtime/assemble.h"
#include "runtime/assemble_args.h"

#define ADAPTER "/usr/lib/cella/asgi.py"

struct strings {
	size_t len;
	char *item[START_STRINGS_MAX];
};

static void
push(struct strings *s, char *text)
{
	if (s->len < START_STRINGS_MAX)
		s->item[s->len++] = text;
	else
		free(text);
}

static void
free_strings(struct strings *s)
{
	while (s->len > 0)
		free(s->item[--s->len]);
}

static void
list_args(struct strings *s, const struct assemble_input *in)
{
	const struct aleph_code *c = &in->program->code;

	if (in->extra->shell) {
		push(s, str_dup("/bin/sh"));
		if (in->extra->prompts)
			push(s, str_dup("-i"));
		return;
	}
	if (c->interface == ALEPH_ASGI) {
		push(s, str_dup("/usr/bin/python3"));
		push(s, str_dup("-BsP"));
		push(s, str_dup(ADAPTER));
		push(s,
		    c->callable ? str_printf("main:%s", c->entrypoint)
				: str_dup(c->entrypoint));
	} else {
		if (c->interface == ALEPH_ROLLUP)
			push(s, str_dup(ASSEMBLE_TOOLS "/bin/rollup-init"));
		push(s, str_printf("%s/%s", ASSEMBLE_CODE, c->entrypoint));
	}
	for (size_t i = 0; c->args != NULL && i < c->args->len; i++)
		push(s, str_dup(c->args->item[i]->text));
	for (size_t i = 0; i < in->extra->nargs; i++)
		push(s, str_dup(in->extra->arg[i]));
}

/* A later name takes the place of an earlier one. */
static void
set_env(struct strings *s, char *text)
{
	size_t len = strcspn(text, "=") + 1;

	for (size_t i = 0; i < s->len; i++)
		if (strncmp(s->item[i], text, len) == 0) {
			free(s->item[i]);
			s->item[i] = text;
			return;
		}
	push(s, text);
}

bool
assemble_args_are_kept(const struct aleph_program *p)
{
	const char *said = value_get_text(p->variables, "CELLA_MEMORY");

	if (p->code.interface < ALEPH_FUNCTIONS)
		return false;
	return said != NULL ? strcmp(said, "kept") == 0
			    : p->code.interface == ALEPH_ROLLUP;
}

bool
assemble_args_are_zygote(const struct aleph_program *p)
{
	const char *said = value_get_text(p->variables, "CELLA_REUSE");

	return p->code.interface >= ALEPH_FUNCTIONS && said != NULL &&
	    strcmp(said, "zygote") == 0;
}

const char *
assemble_args_reuse(const struct aleph_program *p)
{
	return assemble_args_are_zygote(p) ? "zygote"
	    : assemble_args_are_kept(p)    ? "kept"
					   : "fresh";
}

static void
list_env(struct strings *s, const struct assemble_input *in)
{
	const struct value *v = in->program->variables;

	push(s,
	    str_dup(in->program->code.interface >= ALEPH_FUNCTIONS
		    ? "PATH=" ASSEMBLE_TOOLS "/bin:/usr/local/bin:/usr/bin:/bin"
		    : "PATH=/usr/local/bin:/usr/bin:/bin"));
	push(s, str_dup("HOME=/tmp"));
	push(s, str_dup("LANG=C.UTF-8"));
	push(s, str_dup("TMPDIR=/tmp"));
	if (in->program->code.interface >= ALEPH_FUNCTIONS)
		push(s,
		    str_dup(assemble_args_are_kept(in->program)
			    ? "CELLA_MEMORY=kept"
			    : "CELLA_MEMORY=reset"));
	for (size_t i = 0; v != NULL && i < v->len; i++)
		set_env(s, str_printf("%s=%s", v->key[i], v->item[i]->text));
	for (size_t i = 0; i < in->extra->nenv; i++)
		set_env(s, str_dup(in->extra->env[i]));
}

int
assemble_args(const struct assemble_input *in, struct err *e)
{
	static struct strings argv, env;
	int args;

	list_args(&argv, in);
	list_env(&env, in);
	args = args_block_make((const char *const *)argv.item, argv.len,
	    (const char *const *)env.item, env.len, e);
	free_strings(&argv);
	free_strings(&env);
	return args;
}
