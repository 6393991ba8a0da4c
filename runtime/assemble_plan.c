#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "policy/decide.h"
#include "runtime/assemble_args.h"
#include "runtime/assemble_plan.h"

struct planning {
	struct assemble_plan *out;
	const struct aleph_program *program;
	const uint64_t *limit;
	struct err *e;
};

static struct assemble_item *
add(struct planning *p, enum assemble_what what, const char *target)
{
	struct assemble_item *i = &p->out->item[p->out->n];

	if (p->out->n == MACHINE_MOUNTS_MAX) {
		err_set(p->e, ERR_INVALID, "more than %d mounts",
		    MACHINE_MOUNTS_MAX - 1);
		return NULL;
	}
	*i = (struct assemble_item){ .what = what,
		.mount = { .kind = MACHINE_IMAGE } };
	if (!str_copy(i->mount.target, sizeof(i->mount.target), target)) {
		err_set(p->e, ERR_INVALID, "mount: too long");
		return NULL;
	}
	p->out->n++;
	return i;
}

static int
add_root(struct planning *p)
{
	struct assemble_item *i = add(p, ASSEMBLE_ROOT, "/");

	if (i == NULL)
		return -1;
	i->mount.executable = true;
	return 0;
}

/* Plain code is a directory with one file. */
static int
add_code(struct planning *p)
{
	const struct aleph_code *c = &p->program->code;
	struct assemble_item *i = add(p, ASSEMBLE_CODE_ITEM, ASSEMBLE_CODE);

	if (i == NULL)
		return -1;
	i->mount.executable = true;
	if (c->content != NULL || c->encoding == ALEPH_PLAIN)
		i->mount.kind = MACHINE_TREE;
	return 0;
}

static int
check_volume(const struct planning *p, const struct aleph_volume *a,
    const char *field)
{
	if (a->mount == NULL)
		return err_set(p->e, ERR_DENIED,
		    "%s: a volume without a mount is not offered", field);
	if (a->kind == ALEPH_PERSISTENT && a->store)
		return err_set(p->e, ERR_DENIED,
		    "%s: persistence: store is not offered", field);
	if (a->parent != NULL)
		return err_set(p->e, ERR_DENIED, "%s: a parent is not offered",
		    field);
	return 0;
}

static int
add_volume(struct planning *p, size_t n)
{
	const struct aleph_volume *a = &p->program->volume[n];
	struct assemble_item *i;
	char field[48];

	snprintf(field, sizeof(field), "volumes[%zu]", n);
	if (check_volume(p, a, field) == -1)
		return -1;
	i = add(p, ASSEMBLE_VOLUME, a->mount);
	if (i == NULL)
		return err_in(p->e, "%s", field);
	i->volume = n;
	i->mount.kind = a->kind == ALEPH_PERSISTENT ? MACHINE_DISK
	    : a->kind == ALEPH_EPHEMERAL            ? MACHINE_TMPFS
						    : MACHINE_IMAGE;
	i->mount.writable = i->mount.kind != MACHINE_IMAGE;
	i->mount.executable = i->mount.kind == MACHINE_IMAGE;
	if (i->mount.kind == MACHINE_TMPFS)
		i->mount.bytes = (uint64_t)a->size_mib << 20;
	return 0;
}

static int
add_tools(struct planning *p)
{
	struct assemble_item *i = add(p, ASSEMBLE_TOOLS_ITEM, ASSEMBLE_TOOLS);

	if (i == NULL)
		return -1;
	i->mount.kind = MACHINE_TREE;
	i->mount.executable = true;
	return 0;
}

static int
add_state(struct planning *p)
{
	const char *at = p->program->data.present ? p->program->data.mount
	    : p->program->export.present          ? p->program->export.mount
						  : NULL;
	struct assemble_item *i;

	if (at == NULL)
		return 0;
	i = add(p, ASSEMBLE_STATE, at);
	if (i == NULL)
		return err_in(p->e, "state");
	i->mount.kind = MACHINE_STATE;
	i->mount.writable = true;
	i->mount.replaced = assemble_args_are_zygote(p->program);
	i->mount.bytes = p->limit[GRANT_EXPORT];
	i->mount.inodes = p->limit[GRANT_EXPORT_FILES];
	return 0;
}

static int
add_data_and_export(struct planning *p)
{
	const struct aleph_program *m = p->program;
	struct assemble_item *i;

	if (m->data.present &&
	    !(m->export.present &&
		strcmp(m->data.mount, m->export.mount) == 0) &&
	    add(p, ASSEMBLE_DATA, m->data.mount) == NULL)
		return err_in(p->e, "data");
	if (!m->export.present)
		return 0;
	i = add(p, ASSEMBLE_EXPORT, m->export.mount);
	if (i == NULL)
		return err_in(p->e, "export");
	i->mount.kind = MACHINE_TREE;
	i->mount.writable = true;
	return 0;
}

static int
add_all(struct planning *p)
{
	if (add_root(p) == -1 || add_code(p) == -1)
		return -1;
	for (size_t i = 0; i < p->program->nvolumes; i++)
		if (add_volume(p, i) == -1)
			return -1;
	if (p->program->code.interface < ALEPH_FUNCTIONS)
		return add_data_and_export(p);
	return add_tools(p) == -1 ? -1 : add_state(p);
}

/* Parents before what lies below them: the order of the targets. */
static void
place(struct assemble_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->n; k++)
			p->item[i].place += strcmp(p->item[k].mount.target,
						p->item[i].mount.target) < 0 ||
			    (k < i &&
				strcmp(p->item[k].mount.target,
				    p->item[i].mount.target) == 0);
}

int
assemble_plan(struct assemble_plan *out, const struct aleph_program *program,
    const struct decision *d, struct err *e)
{
	struct planning p = { out, program, d->grant.limit, e };

	out->n = 0;
	if (add_all(&p) == -1)
		return -1;
	place(out);
	return 0;
}

void
assemble_plan_mounts(const struct assemble_plan *p, struct machine *m)
{
	m->nmounts = p->n;
	for (size_t i = 0; i < p->n; i++)
		m->mount[p->item[i].place] = p->item[i].mount;
}
