/*
 * cellad: the monitor of a node.  Theory of operation:
 *
 * It opens what needs its privilege, which is the state directory, the
 * listening sockets and the policy file, reads none of it, and starts the
 * processes that do the work, each with the descriptors that it needs:
 *
 *   cella-launcher   privileged; its socket goes to core
 *   cella-core       decides and remembers; everything else depends on it
 *   cella-dns, cella-fetch, two cella-prepare, cella-front
 *                    started when core says that it is ready; the last may
 *                    be somebody else's to start
 *
 * Who dies is started again.  If that is core or the launcher, all others end
 * by themselves, because their conversations do, and all start anew.  The
 * listening sockets stay here: no caller is refused meanwhile, it waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/launch_msgs.h"
#include "runtime/config_options.h"
#include "runtime/listen.h"
#include "runtime/monitor.h"
#include "runtime/policy_open.h"
#include "runtime/service.h"
#include "runtime/store.h"
#include "runtime/store_open.h"

#define USAGE 64

struct options {
	const char *state_dir, *http, *https, *control, *policy, *domain;
	const char *cert, *key, *metrics, *front, *grpc, *session_root;
};

struct opened {
	struct store store;
	int lock;
	char token[65];
	bool own_control;
	struct monitor monitor;
};

/* Who may read the file may do what the owner of the socket may. */
static int
make_token(struct opened *o, struct err *e)
{
	unsigned char random[32];
	fd_auto int fd = -1;

	(void)unlinkat(o->store.dir, "control.token.new", 0);
	fd = openat(o->store.dir, "control.token.new",
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, "random bytes");
	str_hex(o->token, random, sizeof(random));
	if (fd == -1 || fd_write_full(fd, o->token, strlen(o->token)) == -1 ||
	    renameat(o->store.dir, "control.token.new", o->store.dir,
		"control.token") == -1)
		return err_sys(e, "%s/control.token", o->monitor.state_dir);
	return 0;
}

static int
open_state(struct opened *o, const char *path, struct err *e)
{
	if (store_open(&o->store, path, e) == -1)
		return -1;
	o->lock = openat(o->store.dir, "node.lock",
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (o->lock == -1)
		return err_sys(e, "%s/node.lock", o->monitor.state_dir);
	if (flock(o->lock, LOCK_EX | LOCK_NB) == -1)
		return err_set(e, ERR_BUSY, "%s: another node has it",
		    o->monitor.state_dir);
	/* A front that joins is not root when it goes there. */
	if ((mkdirat(o->store.dir, "empty", 0555) == -1 && errno != EEXIST) ||
	    fchmodat(o->store.dir, "empty", 0555, 0) == -1)
		return err_sys(e, "%s/empty", o->monitor.state_dir);
	return make_token(o, e);
}

/* The states of sessions belong to an id that can do nothing else. */
static int
open_sessions(const struct options *p, struct opened *o, struct err *e)
{
	const uid_t owner = geteuid() == 0 ? LAUNCH_FILES_ID : (uid_t)-1;
	const char *root = p->session_root != NULL        ? p->session_root
	    : p->grpc == NULL || listen_is_local(p->grpc) ? "/"
							  : NULL;

	if (mkdirat(o->store.dir, "sessions", 0700) == -1 && errno != EEXIST)
		return err_sys(e, "%s/sessions", p->state_dir);
	o->monitor.sessions = openat(o->store.dir, "sessions",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (o->monitor.sessions == -1 ||
	    fchown(o->monitor.sessions, owner, owner) == -1)
		return err_sys(e, "%s/sessions", p->state_dir);
	if (root == NULL)
		return 0;
	o->monitor.session_root =
	    open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return o->monitor.session_root == -1 ? err_sys(e, "%s", root) : 0;
}

/* NULL: none is wanted. */
static int
open_tcp(const char *where, int *fd, struct err *e)
{
	if (where == NULL)
		return 0;
	*fd = listen_tcp(where, e);
	return *fd == -1 ? -1 : 0;
}

/* In the clear for this host alone. */
static int
open_grpc(const struct options *p, struct opened *o, struct err *e)
{
	int *fd;

	if (p->grpc == NULL)
		return 0;
	fd = listen_is_local(p->grpc) ? &o->monitor.listen_grpc
				      : &o->monitor.listen_grpcs;
	*fd = listen_place(p->grpc, e);
	return *fd == -1 ? -1 : 0;
}

/* A socket of the service manager's takes the place of one of ours. */
static int
open_sockets(const struct options *p, struct opened *o, struct err *e)
{
	struct service s;

	if (service_take(&s, e) == -1)
		return -1;
	o->monitor.watchdog_ns = s.watchdog_ns;
	o->own_control = s.control == -1;
	o->monitor.listen_control = s.control != -1
	    ? s.control
	    : listen_unix(p->control, SOCK_STREAM, e);
	if (o->monitor.listen_control == -1)
		return -1;
	o->monitor.listen_http = s.http;
	if (s.http != -1 && p->http != NULL)
		return err_set(e, ERR_INVALID,
		    "--http, and a socket of the service manager's");
	o->monitor.listen_front = s.front;
	if (s.front != -1 && p->front != NULL)
		return err_set(e, ERR_INVALID,
		    "--front, and a socket of the service manager's");
	if (p->front != NULL) {
		o->monitor.listen_front =
		    listen_unix(p->front, SOCK_SEQPACKET, e);
		if (o->monitor.listen_front == -1)
			return -1;
	}
	if (open_grpc(p, o, e) == -1 ||
	    open_tcp(p->https, &o->monitor.listen_https, e) == -1 ||
	    open_tcp(p->metrics, &o->monitor.listen_metrics, e) == -1)
		return -1;
	return p->http == NULL ? 0
			       : open_tcp(p->http, &o->monitor.listen_http, e);
}

static int
open_all(const struct options *p, struct opened *o, struct err *e)
{
	fd_auto int policy = -1;

	o->monitor = (struct monitor){ .state_dir = p->state_dir,
		.control = p->control,
		.policy = p->policy,
		.store = &o->store,
		.listen_control = -1,
		.listen_http = -1,
		.listen_https = -1,
		.listen_metrics = -1,
		.listen_front = -1,
		.listen_grpc = -1,
		.listen_grpcs = -1,
		.grpc = p->grpc,
		.sessions = -1,
		.session_root = -1,
		.journald = service_open_journal(),
		.front = p->front,
		.cert = p->cert,
		.key = p->key,
		.token = o->token,
		.domain = p->domain };
	if (open_state(o, p->state_dir, e) == -1 ||
	    open_sessions(p, o, e) == -1)
		return -1;
	if (p->policy != NULL && (policy = policy_open(p->policy, e)) == -1)
		return -1;
	return open_sockets(p, o, e);
}

/* The store stays, and its lock file with it. */
static void
close_all(struct opened *o)
{
	struct err ignored;

	if (o->lock != -1)
		(void)store_open_sweep(&o->store, &ignored);
	if (o->monitor.listen_control != -1) {
		if (o->own_control)
			(void)unlink(o->monitor.control);
		(void)unlinkat(o->store.dir, "control.token", 0);
	}
	if (o->monitor.front != NULL && o->monitor.listen_front != -1)
		(void)unlink(o->monitor.front);
	fd_close(&o->monitor.listen_front);
	fd_close(&o->monitor.listen_control);
	fd_close(&o->monitor.listen_http);
	fd_close(&o->monitor.listen_https);
	fd_close(&o->monitor.listen_metrics);
	if (o->monitor.listen_grpc != -1 &&
	    strncmp(o->monitor.grpc, LISTEN_UNIX, strlen(LISTEN_UNIX)) == 0)
		(void)unlink(o->monitor.grpc + strlen(LISTEN_UNIX));
	fd_close(&o->monitor.listen_grpc);
	fd_close(&o->monitor.listen_grpcs);
	fd_close(&o->monitor.journald);
	fd_close(&o->monitor.sessions);
	fd_close(&o->monitor.session_root);
	fd_close(&o->store.dir);
	free(o->store.path);
	fd_close(&o->lock);
}

/* One option, by its letter below. */
static int
take_option(struct options *p, int c)
{
	switch (c) {
	case 's':
		p->state_dir = optarg;
		break;
	case 'h':
		p->http = optarg;
		break;
	case 'g':
		p->grpc = optarg;
		break;
	case 'R':
		p->session_root = optarg;
		break;
	case 'm':
		p->metrics = optarg;
		break;
	case 'S':
		p->https = optarg;
		break;
	case 'C':
		p->cert = optarg;
		break;
	case 'K':
		p->key = optarg;
		break;
	case 'c':
		p->control = optarg;
		break;
	case 'p':
		p->policy = optarg;
		break;
	case 'd':
		p->domain = optarg;
		break;
	case 'F':
		p->front = optarg;
		break;
	case 'f':
		break; /* config_add() */
	case 'v':
		puts("cellad " VERSION_TEXT);
		exit(0);
	default:
		return -1;
	}
	return 0;
}

static int
check_options(const struct options *p)
{
	bool tls;

	if (p->session_root != NULL && p->session_root[0] != '/')
		return -1;
	if (p->grpc != NULL && !listen_is_place(p->grpc))
		return -1;
	/* Certificate and key, if somebody comes by TLS, and only then. */
	tls =
	    p->https != NULL || (p->grpc != NULL && !listen_is_local(p->grpc));
	if (tls != (p->cert != NULL) || tls != (p->key != NULL))
		return -1;
	return p->domain == NULL || config_options_is_domain(p->domain) ? 0
									: -1;
}

static int
parse(struct options *p, int argc, char **argv)
{
	static const struct option options[] = {
		{ "state-dir", required_argument, NULL, 's' },
		{ "http", required_argument, NULL, 'h' },
		{ "https", required_argument, NULL, 'S' },
		{ "grpc", required_argument, NULL, 'g' },
		{ "session-root", required_argument, NULL, 'R' },
		{ "metrics", required_argument, NULL, 'm' },
		{ "tls-cert", required_argument, NULL, 'C' },
		{ "tls-key", required_argument, NULL, 'K' },
		{ "control", required_argument, NULL, 'c' },
		{ "policy", required_argument, NULL, 'p' },
		{ "domain", required_argument, NULL, 'd' },
		{ "front", required_argument, NULL, 'F' },
		{ "config", required_argument, NULL, 'f' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (take_option(p, c) == -1)
			return -1;
	return optind == argc ? check_options(p) : -1;
}

/* ---- the configuration ---- */

/* The file that --config names, or NULL. */
static const char *
find_config(int argc, char **argv)
{
	static const char option[] = "--config";
	const size_t n = sizeof(option) - 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], option) == 0 && i + 1 < argc)
			return argv[i + 1];
		if (strncmp(argv[i], option, n) == 0 && argv[i][n] == '=')
			return argv[i] + n + 1;
	}
	return access(CONFIG_OPTIONS_FILE, F_OK) == 0 ? CONFIG_OPTIONS_FILE
						      : NULL;
}

/* In front of those that were typed, which so have the last word. */
static char **
join(char *data, size_t len, int *argc, char **argv)
{
	size_t n = 0;
	char **all;

	for (size_t i = 0; i < len; i++)
		n += data[i] == '\0';
	all = calloc(n + (size_t)*argc + 1, sizeof(*all));
	invariant(all != NULL);
	all[0] = argv[0];
	n = 1;
	for (char *p = data; p < data + len; p += strlen(p) + 1)
		all[n++] = p;
	for (int i = 1; i < *argc; i++)
		all[n++] = argv[i];
	*argc = (int)n;
	return all;
}

static int
usage(void)
{
	fprintf(stderr,
	    "usage: cellad [--config FILE] [--state-dir DIR] "
	    "[--http ADDRESS:PORT] "
	    "[--https ADDRESS:PORT --tls-cert FILE --tls-key FILE] "
	    "[--grpc ADDRESS:PORT|unix:PATH] [--session-root DIR] [--metrics ADDRESS:PORT] [--control PATH] [--front PATH] "
	    "[--policy FILE] [--domain NAME]\n");
	return USAGE;
}

/* With these options, to its end. */
static int
run(int argc, char **argv)
{
	static struct opened o = { .lock = -1,
		.store.dir = -1,
		.monitor = { .listen_control = -1,
		    .listen_http = -1,
		    .listen_https = -1,
		    .listen_metrics = -1,
		    .listen_front = -1,
		    .listen_grpc = -1,
		    .listen_grpcs = -1,
		    .sessions = -1,
		    .session_root = -1,
		    .journald = -1 } };
	struct options p = { .state_dir = "/var/lib/cella" };
	char *control = NULL;
	struct err e;
	int r;

	if (parse(&p, argc, argv) == -1)
		return usage();
	if (p.control == NULL)
		p.control = control =
		    str_printf("%s/control.sock", p.state_dir);
	r = open_all(&p, &o, &e);
	if (r == 0)
		r = monitor_run(&o.monitor, &e);
	if (r == -1)
		fprintf(stderr, "cellad: %s\n", e.text);
	close_all(&o);
	free(control);
	return r == -1 ? 1 : 0;
}

int
main(int argc, char **argv)
{
	char *config, **all;
	size_t len;
	struct err e;
	int r;

	/* Of all that it starts: what machines pass is there for their ids. */
	umask(022);
	if (config_options_read(find_config(argc, argv), &config, &len, &e) ==
	    -1) {
		fprintf(stderr, "cellad: %s\n", e.text);
		return 1;
	}
	all = join(config, len, &argc, argv);
	r = run(argc, all);
	free(all);
	free(config);
	return r;
}
