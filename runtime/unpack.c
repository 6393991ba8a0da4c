#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/value.h"
#include "policy/machine.h"
#include "runtime/args_block.h"
#include "runtime/assemble.h"
#include "runtime/instance.h"
#include "runtime/launcher_link.h"
#include "runtime/progress.h"
#include "runtime/spawn.h"
#include "runtime/store.h"
#include "runtime/unpack.h"

#define MIB (UINT64_C(1) << 20)

/* The caps of an archive; the tool is told them, the machine enforces them. */
#define WORK_BYTES (512 * MIB)
#define WORK_FILES 65536
#define IMAGE_BYTES (600 * MIB)
/* An operator's image is larger than a stranger's archive. */
#define IMPORT_BYTES (1024 * MIB)
#define IMPORT_FILES 200000

/*
 * Strict, but for what an archive needs: room, and a file as large as the
 * image.  It stays below the ceiling all the same.
 */
static struct grant
tool_grant(const struct grant *ceiling, bool import)
{
	const uint64_t seconds = import ? 300 : 120;
	struct grant g = *grant_of_tier(GRANT_STRICT);

	g.limit[GRANT_MEMORY] = import ? 2048 * MIB : 1536 * MIB;
	g.limit[GRANT_WALL] = seconds * CLOCK_SECOND;
	g.limit[GRANT_CPU_TIME] = seconds * CLOCK_SECOND;
	g.limit[GRANT_FSIZE] = import ? IMPORT_BYTES : IMAGE_BYTES;
	g.limit[GRANT_TMP] = import ? IMPORT_BYTES : IMAGE_BYTES;
	g.limit[GRANT_NOFILE] = 256;
	g.limit[GRANT_STDERR] = 64 << 10;
	return grant_meet(&g, ceiling);
}

static int
open_tools(struct store *s, struct err *e)
{
	char digest[SHA256_HEX];
	bool bound;

	if (store_resolve(s, UNPACK_TOOLS, digest, &bound, e) == -1)
		return err_set(e, ERR_NOT_FOUND,
		    "store %s: the tools that unpack archives are missing; "
		    "run 'cella image build tools'",
		    s->path);
	return spawn_is_rootless() ? store_tree(s, digest, e)
				   : store_get(s, digest, e);
}

struct tool {
	const struct unpack_input *in;
	const char *arg[8];
	size_t nargs;
	int input;  /* standard input; -1: none */
	int output; /* standard output; -1: kept nowhere */
	int volume; /* at /work */
	bool writable;
	bool import; /* an operator's image */
	int *state;  /* the volume is a state: its layer goes there; or NULL */
	const char *label; /* of a bar for the input; NULL: none */
	char **said;       /* what it wrote on standard error; may be NULL */
};

static void
describe(struct machine *m, const struct tool *t)
{
	*m = (struct machine){ .name = "tool",
		.hostname = "tool",
		.cwd = "/work",
		.tier = GRANT_STRICT,
		.grant = tool_grant(t->in->ceiling, t->import),
		.optional = t->in->optional,
		.nmounts = 2 };
	m->mount[0] =
	    (struct machine_mount){ .kind = spawn_is_rootless() ? MACHINE_TREE
								: MACHINE_IMAGE,
		    .executable = true,
		    .target = "/" };
	m->mount[1] = (struct machine_mount){ .kind = MACHINE_TREE,
		.writable = t->writable,
		.target = "/work" };
	if (t->state != NULL) {
		m->mount[1].kind = MACHINE_STATE;
		m->mount[1].bytes = WORK_BYTES;
		m->mount[1].inodes = WORK_FILES;
	}
}

/* What the tool said on standard error is the reason, made printable. */
static int
judge(const struct instance *i, struct err *e)
{
	struct buf said = i->err.kept;
	const struct launch_exited *x = &i->exited;
	char *text, *last;

	if (x->end == LAUNCH_END_EXIT && x->code == 0)
		return 0;
	if (x->oom_kills > 0)
		return err_set(e, ERR_INVALID,
		    "unpacking took too much memory");
	if (x->cause == LAUNCH_CAUSE_WALL || x->cause == LAUNCH_CAUSE_CPU)
		return err_set(e, ERR_INVALID, "unpacking took too long");
	while (said.len > 0 && said.data[said.len - 1] == '\n')
		said.len--;
	/* The last line is the reason; those before it are its context. */
	last = said.len == 0 ? NULL : memrchr(said.data, '\n', said.len);
	if (last != NULL) {
		said.len -= (size_t)(last + 1 - said.data);
		said.data = last + 1;
	}
	text = str_printable(said.len ? said.data : "", said.len, 300);
	err_set(e, ERR_INVALID, "%s%s", text[0] ? "" : "the tool failed", text);
	free(text);
	return -1;
}

/* ---- a bar while the input is read ---- */

struct bar {
	const char *label;
	uint64_t total;
};

static int
draw_bar(struct instance *i, void *arg, struct err *e)
{
	const struct bar *b = arg;
	uint64_t ticks;

	(void)e;
	if (read(i->extra, &ticks, sizeof(ticks)) == (ssize_t)sizeof(ticks))
		progress_show(b->label, i->bytes_in, b->total);
	return 0;
}

/* Ten times a second, where somebody sees it. */
static int
start_bar(struct instance *i, const struct tool *t, struct bar *b)
{
	const struct itimerspec often = { { 0, 100000000 }, { 0, 100000000 } };
	struct stat s;
	int timer;

	if (t->label == NULL || !progress_is_seen() ||
	    fstat(t->input, &s) == -1)
		return -1;
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer == -1 || timerfd_settime(timer, 0, &often, NULL) == -1)
		return timer;
	*b = (struct bar){ t->label, (uint64_t)s.st_size };
	i->turn = draw_bar;
	i->turn_arg = b;
	i->extra = timer;
	i->extra_events = POLLIN;
	return timer;
}

static int
run_tool(const struct tool *t, struct err *e)
{
	static const char *const env[] = { "PATH=/usr/bin", "LANG=C.UTF-8",
		"TMPDIR=/tmp", "SOURCE_DATE_EPOCH=0" };
	static struct machine m;
	struct instance i = INSTANCE_NEW;
	fd_auto int tools = open_tools(t->in->store, e), args = -1;
	fd_auto int timer = -1;
	struct bar bar;
	int sources[2] = { tools, t->volume };
	int r;

	if (tools == -1)
		return -1;
#ifdef LEAVE_OUT
	const char *all[nitems(env) + 1];
	size_t n = nitems(env);

	memcpy(all, env, sizeof(env));
	if (getenv("CELLA_LEAVE_OUT") != NULL)
		all[n++] =
		    str_printf("CELLA_LEAVE_OUT=%s", getenv("CELLA_LEAVE_OUT"));
	args = args_block_make(t->arg, t->nargs, all, n, e);
#else
	args = args_block_make(t->arg, t->nargs, env, nitems(env), e);
#endif
	if (args == -1)
		return -1;
	describe(&m, t);
	i.machine = &m;
	i.tenant = t->in->tenant;
	i.args = args;
	i.source = sources;
	i.input = t->input;
	i.direct_out = t->output;
	i.err.keep = true;
	i.err.limit = m.grant.limit[GRANT_STDERR];
	timer = start_bar(&i, t, &bar);
	r = instance_run(&i, t->in->link, e);
	if (timer != -1)
		progress_end();
	if (r == 0)
		r = judge(&i, e);
	if (r == 0 && t->state != NULL)
		*t->state = fd_take(&i.upper);
	if (r == 0 && t->said != NULL)
		*t->said = str_printf("%.*s", (int)i.err.kept.len,
		    i.err.kept.len == 0 ? "" : (char *)i.err.kept.data);
	instance_fini(&i);
	return r;
}

static int
set_made(const struct unpack_input *in, const char *digest, const char *image,
    const char *form, struct err *e)
{
	value_auto struct value *entry = value_new(VALUE_MAP);

	value_set_text(entry, "kind", "image");
	value_set_text(entry, "from", digest);
	value_set_text(entry, "encoding", form);
	if (store_set_entry(in->store, image, entry, e) == -1)
		return -1;
	return store_set_derived(in->store, digest, form, image, e);
}

/* state: it is the tree that a layer is put over, and the layer's result. */
static int
unpack_there(const struct unpack_input *in, const char *digest,
    enum aleph_encoding encoding, int volume, int *state, struct err *e)
{
	fd_auto int archive = store_get(in->store, digest, e);
	struct tool t = { .in = in,
		.arg = { "/usr/bin/cella-unpack", "into",
		    aleph_encoding_name(encoding) },
		.nargs = 3,
		.input = archive,
		.output = -1,
		.volume = volume,
		.writable = true,
		.state = state };

	return archive == -1 ? -1 : run_tool(&t, e);
}

int
unpack_into(const struct unpack_input *in, const char *digest,
    enum aleph_encoding encoding, int volume, struct err *e)
{
	return unpack_there(in, digest, encoding, volume, NULL, e);
}

int
unpack_state(const struct unpack_input *in, const char *digest,
    enum aleph_encoding encoding, int tree, struct err *e)
{
	int layer = -1;

	return unpack_there(in, digest, encoding, tree, &layer, e) == -1
	    ? -1
	    : layer;
}

int
unpack_volume(const struct unpack_input *in, const char *digest,
    enum aleph_encoding encoding, uint32_t *serial, struct err *e)
{
	fd_auto int volume = launcher_link_volume(in->link, in->tenant,
	    WORK_BYTES, WORK_FILES, serial, e);

	if (volume == -1)
		return -1;
	if (unpack_into(in, digest, encoding, volume, e) == 0)
		return fd_take(&volume);
	launcher_link_free_volume(in->link, *serial);
	return -1;
}

int
unpack_new_image(const struct unpack_input *in, struct err *e)
{
	uint32_t serial; /* it goes with the command's launcher */

	return launcher_link_volume(in->link, in->tenant, IMPORT_BYTES,
	    IMPORT_FILES, &serial, e);
}

int
unpack_layer(const struct unpack_input *in, const struct unpack_layer *l,
    int volume, struct err *e)
{
	struct tool t = { .in = in,
		.arg = { "/usr/bin/cella-unpack",
		    l->whole ? "rootfs" : "layer" },
		.nargs = 2,
		.input = l->tar,
		.output = -1,
		.volume = volume,
		.writable = true,
		.import = true,
		.label = l->label,
		.said = l->said };

	return run_tool(&t, e);
}

int
unpack_pack_image(const struct unpack_input *in, int volume, int out,
    struct err *e)
{
	struct tool t = { .in = in,
		.arg = { "/usr/bin/cella-unpack", "pack", "erofs" },
		.nargs = 3,
		.input = -1,
		.output = out,
		.volume = volume,
		.import = true };

	return run_tool(&t, e);
}

/* What the first machine made of it is packed by a second one. */
static int
repack(const struct unpack_input *in, const char *digest,
    enum aleph_encoding encoding, int out, struct err *e)
{
	uint32_t serial;
	fd_auto int volume = unpack_volume(in, digest, encoding, &serial, e);
	struct tool t = { .in = in,
		.arg = { "/usr/bin/cella-unpack", "pack", "erofs" },
		.nargs = 3,
		.input = -1,
		.output = out,
		.volume = volume };

	int r;

	if (volume == -1)
		return -1;
	r = run_tool(&t, e);
	launcher_link_free_volume(in->link, serial);
	return r;
}

int
unpack_image(const struct unpack_input *in, const char *digest,
    enum aleph_encoding encoding, char image[SHA256_HEX], struct err *e)
{
	const char *form = aleph_encoding_name(encoding);
	fd_auto int out = -1;

	if (store_derived(in->store, digest, form, image))
		return 0;
	if (in->verbose)
		fprintf(stderr, "cella: unpacking %.12s (%s)\n", digest, form);
	out = store_tmp_file(in->store, e);
	if (out == -1 || repack(in, digest, encoding, out, e) == -1)
		return -1;
	if (lseek(out, 0, SEEK_SET) == -1)
		return err_sys(e, "image");
	if (store_put(in->store, out, image, NULL, e) == -1)
		return -1;
	return set_made(in, digest, image, form, e);
}

int
unpack_pack(const struct unpack_input *in, int volume,
    enum aleph_encoding encoding, int out, char digest[SHA256_HEX],
    uint64_t *size, struct err *e)
{
	struct tool t = { .in = in,
		.arg = { "/usr/bin/cella-unpack", "pack",
		    aleph_encoding_name(encoding) },
		.nargs = 3,
		.input = -1,
		.output = out,
		.volume = volume };

	if (run_tool(&t, e) == -1)
		return err_in(e, "export");
	return sha256_file(out, digest, size, e);
}
