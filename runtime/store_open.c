#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/spawn.h"
#include "runtime/store.h"
#include "runtime/store_open.h"

static char *
default_path(void)
{
	const char *set = secure_getenv("CELLA_STORE");
	const char *home = secure_getenv("XDG_DATA_HOME");

	if (set != NULL && set[0] != '\0')
		return str_dup(set);
	if (geteuid() == 0)
		return str_dup("/var/lib/cella");
	if (home != NULL && home[0] == '/')
		return str_printf("%s/cella", home);
	home = secure_getenv("HOME");
	return str_printf("%s/.local/share/cella", home == NULL ? "" : home);
}

/* As root everything in it is core's. */
int
store_open_give(int dir, const char *name, struct err *e)
{
	if (geteuid() == 0 &&
	    fchownat(dir, name, SPAWN_CORE_ID, SPAWN_CORE_ID,
		AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == -1)
		return err_sys(e, "owner of %s", name);
	return 0;
}

int
store_open_mkdir(int dir, const char *name, struct err *e)
{
	if (mkdirat(dir, name, 0755) == -1)
		return errno == EEXIST ? 0 : err_sys(e, "%s", name);
	return store_open_give(dir, name, e);
}

/* One that is dead and that nobody waited for yet holds nothing either. */
static bool
is_gone(unsigned long pid)
{
	char path[48], stat[512];
	const char *state;
	fd_auto int fd = -1;
	ssize_t n;

	if (kill((pid_t)pid, 0) == -1)
		return errno == ESRCH;
	snprintf(path, sizeof(path), "/proc/%lu/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd == -1 ? -1 : fd_read_full(fd, stat, sizeof(stat) - 1);
	if (n <= 0)
		return false;
	stat[n] = '\0';
	/* The name in parentheses may hold anything: proc(5). */
	state = strrchr(stat, ')');
	return state != NULL && strncmp(state, ") Z", 3) == 0;
}

/* "run.<pid>.<n>" of a process that is gone. */
static int
remove_stale(int dir, const char *name, void *arg)
{
	unsigned long pid;
	char *end;

	(void)arg;
	if (strncmp(name, "run.", 4) != 0)
		return 0;
	pid = strtoul(name + 4, &end, 10);
	if (*end == '.' && pid > 0 && is_gone(pid))
		dir_remove(dir, name);
	return 0;
}

int
store_open_sweep(struct store *s, struct err *e)
{
	fd_auto int tmp =
	    openat(s->dir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return tmp == -1 ? err_sys(e, "tmp")
			 : dir_each(tmp, remove_stale, NULL, e);
}

static int
prepare(struct store *s, struct err *e)
{
	static const char *const dirs[] = { "blobs", "blobs/sha256", "entries",
		"refs", "messages", "amends", "forgotten", "derived", "trees",
		"fetched", "pins", "volumes", "tmp" };
	struct stat st;

	if (fstat(s->dir, &st) == -1)
		return err_sys(e, "stat");
	if (geteuid() == 0 && st.st_uid == 0 &&
	    faccessat(s->dir, "blobs", F_OK, 0) == -1 &&
	    store_open_give(s->dir, "", e) == -1)
		return -1;
	if (fstat(s->dir, &st) == -1 ||
	    (geteuid() == 0 && st.st_uid != SPAWN_CORE_ID))
		return err_set(e, ERR_DENIED,
		    "it belongs to id %u and not to %u; it is no store",
		    st.st_uid, SPAWN_CORE_ID);
	for (size_t i = 0; i < nitems(dirs); i++)
		if (store_open_mkdir(s->dir, dirs[i], e) == -1)
			return -1;
	return store_open_sweep(s, e);
}

static int
make_path(const char *path, struct err *e)
{
	char *copy = str_dup(path);

	for (char *p = copy + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) == -1 && errno != EEXIST) {
			err_sys(e, "%s", copy);
			free(copy);
			return -1;
		}
		*p = '/';
	}
	free(copy);
	/* What is in it is nobody else's to read. */
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return err_sys(e, "%s", path);
	return 0;
}

int
store_open(struct store *s, const char *path, struct err *e)
{
	*s = (struct store){ .dir = -1 };
	s->path = str_dup(path);
	if (make_path(path, e) == 0) {
		s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (s->dir == -1)
			err_sys(e, "%s", path);
		else if (prepare(s, e) == 0)
			return 0;
	}
	fd_close(&s->dir);
	free(s->path);
	s->path = NULL;
	return err_in(e, "store %s", path);
}

char *
store_open_path(const char *path)
{
	return path != NULL ? str_dup(path) : default_path();
}

int
store_open_part(const char *path, const char *name, struct err *e)
{
	char *chosen = store_open_path(path);
	char *dir = str_printf("%s/%s", chosen, name);
	fd_auto int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		err_sys(e, "%s", dir);
	free(dir);
	free(chosen);
	if (fd == -1 || spawn_drop_for_good(e) == -1)
		return -1;
	return fd_take(&fd);
}

int
store_open_chosen(struct store *s, const char *path, struct err *e)
{
	char *chosen = store_open_path(path);
	int r = store_open(s, chosen, e);

	free(chosen);
	return r;
}
