/* cella machine: the directories that sessions are started from. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/value.h"
#include "runtime/cli.h"
#include "runtime/machine_dir.h"
#include "runtime/machine_make.h"
#include "runtime/spawn.h"
#include "runtime/state_scan.h"

static int usage(void);

/* ---- create ---- */

static int
create(int argc, char **argv)
{
	static const struct option names[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "policy", required_argument, NULL, 'p' },
		{ "store", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	struct machine_make m = { .message = NULL };
	int c;

	while ((c = getopt_long(argc, argv, "v", names, NULL)) != -1)
		switch (c) {
		case 'c':
			m.config = optarg;
			break;
		case 'p':
			m.policy = optarg;
			break;
		case 's':
			m.store = optarg;
			break;
		case 'j':
			m.json = true;
			break;
		case 'v':
			m.verbose = true;
			break;
		default:
			return usage();
		}
	if (argc - optind != 2)
		return usage();
	m.message = argv[optind];
	m.dir = argv[optind + 1];
	return machine_make(&m);
}

/* ---- hash and verify ---- */

/* Opened as who asks; what lies in it is read as its owner, who can do nothing
 * else. */
static int
open_dropped(const char *path, struct err *e)
{
	fd_auto int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir == -1)
		return err_sys(e, "%s", path);
	return spawn_become(LAUNCH_FILES_ID, e) == -1 ? -1 : fd_take(&dir);
}

static int
check_manifest(const struct machine_dir *m, int dir, struct manifest *manifest,
    struct err *e)
{
	const struct buf *b = manifest_bytes(manifest);
	char name[64];
	char *data;
	size_t len;
	fd_auto int fd = -1;
	bool same;

	machine_dir_name_range(name, MACHINE_CONFIG_DRIVE,
	    m->config.drive_length);
	fd = openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "%s", name);
	if (fd_read_all(fd, (size_t)1 << 30, &data, &len, e) == -1)
		return err_in(e, "%s", name);
	while (len > b->len && data[len - 1] == '\0')
		len--;
	same = len == b->len && memcmp(data, b->data, len) == 0;
	free(data);
	return same ? 0
		    : err_set(e, ERR_CONFLICT,
			  "%s: it is not the manifest of tree", name);
}

static int
verify_open(int dir, struct machine_dir *m, struct err *e)
{
	fd_auto int tree = openat(dir, "tree",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct manifest manifest = { .len = 0 };
	struct session_parts parts;
	struct merkle_hash hash;
	int r;

	if (tree == -1)
		return err_sys(e, "tree");
	r = state_scan(tree, &manifest, e) == -1 ||
		check_manifest(m, dir, &manifest, e) == -1 ||
		machine_dir_parts(&manifest, &m->config, &parts, e) == -1 ||
		machine_dir_hash(m, &parts, &hash, e) == -1
	    ? -1
	    : 0;
	manifest_fini(&manifest);
	if (r == 0 && memcmp(&hash, &m->hash, sizeof(hash)) != 0)
		return err_set(e, ERR_CONFLICT,
		    "hash: it is not that of what is here");
	return r;
}

static void
print_hash(const struct machine_dir *m, bool json)
{
	value_auto struct value *v = NULL;
	char hex[65];

	str_hex(hex, m->hash.byte, sizeof(m->hash.byte));
	if (!json) {
		puts(hex);
		return;
	}
	v = value_new(VALUE_MAP);
	value_set_text(v, "hash", hex);
	cli_print(v);
}

static int
look(int argc, char **argv, bool verify)
{
	static const struct option names[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct machine_dir m = { .content = { { 0 } } };
	fd_auto int dir = -1;
	bool json = false;
	struct err e;
	int c, r;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (c == 'j')
			json = true;
		else
			return usage();
	if (argc - optind != 1)
		return usage();
	dir = open_dropped(argv[optind], &e);
	r = dir == -1 ? -1 : machine_dir_read(&m, dir, &e);
	if (r == 0 && verify)
		r = verify_open(dir, &m, &e);
	if (r == 0)
		print_hash(&m, json);
	machine_dir_fini(&m);
	if (r == 0)
		return 0;
	err_in(&e, "%s", argv[optind]);
	cli_error(&e, json);
	return verify && e.code != ERR_SYSTEM ? 1 : CLI_FAILED;
}

static int
hash(int argc, char **argv)
{
	return look(argc, argv, false);
}

static int
verify(int argc, char **argv)
{
	return look(argc, argv, true);
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = { { "create", create }, { "hash", hash }, { "verify", verify } };

static int
run(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < nitems(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	return usage();
}

const struct cli_command cmd_machine_command = { "machine",
	"create [--config FILE] [--policy FILE] [--store DIR] [--json] MESSAGE "
	"DIR | hash [--json] DIR | verify [--json] DIR",
	"directories that sessions are started from", run };

static int
usage(void)
{
	return cli_usage(&cmd_machine_command);
}
