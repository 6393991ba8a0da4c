#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/value.h"
#include "runtime/assemble.h"
#include "runtime/assemble_args.h"
#include "runtime/assemble_plan.h"
#include "runtime/disk.h"
#include "runtime/launcher_link.h"
#include "runtime/spawn.h"
#include "runtime/store.h"
#include "runtime/store_message.h"
#include "runtime/unpack.h"

/* Everything that one assembly needs at hand. */
struct work {
	const struct assemble_input *in;
	struct assembly *out;
	struct err *e;
};

/* Takes the descriptor over.  kind: the plan's, but where nothing can be
 * mounted as an ordinary user. */
static int
add_mount(struct work *w, const struct assemble_item *item, uint8_t kind,
    int source)
{
	w->out->machine.mount[item->place] = item->mount;
	w->out->machine.mount[item->place].kind = kind;
	w->out->source[item->place] = source;
	return 0;
}

static int
add_planned(struct work *w, const struct assemble_item *item, int source)
{
	return add_mount(w, item, item->mount.kind, source);
}

/* What ran must be in the record, whatever "latest" means tomorrow. */
static void
note_ref(struct work *w, const char *field, const char *ref, const char *latest,
    const char *digest, bool bound)
{
	struct value *one = value_add(w->out->refs, value_new(VALUE_MAP));

	value_set_text(one, "field", field);
	value_set_text(one, "ref", ref);
	if (latest[0] != '\0')
		value_set_text(one, "latest", latest);
	value_set_text(one, "digest", digest);
	value_set_text(one, "by",
	    !bound                                     ? "digest"
		: store_message_has(w->in->store, ref) ? "message"
						       : "operator");
}

static int
resolve(struct work *w, const char *field, const char *ref, bool use_latest,
    const char *publisher, char digest[SHA256_HEX])
{
	char latest[ITEM_HASH_MAX] = "";
	bool bound;

	if (ref == NULL)
		return err_set(w->e, ERR_DENIED,
		    "%s: names a publisher, %s, and no content", field,
		    publisher == NULL ? "nobody" : publisher);
	if (use_latest)
		store_message_latest(w->in->store, ref, latest);
	if (store_resolve(w->in->store, latest[0] != '\0' ? latest : ref,
		digest, &bound, w->e) == -1)
		return err_in(w->e, "%s", field);
	note_ref(w, field, ref, latest, digest, bound);
	return 0;
}

static bool
is_trusted(struct work *w, const char *digest)
{
	value_auto struct value *entry = store_entry(w->in->store, digest);
	const char *kind = value_get_text(entry, "kind");

	for (size_t i = 0; i < w->in->ceiling->ntrusted; i++)
		if (strcmp(w->in->ceiling->trusted[i], digest) == 0)
			return true;
	return !CONTROL(11) || (kind != NULL && strcmp(kind, "image") == 0);
}

static int
add_root(struct work *w, const struct assemble_item *item)
{
	const struct aleph_program *p = w->in->program;
	uint8_t kind = item->mount.kind;
	char digest[SHA256_HEX];
	int fd;

	if (resolve(w, "runtime.ref", p->runtime.ref, p->runtime.use_latest,
		p->runtime.address, digest) == -1)
		return -1;
	if (!is_trusted(w, digest))
		return err_set(w->e, ERR_DENIED,
		    "runtime.ref: %s is not an image that this node made; "
		    "see 'cella image import'",
		    digest);
	if (spawn_is_rootless()) {
		kind = MACHINE_TREE;
		fd = store_tree(w->in->store, digest, w->e);
	} else {
		fd = store_get(w->in->store, digest, w->e);
	}
	return fd == -1 ? err_in(w->e, "runtime.ref")
			: add_mount(w, item, kind, fd);
}

/* ---- plain code: a directory with one file ---- */

static int
write_file(int dir, const char *name, int from, const char *text, struct err *e)
{
	fd_auto int to =
	    openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0555);
	char data[64 << 10];
	ssize_t n;

	if (to == -1)
		return err_sys(e, "code file");
	if (text != NULL && fd_write_full(to, text, strlen(text)) == -1)
		return err_sys(e, "code file");
	while (from != -1 && (n = read(from, data, sizeof(data))) != 0)
		if (n == -1 || fd_write_full(to, data, (size_t)n) == -1)
			return err_sys(e, "code file");
	return 0;
}

/* What the file is called: the adapter and execve look for it there. */
static int
plain_name(struct work *w, char name[MACHINE_PATH_MAX])
{
	const struct aleph_code *c = &w->in->program->code;
	size_t n = strcspn(c->entrypoint, ":");

	if (c->callable)
		strcpy(name, "main.py");
	else if (c->interface == ALEPH_ASGI)
		snprintf(name, MACHINE_PATH_MAX, "%.*s.py", (int)n,
		    c->entrypoint);
	else
		snprintf(name, MACHINE_PATH_MAX, "%s", c->entrypoint);
	if (strchr(name, '/') != NULL ||
	    (c->interface == ALEPH_ASGI && memchr(c->entrypoint, '.', n)))
		return err_set(w->e, ERR_INVALID,
		    "code.entrypoint: plain code is one file, and %s is in a "
		    "directory",
		    c->entrypoint);
	return 0;
}

static int
add_plain(struct work *w, const struct assemble_item *item, int from,
    const char *text)
{
	char name[MACHINE_PATH_MAX];
	fd_auto int dir = -1;

	if (plain_name(w, name) == -1)
		return -1;
	dir = store_tmp_dir(w->in->store, w->out->tmp, w->e);
	if (dir == -1)
		return -1;
	if (write_file(dir, name, from, text, w->e) == -1)
		return -1;
	return add_planned(w, item, fd_take(&dir));
}

static bool
is_machine(const struct aleph_program *p)
{
	return p->code.interface >= ALEPH_FUNCTIONS;
}

static int
open_tool(struct err *e)
{
	char path[PATH_MAX];
	int fd;

	if (spawn_find("cella-rollup", path, sizeof(path), e) == -1)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd == -1 ? err_sys(e, "%s", path) : fd;
}

/* What a machine speaks to its sessions with; one program, by two names. */
static int
add_tools(struct work *w, const struct assemble_item *item)
{
	fd_auto int dir = store_tmp_dir(w->in->store, w->out->tools, w->e);
	fd_auto int bin = -1, tool = -1;

	if (dir == -1)
		return -1;
	if (mkdirat(dir, "bin", 0755) == -1)
		return err_sys(w->e, "tools");
	bin = openat(dir, "bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tool = open_tool(w->e);
	if (bin == -1 || tool == -1 ||
	    write_file(bin, "rollup", tool, NULL, w->e) == -1)
		return err_in(w->e, "tools");
	if (linkat(bin, "rollup", bin, "rollup-init", 0) == -1)
		return err_sys(w->e, "tools");
	return add_planned(w, item, fd_take(&dir));
}

/* It goes with the assembly. */
static void
own_volume(struct work *w, uint32_t serial)
{
	invariant(w->out->nvolumes < MACHINE_MOUNTS_MAX);
	w->out->volume[w->out->nvolumes++] = serial;
}

static int
add_image(struct work *w, const char *digest, enum aleph_encoding encoding,
    const char *field, const struct assemble_item *item)
{
	const struct unpack_input in = { .store = w->in->store,
		.link = w->in->link,
		.ceiling = &w->in->ceiling->grant,
		.optional = w->in->ceiling->optional,
		.tenant = w->in->tenant,
		.verbose = w->in->verbose };
	char image[SHA256_HEX];
	uint32_t serial;
	int fd;

	if (spawn_is_rootless()) {
		/* The volume itself: no image could be mounted. */
		fd = unpack_volume(&in, digest, encoding, &serial, w->e);
		if (fd == -1)
			return err_in(w->e, "%s", field);
		own_volume(w, serial);
		return add_mount(w, item, MACHINE_TREE, fd);
	}
	if (unpack_image(&in, digest, encoding, image, w->e) == -1)
		return err_in(w->e, "%s", field);
	fd = store_get(w->in->store, image, w->e);
	return fd == -1 ? err_in(w->e, "%s", field) : add_planned(w, item, fd);
}

static int
add_code(struct work *w, const struct assemble_item *item)
{
	const struct aleph_code *c = &w->in->program->code;
	char digest[SHA256_HEX];
	fd_auto int fd = -1;

	if (c->content != NULL)
		return add_plain(w, item, -1, c->content);
	if (resolve(w, "code.ref", c->ref, c->use_latest, c->address, digest) ==
	    -1)
		return -1;
	if (c->encoding != ALEPH_PLAIN)
		return add_image(w, digest, c->encoding, "code.ref", item);
	fd = store_get(w->in->store, digest, w->e);
	return fd == -1 ? err_in(w->e, "code.ref")
			: add_plain(w, item, fd, NULL);
}

/* ---- volumes, data and export ---- */

static int
add_volume(struct work *w, const struct assemble_item *item)
{
	const struct aleph_volume *a = &w->in->program->volume[item->volume];
	char field[48], digest[SHA256_HEX];
	int disk;

	snprintf(field, sizeof(field), "volumes[%zu]", item->volume);
	if (a->kind == ALEPH_PERSISTENT) {
		disk = disk_open(w->in->store, w->in->program, a, w->e);
		return disk == -1 ? err_in(w->e, "%s", field)
				  : add_planned(w, item, disk);
	}
	if (a->kind == ALEPH_EPHEMERAL)
		return add_planned(w, item, -1);
	if (resolve(w, field, a->ref, a->use_latest, NULL, digest) == -1)
		return -1;
	return add_image(w, digest, ALEPH_SQUASHFS, field, item);
}

/* Whoever has the session has its source. */
static int
add_state(struct work *w, const struct assemble_item *item)
{
	return add_planned(w, item, -1);
}

static bool
shares_mount(const struct aleph_program *p)
{
	return p->data.present && p->export.present &&
	    strcmp(p->data.mount, p->export.mount) == 0;
}

/* A plain file of data stands at MOUNT/data. */
static int
add_data(struct work *w, const struct assemble_item *item)
{
	const struct aleph_program *p = w->in->program;
	char digest[SHA256_HEX];

	if (resolve(w, "data.ref", p->data.ref, p->data.use_latest,
		p->data.address, digest) == -1)
		return -1;
	return add_image(w, digest, p->data.encoding, "data.ref", item);
}

static int
add_export(struct work *w, const struct assemble_item *item)
{
	const struct aleph_program *p = w->in->program;
	const uint64_t *limit = w->in->decision->grant.limit;
	const struct unpack_input in = { .store = w->in->store,
		.link = w->in->link,
		.ceiling = &w->in->ceiling->grant,
		.optional = w->in->ceiling->optional,
		.tenant = w->in->tenant,
		.verbose = w->in->verbose };
	char digest[SHA256_HEX];
	fd_auto int volume = -1;
	uint32_t serial;

	/* Two inodes are the volume's own. */
	volume = launcher_link_volume(w->in->link, w->in->tenant,
	    limit[GRANT_EXPORT], limit[GRANT_EXPORT_FILES] + 2, &serial, w->e);
	if (volume == -1)
		return err_in(w->e, "export");
	own_volume(w, serial);
	if (shares_mount(p) &&
	    (resolve(w, "data.ref", p->data.ref, p->data.use_latest,
		 p->data.address, digest) == -1 ||
		unpack_into(&in, digest, p->data.encoding, volume, w->e) == -1))
		return err_in(w->e, "export");
	w->out->export_volume = fcntl(volume, F_DUPFD_CLOEXEC, 0);
	if (w->out->export_volume == -1)
		return err_sys(w->e, "export");
	return add_planned(w, item, fd_take(&volume));
}

static int
add_all(struct work *w, const struct assemble_plan *plan)
{
	static int (*const how[])(struct work *,
	    const struct assemble_item *) = {
		[ASSEMBLE_ROOT] = add_root,
		[ASSEMBLE_CODE_ITEM] = add_code,
		[ASSEMBLE_VOLUME] = add_volume,
		[ASSEMBLE_TOOLS_ITEM] = add_tools,
		[ASSEMBLE_STATE] = add_state,
		[ASSEMBLE_DATA] = add_data,
		[ASSEMBLE_EXPORT] = add_export,
	};

	for (size_t i = 0; i < plan->n; i++)
		if (how[plan->item[i].what](w, &plan->item[i]) == -1)
			return -1;
	return 0;
}

static int
fill(struct work *w)
{
	static struct assemble_plan plan;
	const struct aleph_program *p = w->in->program;
	struct machine *m = &w->out->machine;

	snprintf(m->name, sizeof(m->name), "run");
	snprintf(m->hostname, sizeof(m->hostname), "machine");
	snprintf(m->cwd, sizeof(m->cwd), ASSEMBLE_CODE);
	m->tier = (uint8_t)w->in->decision->tier;
	m->channel = (p->code.interface == ALEPH_ASGI || is_machine(p)) &&
	    !w->in->extra->shell;
	m->meter = is_machine(p) && !w->in->extra->shell;
	m->resolver = w->in->decision->grant.net == GRANT_NET_EGRESS &&
	    w->in->ceiling->dns.nservers > 0;
	m->optional = w->in->ceiling->optional;
	m->grant = w->in->decision->grant;
	if (assemble_plan(&plan, p, w->in->decision, w->e) == -1)
		return -1;
	m->nmounts = plan.n;
	if (add_all(w, &plan) == -1)
		return -1;
	w->out->args = assemble_args(w->in, w->e);
	if (w->out->args == -1)
		return -1;
	return machine_check(m, w->e);
}

int
assemble(const struct assemble_input *in, struct assembly *out, struct err *e)
{
	struct work w = { in, out, e };

	memset(out, 0, sizeof(*out));
	out->store = in->store;
	out->link = in->link;
	out->args = out->export_volume = -1;
	for (size_t i = 0; i < MACHINE_MOUNTS_MAX; i++)
		out->source[i] = -1;
	out->refs = value_new(VALUE_LIST);
	if (fill(&w) == 0)
		return 0;
	assemble_fini(out);
	return -1;
}

void
assemble_fini(struct assembly *a)
{
	for (size_t i = 0; i < MACHINE_MOUNTS_MAX; i++)
		fd_close(&a->source[i]);
	fd_close(&a->args);
	fd_close(&a->export_volume);
	while (a->nvolumes > 0)
		launcher_link_free_volume(a->link, a->volume[--a->nvolumes]);
	if (a->tmp[0] != '\0')
		store_remove_tmp(a->store, a->tmp);
	if (a->tools[0] != '\0')
		store_remove_tmp(a->store, a->tools);
	a->tmp[0] = a->tools[0] = '\0';
	value_free(a->refs);
	a->refs = NULL;
}
