#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/files_msgs.h"
#include "messages/frame.h"
#include "messages/launch_msgs.h"
#include "messages/machine_config.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "runtime/cli.h"
#include "runtime/launcher_link.h"
#include "runtime/machine_make.h"
#include "runtime/message_file.h"
#include "runtime/policy_file.h"
#include "runtime/policy_open.h"
#include "runtime/spawn.h"
#include "runtime/store.h"
#include "runtime/store_message.h"
#include "runtime/store_open.h"
#include "runtime/unpack.h"

#define TENANT 1
#define CONFIG_MAX (1 << 20)

/* Everything that is opened while there is still privilege. */
struct opened {
	int message, config, policy; /* the last two: -1: none */
	int dir, tree;
	int files; /* the conversation with cella-files */
	struct store store;
	struct spawn launcher;
};

/* And then: */
struct making {
	const struct machine_make *in;
	struct opened *opened;
	char *data; /* the message's bytes */
	size_t len;
	struct aleph_program program;
	struct problems problems;
	struct ceiling ceiling;
	struct decision decision;
	struct machine_config config;
	struct launcher_link link;
};

/* ---- what is read ---- */

static int
read_config(struct making *m, struct err *e)
{
	value_auto struct value *v = NULL;
	char *data;
	size_t len;

	machine_config_default(&m->config);
	if (m->opened->config == -1)
		return 0;
	if (fd_read_all(m->opened->config, CONFIG_MAX, &data, &len, e) == -1)
		return err_in(e, "%s", m->in->config);
	v = cli_parse(m->in->config, data, len, e);
	free(data);
	if (v == NULL)
		return -1;
	return machine_config_read(&m->config, v, &m->problems)
	    ? 0
	    : err_set(e, ERR_INVALID, "%s: not a machine's configuration",
		  m->in->config);
}

static int
read_message(struct making *m, struct err *e)
{
	static const struct decide_wish no_wish = { .tier = -1 };
	const char *name = m->in->message;

	if (policy_file_read(m->opened->policy, m->in->policy, &m->ceiling,
		&m->problems, e) == -1)
		return -1;
	if (fd_read_all(m->opened->message, ALEPH_SIZE_MAX, &m->data, &m->len,
		e) == -1)
		return err_in(e, "%s", name);
	if (message_file_read(&m->program, name, m->data, m->len, -1,
		&m->problems, e) == -1)
		return -1;
	if (m->program.code.interface < ALEPH_FUNCTIONS)
		return err_set(e, ERR_INVALID,
		    "%s: code.interface: %s is a function's; a machine with a "
		    "state has channel or rollup",
		    name, aleph_interface_name(m->program.code.interface));
	return decide(&m->program, &m->ceiling, &no_wish, &m->decision, e);
}

/* ---- its first state ---- */

/* A layer over nothing, or -1 with no error: there is no data. */
static int
unpack_data(struct making *m, int *layer, struct err *e)
{
	const struct aleph_data *d = &m->program.data;
	const struct unpack_input in = { .store = &m->opened->store,
		.link = &m->link,
		.ceiling = &m->ceiling.grant,
		.optional = m->ceiling.optional,
		.tenant = TENANT,
		.verbose = m->in->verbose };
	char latest[ITEM_HASH_MAX] = "", digest[SHA256_HEX];
	bool bound;

	if (!d->present)
		return 0;
	if (d->ref == NULL)
		return err_set(e, ERR_DENIED,
		    "data.ref: names a publisher and no content");
	if (d->use_latest)
		store_message_latest(in.store, d->ref, latest);
	if (store_resolve(in.store, latest[0] != '\0' ? latest : d->ref, digest,
		&bound, e) == -1)
		return err_in(e, "data.ref");
	*layer = unpack_state(&in, digest, d->encoding, m->opened->tree, e);
	return *layer == -1 ? err_in(e, "data.ref") : 0;
}

/* ---- and written ---- */

static int
take_made(struct frame *f, char hex[65], struct err *e)
{
	if (f->type == FILES_MADE && f->body.len - f->body.at == 32) {
		str_hex(hex, f->body.data + f->body.at, 32);
		return 0;
	}
	if (f->type != FILES_FAILED)
		return err_set(e, ERR_SYSTEM, "cella-files: frame %u", f->type);
	launch_msgs_get_error(&f->body, e);
	return buf_ok(&f->body)
	    ? -1
	    : err_set(e, ERR_SYSTEM, "cella-files: malformed frame");
}

static int
write_dir(struct making *m, int layer, char hex[65], struct err *e)
{
	buf_auto struct buf b = { 0 };
	fd_auto int config = -1, message = -1;
	struct frame f;
	int r;

	machine_config_put(&b, &m->config);
	config = fd_sealed("config", b.data, b.len, e);
	message = fd_sealed("message", m->data, m->len, e);
	if (config == -1 || message == -1 ||
	    frame_send(m->opened->files, FILES_MAKE, 1, NULL,
		(const int[]){ m->opened->dir, message, config, layer },
		layer == -1 ? 3 : 4, e) == -1)
		return -1;
	r = frame_recv(m->opened->files, &f, e);
	if (r != 1)
		return r == -1 ? -1
			       : err_set(e, ERR_SYSTEM, "cella-files: it died");
	r = take_made(&f, hex, e);
	frame_fini(&f);
	return r == -1 ? err_in(e, "%s", m->in->dir) : 0;
}

static void
print_made(const struct machine_make *in, const char *hex)
{
	value_auto struct value *v = NULL;

	if (!in->json) {
		puts(hex);
		return;
	}
	v = value_new(VALUE_MAP);
	value_set_text(v, "directory", in->dir);
	value_set_text(v, "hash", hex);
	cli_print(v);
}

static int
make(struct making *m, char hex[65], struct err *e)
{
	fd_auto int layer = -1;

	if (read_config(m, e) == -1 || read_message(m, e) == -1)
		return -1;
	if (launcher_link_open(&m->link, m->opened->launcher.sock, &m->ceiling,
		0, e) == -1)
		return -1;
	return unpack_data(m, &layer, e) == -1 ||
		write_dir(m, layer, hex, e) == -1
	    ? -1
	    : 0;
}

static int
make_dropped(const struct machine_make *in, struct opened *o)
{
	struct making *m = calloc(1, sizeof(*m));
	struct err e;
	char hex[65];
	int r;

	invariant(m != NULL);
	m->in = in;
	m->opened = o;
	ceiling_default(&m->ceiling);
	r = make(m, hex, &e);
	if (r == -1) {
		cli_problems(&m->problems,
		    in->config != NULL && m->data == NULL ? in->config
							  : in->message);
		cli_error(&e, in->json);
	} else {
		print_made(in, hex);
	}
	(void)spawn_end_launcher(&o->launcher);
	aleph_fini(&m->program);
	problems_fini(&m->problems);
	free(m->data);
	free(m);
	return r == -1 ? CLI_FAILED : 0;
}

/* ---- with privilege ---- */

static int
open_all(const struct machine_make *in, struct opened *o, struct err *e)
{
	fd_auto int theirs = -1;
	int pair[2];
	pid_t pid;

	if (spawn_launcher(&o->launcher, e) == -1 ||
	    store_open_chosen(&o->store, in->store, e) == -1 ||
	    (o->message = cli_open(in->message, e)) == -1)
		return -1;
	if (in->config != NULL && (o->config = cli_open(in->config, e)) == -1)
		return -1;
	if (in->policy != NULL &&
	    (o->policy = policy_open(in->policy, e)) == -1)
		return -1;
	if (frame_pair(pair, e) == -1)
		return -1;
	o->files = pair[0];
	theirs = pair[1];
	pid = spawn_with("cella-files", &theirs, 1, e);
	return pid == -1 ? -1 : 0;
}

/* It and its tree belong to who keeps states. */
static int
make_dir(const char *path, struct opened *o, struct err *e)
{
	const uid_t owner = geteuid() == 0 ? LAUNCH_FILES_ID : (uid_t)-1;

	struct stat s;

	o->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Where others may rename, it may be another one by now. */
	if (o->dir != -1 && fstat(o->dir, &s) == 0 && s.st_uid != geteuid())
		return err_set(e, ERR_DENIED, "%s: it is somebody else's",
		    path);
	if (o->dir == -1 || mkdirat(o->dir, "tree", 0755) == -1)
		return err_sys(e, "%s", path);
	o->tree = openat(o->dir, "tree",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (o->tree == -1 || fchmod(o->tree, 0755) == -1 ||
	    fchown(o->tree, owner, owner) == -1 ||
	    fchown(o->dir, owner, owner) == -1)
		return err_sys(e, "%s", path);
	return 0;
}

static int
make_in(const struct machine_make *in)
{
	struct opened o = { .message = -1,
		.config = -1,
		.policy = -1,
		.dir = -1,
		.tree = -1,
		.files = -1,
		.store.dir = -1,
		.launcher = { -1, 0 } };
	struct err e;
	int code = CLI_FAILED;

	if (make_dir(in->dir, &o, &e) == -1 || open_all(in, &o, &e) == -1 ||
	    spawn_drop_for_good(&e) == -1)
		cli_error(&e, in->json);
	else
		code = make_dropped(in, &o);
	if (o.launcher.sock != -1)
		(void)spawn_end(&o.launcher);
	fd_close(&o.files);
	fd_close(&o.message);
	fd_close(&o.config);
	fd_close(&o.policy);
	fd_close(&o.dir);
	fd_close(&o.tree);
	store_close(&o.store);
	return code;
}

/* ---- nothing is left of one that failed ---- */

static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return CLI_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
remove_dir(const char *path)
{
	char *copy = str_dup(path), *slash;
	size_t len = strlen(copy);
	fd_auto int parent = -1;

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	slash = strrchr(copy, '/');
	if (slash == NULL) {
		dir_remove(AT_FDCWD, copy);
	} else {
		*slash = '\0';
		parent = open(slash == copy ? "/" : copy,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent != -1)
			dir_remove(parent, slash + 1);
	}
	free(copy);
}

int
machine_make(const struct machine_make *in)
{
	struct err e;
	pid_t pid;
	int code;

	if (mkdir(in->dir, 0700) == -1) {
		err_sys(&e, "%s", in->dir);
		cli_error(&e, in->json);
		return CLI_FAILED;
	}
	/* Who does the work cannot remove it; who waits does nothing else. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		code = make_in(in);
		/* No exit handler could work here: a search for leaks. */
		_exit(fflush(stdout) == EOF && code == 0 ? CLI_FAILED : code);
	}
	if (pid == -1) {
		err_sys(&e, "fork");
		cli_error(&e, in->json);
		code = CLI_FAILED;
	} else {
		code = wait_for(pid);
	}
	if (code != 0)
		remove_dir(in->dir);
	return code;
}
