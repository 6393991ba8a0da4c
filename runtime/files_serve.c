#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/files_msgs.h"
#include "messages/frame.h"
#include "messages/launch_msgs.h"
#include "runtime/files_named.h"
#include "runtime/files_serve.h"
#include "runtime/machine_dir.h"
#include "runtime/state_copy.h"
#include "runtime/state_volume.h"

#define MESSAGE "message"
#define CONFIG "config.protobuf"
#define TREE "tree"

/* A session's state. */
struct state {
	struct state *next;
	uint64_t session;
	int dir;
	struct machine_config config;
	struct state_volume volume;
};

struct server {
	const struct files_serve *in;
	struct state *states;
};

/* An answer; descriptors are ours until it is sent. */
struct answer {
	uint32_t type;
	struct buf body;
	size_t nfds;
	int fds[4];
};

static struct state **
find(struct server *s, uint64_t session)
{
	struct state **at = &s->states;

	while (*at != NULL && (*at)->session != session)
		at = &(*at)->next;
	return at;
}

static void
free_state(struct state *s)
{
	state_volume_close(&s->volume);
	fd_close(&s->dir);
	free(s);
}

static void
name_of(uint64_t session, const char *suffix, char name[40])
{
	snprintf(name, 40, "%" PRIu64 "%s", session, suffix);
}

static int
open_dir(int at, const char *name, struct err *e)
{
	int fd =
	    openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd == -1 ? err_sys(e, "%s", name) : fd;
}

/* ---- the answer's parts ---- */

static int
put_parts(struct state *s, struct answer *a, struct err *e)
{
	struct session_parts p;

	if (machine_dir_parts(&s->volume.manifest, &s->config, &p, e) == -1)
		return -1;
	buf_put_u32(&a->body, (uint32_t)p.len);
	for (size_t i = 0; i < p.len; i++) {
		buf_put_u64(&a->body, p.part[i].address);
		buf_put_u32(&a->body, p.part[i].log2);
		buf_add(&a->body, p.part[i].hash.byte,
		    sizeof(p.part[i].hash.byte));
	}
	return 0;
}

static int
give(struct answer *a, int fd, const char *what, struct err *e)
{
	if (fd == -1)
		return err_sys(e, "%s", what);
	a->fds[a->nfds++] = fd;
	return 0;
}

static int
copy_file(int from, int to, const char *name, struct err *e)
{
	fd_auto int in = openat(from, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	fd_auto int out =
	    openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char data[64 << 10];
	struct stat s;
	ssize_t n;

	if (in == -1 || out == -1 || fstat(in, &s) == -1)
		return err_sys(e, "%s", name);
	if (!S_ISREG(s.st_mode))
		return err_set(e, ERR_INVALID, "%s: it is no file", name);
	while ((n = read(in, data, sizeof(data))) > 0)
		if (fd_write_full(out, data, (size_t)n) == -1)
			return err_sys(e, "%s", name);
	return n == -1 ? err_sys(e, "%s", name) : 0;
}

static int
copy_tree(int from, int to, struct err *e)
{
	fd_auto int in = open_dir(from, TREE, e), out = -1;

	if (in == -1)
		return -1;
	if (mkdirat(to, TREE, 0700) == -1)
		return err_sys(e, TREE);
	out = open_dir(to, TREE, e);
	if (out == -1)
		return -1;
	return state_copy(in, out, e) == -1 ? err_in(e, TREE) : 0;
}

/* ---- MAKE ---- */

static int
weigh_all(struct state_volume *v, int layer, struct err *e)
{
	return layer == -1 ? 0
	    : state_volume_weigh(v, layer, e) == 0 &&
		state_volume_keep(v, e) == 0 && state_volume_apply(v, e) == 0
	    ? 0
	    : -1;
}

static int
write_message(int dir, int from, struct err *e)
{
	fd_auto int to = openat(dir, MESSAGE,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	char *data;
	size_t len;
	int r;

	if (to == -1)
		return err_sys(e, MESSAGE);
	if (fd_read_all(from, 16 << 20, &data, &len, e) == -1)
		return err_in(e, MESSAGE);
	r = fd_write_full(to, data, len) == -1 ? err_sys(e, MESSAGE) : 0;
	free(data);
	return r;
}

static int
read_config(int from, struct machine_config *c, struct err *e)
{
	char *data;
	size_t len;
	int r;

	if (fd_read_all(from, 1 << 20, &data, &len, e) == -1)
		return err_in(e, "configuration");
	r = machine_config_get(c, data, len, e);
	free(data);
	return r;
}

static int
make(struct server *s, struct frame *f, struct answer *a, struct err *e)
{
	struct machine_dir m = { .content = { { 0 } } };
	struct state_volume v;
	int r;

	(void)s;
	if (read_config(f->fds[2], &m.config, e) == -1 ||
	    write_message(f->fds[0], f->fds[1], e) == -1 ||
	    state_volume_open(&v, f->fds[0], 0, e) == -1)
		return -1;
	r = weigh_all(&v, f->nfds > 3 ? f->fds[3] : -1, e);
	if (r == 0)
		r = machine_dir_write(&m, f->fds[0], &v.manifest, e);
	buf_add(&a->body, m.hash.byte, sizeof(m.hash.byte));
	state_volume_close(&v);
	machine_dir_fini(&m);
	return r;
}

/* ---- OPEN ---- */

/* Whoever was killed here left a name that nobody knows. */
static int
import(struct server *s, uint64_t session, const char *path,
    struct machine_dir *m, struct err *e)
{
	char unfinished[40], name[40];
	fd_auto int from =
			files_named_open(s->in->root, s->in->prefix, path, e),
		    to = -1;

	name_of(session, ".new", unfinished);
	name_of(session, "", name);
	if (from == -1)
		return -1;
	dir_remove(s->in->sessions, unfinished);
	dir_remove(s->in->sessions, name);
	if (mkdirat(s->in->sessions, unfinished, 0700) == -1)
		return err_sys(e, "session");
	to = open_dir(s->in->sessions, unfinished, e);
	if (to == -1 || machine_dir_read(m, from, e) == -1 ||
	    copy_file(from, to, CONFIG, e) == -1 ||
	    copy_file(from, to, MESSAGE, e) == -1 ||
	    copy_tree(from, to, e) == -1)
		return err_in(e, "'%s'", path);
	if (syncfs(to) == -1 ||
	    renameat(s->in->sessions, unfinished, s->in->sessions, name) ==
		-1 ||
	    fsync(s->in->sessions) == -1)
		return err_sys(e, "session");
	return 0;
}

/* A directory is what its hash says, or nothing is started from it. */
static int
check_hash(struct state *s, const struct machine_dir *m, struct err *e)
{
	struct session_parts parts;
	struct merkle_hash hash;
	struct err ignored;

	if (s->config.drive_length == 0)
		return err_set(e, ERR_INVALID,
		    "its configuration has no flash drive for its state");
	if (machine_dir_parts(&s->volume.manifest, &s->config, &parts, e) == -1)
		return -1;
	if (!s->config.has_rollup ||
	    machine_dir_hash(m, &parts, &hash, &ignored) == -1)
		return 0; /* the session says what is wrong with it */
	return memcmp(&hash, &m->hash, sizeof(hash)) == 0
	    ? 0
	    : err_set(e, ERR_CONFLICT, "its hash is not that of its contents");
}

static int
answer_opened(struct state *s, const struct machine_dir *m, struct answer *a,
    struct err *e)
{
	buf_auto struct buf config = { 0 }, content = { 0 };
	bool has = false;

	for (int i = 0; i < MACHINE_RANGES; i++)
		has |= m->content[i].len > 0;
	machine_config_put(&config, &s->config);
	machine_dir_put_content(&content, m->content);
	buf_put_u8(&a->body, has);
	buf_put_u32(&a->body, (uint32_t)config.len);
	buf_add(&a->body, config.data, config.len);
	return put_parts(s, a, e) == -1 ||
		give(a, openat(s->dir, MESSAGE, O_RDONLY | O_CLOEXEC), MESSAGE,
		    e) == -1 ||
		give(a, fcntl(s->volume.tree, F_DUPFD_CLOEXEC, 0), TREE, e) ==
		    -1 ||
		give(a, fd_sealed("content", content.data, content.len, e),
		    "content", e) == -1
	    ? -1
	    : 0;
}

/* The configuration stands beside the state. */
static int
open_config(struct state *s, struct err *e)
{
	fd_auto int fd =
	    openat(s->dir, CONFIG, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd == -1 ? err_sys(e, CONFIG) : read_config(fd, &s->config, e);
}

static int
load(struct server *server, struct state *s, uint64_t number, struct err *e)
{
	char name[40];

	name_of(s->session, "", name);
	s->dir = open_dir(server->in->sessions, name, e);
	return s->dir == -1 || open_config(s, e) == -1
	    ? -1
	    : state_volume_open(&s->volume, s->dir, number, e);
}

/* Its core began anew. */
static void
forget(struct server *server, uint64_t session)
{
	struct state **at = find(server, session), *s = *at;

	if (s == NULL)
		return;
	*at = s->next;
	free_state(s);
}

static int
open_state(struct server *server, uint64_t session, uint64_t number,
    const struct machine_dir *m, bool is_new, struct answer *a, struct err *e)
{
	struct state *s = calloc(1, sizeof(*s));

	invariant(s != NULL);
	*s = (struct state){ .session = session, .dir = -1 };
	s->volume.tree = s->volume.staging = -1;
	if (load(server, s, number, e) == -1 ||
	    (is_new && check_hash(s, m, e) == -1) ||
	    answer_opened(s, m, a, e) == -1) {
		free_state(s);
		return -1;
	}
	s->next = server->states;
	server->states = s;
	return 0;
}

static int
open_session(struct server *server, struct frame *f, struct answer *a,
    struct err *e)
{
	uint64_t session = buf_get_u64(&f->body);
	uint64_t number = buf_get_u64(&f->body);
	bool is_new = buf_get_u8(&f->body) != 0;
	struct machine_dir m = { .content = { { 0 } } };
	char path[FILES_PATH_MAX], name[40];
	int r;

	buf_get_str(&f->body, path, sizeof(path));
	if (!buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "a path that is too long");
	forget(server, session);
	name_of(session, "", name);
	r = is_new ? import(server, session, path, &m, e) : 0;
	if (r == 0) {
		r = open_state(server, session, number, &m, is_new, a, e);
		if (r == -1 && is_new)
			err_in(e, "'%s'", path);
	}
	if (r == -1 && is_new)
		dir_remove(server->in->sessions, name);
	machine_dir_fini(&m);
	return r;
}

/* ---- an input ---- */

static struct state *
get_state(struct server *s, struct frame *f, struct err *e)
{
	uint64_t session = buf_get_u64(&f->body);
	struct state *found = *find(s, session);

	if (found == NULL)
		err_set(e, ERR_NOT_FOUND, "session %" PRIu64 ": it is not open",
		    session);
	return found;
}

static int
weigh(struct server *server, struct frame *f, struct answer *a, struct err *e)
{
	struct state *s = get_state(server, f, e);
	struct err why;

	if (s == NULL)
		return -1;
	if (f->nfds == 1 && state_volume_weigh(&s->volume, f->fds[0], e) == -1)
		return -1;
	if (put_parts(s, a, &why) == -1 ||
	    state_volume_keep(&s->volume, &why) == -1) {
		state_volume_discard(&s->volume);
		*e = why;
		return -1;
	}
	return 0;
}

static int
peek(struct server *server, struct frame *f, struct answer *a, struct err *e)
{
	struct state *s = get_state(server, f, e);
	int r;

	if (s == NULL || state_volume_weigh(&s->volume, f->fds[0], e) == -1)
		return -1;
	r = put_parts(s, a, e);
	state_volume_discard(&s->volume);
	return r;
}

static int
apply(struct server *server, struct frame *f, struct answer *a, struct err *e)
{
	struct state *s = get_state(server, f, e);
	uint64_t number = buf_get_u64(&f->body);

	if (s == NULL)
		return -1;
	if (s->volume.number < number && s->volume.staging != -1 &&
	    state_volume_apply(&s->volume, e) == -1)
		return -1;
	return put_parts(s, a, e);
}

static int
discard(struct server *server, struct frame *f, struct answer *a, struct err *e)
{
	struct state *s = get_state(server, f, e);

	if (s == NULL)
		return -1;
	state_volume_discard(&s->volume);
	return put_parts(s, a, e);
}

/* ---- STORE ---- */

/* The copy is a state of its own: what a layer makes of it is committed there.
 */
static int
store_layer(struct machine_dir *m, int dir, int layer, struct err *e)
{
	struct state_volume v;
	int r;

	if (state_volume_open(&v, dir, 0, e) == -1)
		return -1;
	r = weigh_all(&v, layer, e);
	if (r == 0)
		r = machine_dir_write(m, dir, &v.manifest, e);
	state_volume_close(&v);
	return r;
}

/* layer: -1: the state is all there is. */
static int
store_into(struct state *s, int dir, int content, int layer, struct err *e)
{
	struct machine_dir m = { .config = s->config };
	int r = machine_dir_get_content(content, m.content, e);

	if (r == 0 && copy_tree(s->dir, dir, e) == -1)
		r = -1;
	if (r == 0)
		r = copy_file(s->dir, dir, MESSAGE, e);
	if (r == 0)
		r = layer == -1
		    ? machine_dir_write(&m, dir, &s->volume.manifest, e)
		    : store_layer(&m, dir, layer, e);
	machine_dir_fini(&m);
	return r;
}

static int
store(struct server *server, struct frame *f, struct answer *a, struct err *e)
{
	struct state *s = get_state(server, f, e);
	char path[FILES_PATH_MAX], name[NAME_MAX + 1];
	fd_auto int parent = -1, dir = -1;
	struct err why;

	(void)a;
	buf_get_str(&f->body, path, sizeof(path));
	if (s == NULL)
		return -1;
	if (!buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "a path that is too long");
	parent = files_named_parent(server->in->root, server->in->prefix, path,
	    name, &why);
	if (parent == -1 || mkdirat(parent, name, 0700) == -1)
		return err_set(e, ERR_CONFLICT, "error creating directory '%s'",
		    path);
	dir = open_dir(parent, name, e);
	if (dir == -1 ||
	    store_into(s, dir, f->fds[0], f->nfds > 1 ? f->fds[1] : -1, e) ==
		-1) {
		dir_remove(parent, name);
		return err_in(e, "'%s'", path);
	}
	return fsync(parent) == -1 ? err_sys(e, "'%s'", path) : 0;
}

/* ---- CLOSE ---- */

static int
close_session(struct server *server, struct frame *f, struct answer *a,
    struct err *e)
{
	uint64_t session = buf_get_u64(&f->body);
	bool for_good = buf_get_u8(&f->body) != 0;
	char name[40];

	(void)a;
	(void)e;
	forget(server, session);
	name_of(session, "", name);
	if (for_good)
		dir_remove(server->in->sessions, name);
	return 0;
}

/* ---- requests ---- */

static const struct request {
	enum files_type type, answer;
	size_t min_fds, max_fds;
	int (*serve)(struct server *, struct frame *, struct answer *,
	    struct err *);
} requests[] = {
	{ FILES_MAKE, FILES_MADE, 3, 4, make },
	{ FILES_OPEN, FILES_OPENED, 0, 0, open_session },
	{ FILES_WEIGH, FILES_WEIGHED, 0, 1, weigh },
	{ FILES_PEEK, FILES_PEEKED, 1, 1, peek },
	{ FILES_APPLY, FILES_APPLIED, 0, 0, apply },
	{ FILES_DISCARD, FILES_DISCARDED, 0, 0, discard },
	{ FILES_STORE, FILES_STORED, 1, 2, store },
	{ FILES_CLOSE, FILES_CLOSED, 0, 0, close_session },
};

static int
serve(struct server *s, const struct request *q, struct frame *f, struct err *e)
{
	struct answer a = { .type = q->answer };
	struct err why;
	int r;

	if (q->serve(s, f, &a, &why) == -1) {
		buf_reset(&a.body);
		launch_msgs_put_error(&a.body, &why);
		a.type = FILES_FAILED;
	}
	r = frame_send(s->in->core, a.type, f->serial, &a.body, a.fds,
	    a.type == FILES_FAILED ? 0 : a.nfds, e);
	for (size_t i = 0; i < a.nfds; i++)
		fd_close(&a.fds[i]);
	buf_fini(&a.body);
	return r;
}

static int
dispatch(struct server *s, struct frame *f, struct err *e)
{
	for (size_t i = 0; i < nitems(requests); i++)
		if (requests[i].type == f->type &&
		    f->nfds >= requests[i].min_fds &&
		    f->nfds <= requests[i].max_fds)
			return serve(s, &requests[i], f, e);
	return err_set(e, ERR_INVALID, "frame %u with %zu descriptors", f->type,
	    f->nfds);
}

int
files_serve(const struct files_serve *in, struct err *e)
{
	struct server s = { .in = in };
	struct state *next;
	struct frame f;
	int r;

	while ((r = frame_recv(in->core, &f, e)) == 1) {
		r = dispatch(&s, &f, e);
		frame_fini(&f);
		if (r == -1)
			break;
	}
	for (struct state *p = s.states; p != NULL; p = next) {
		next = p->next;
		free_state(p);
	}
	return r;
}
