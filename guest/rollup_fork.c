#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest/rollup_fork.h"

#define STATES "/.state" /* where a state stands that another may replace */
#define GIVEN 4     /* descriptors that every machine starts with: up to this */
#define ROUNDS 1000 /* of a millisecond, until what was killed is gone */
#define GAVE_UP 75

static enum { FRESH, ZYGOTE, KEPT } mode;

/* The machine's program, which only waits where copies take each other's place;
 * else 0. */
static pid_t first;
static pid_t predecessor; /* whose place we took; else 0 */

static pid_t original; /* of a copy; else 0 */
static int notes[2] = { -1,
	-1 }; /* that a copy takes; it may end at any time */
static int alive[2] = { -1, -1 }; /* between the first and who goes on */

enum note { NOTHING, BUSY, FINISHED };

static bool
is_ours(int fd)
{
	return fd == notes[0] || fd == notes[1] || fd == alive[0] ||
	    fd == alive[1];
}

static void
close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++) {
		if (pair[i] != -1)
			close(pair[i]);
		pair[i] = -1;
	}
}

static bool
can_read(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}

/* ---- what is in the way ---- */

/* Calls fn for each name in it; -1 if it cannot be read. */
static int
each(const char *dir, int (*fn)(int dirfd, const char *name))
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int n = 0;

	if (d == NULL)
		return -1;
	while ((entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			n += fn(dirfd(d), entry->d_name);
	closedir(d);
	return n;
}

static int
count(int dir, const char *name)
{
	(void)dir;
	(void)name;
	return 1;
}

/* A descriptor whose copy is the same open file, with one offset for both. */
static int
count_shared(int dir, const char *name)
{
	int fd = atoi(name);
	struct stat s;

	if (fd == dir || is_ours(fd) || fstat(fd, &s) == -1 ||
	    S_ISCHR(s.st_mode))
		return 0;
	return fd > GIVEN || S_ISREG(s.st_mode);
}

static bool
shares_memory(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512], rights[8];
	bool shared = false;

	if (f == NULL)
		return true;
	while (!shared && fgets(line, sizeof(line), f) != NULL)
		shared = (sscanf(line, "%*s %7s", rights) == 1 &&
			     rights[1] == 'w' && rights[3] == 's') ||
		    strstr(line, " " STATES "/") != NULL;
	fclose(f);
	return shared;
}

/* Where else what an input writes would stay: a volume.  What becomes of the
 * state, which is an overlay, is seen to by the node. */
static bool
is_volume(const char *line)
{
	const char *fs = strstr(line, " - ");
	char point[256], options[64];

	if (fs == NULL ||
	    sscanf(line, "%*s %*s %*s %*s %255s %63s", point, options) != 2)
		return true;
	return strncmp(options, "rw", 2) == 0 &&
	    strncmp(fs, " - proc ", 8) != 0 &&
	    strncmp(fs, " - overlay ", 11) != 0 && strcmp(point, "/tmp") != 0 &&
	    strcmp(point, "/dev/shm") != 0;
}

static bool
has_volume(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	bool has = f == NULL;

	while (!has && fgets(line, sizeof(line), f) != NULL)
		has = is_volume(line);
	if (f != NULL)
		fclose(f);
	return has;
}

/* What stands there is another state for each input. */
static bool
is_in_state(void)
{
	char path[sizeof(STATES)] = "";

	return readlink("/proc/self/cwd", path, sizeof(path)) >=
	    (ssize_t)strlen(STATES) &&
	    strncmp(path, STATES, strlen(STATES)) == 0;
}

static bool
is_empty(const char *dir)
{
	return each(dir, count) == 0 || access(dir, F_OK) == -1;
}

/* What we took the place of may not be buried yet. */
static bool
is_other(pid_t pid)
{
	return pid > 1 && pid != first && pid != predecessor && pid != getpid();
}

static int
count_other(int dir, const char *name)
{
	(void)dir;
	return is_other((pid_t)atoi(name));
}

static const char *
find_obstacle(void)
{
	if (each("/proc/self/task", count) != 1)
		return "it has more than one thread";
	if (each("/proc", count_other) != 0)
		return "another process runs";
	if (each("/proc/self/fd", count_shared) != 0)
		return "it has files or sockets open";
	if (shares_memory())
		return "it has memory that is shared, or of a file of its state";
	if (is_in_state())
		return "its working directory is in its state";
	if (has_volume())
		return "it has a volume that can be written";
	if (!is_empty("/tmp") || !is_empty("/dev/shm"))
		return "/tmp or /dev/shm is not empty";
	return NULL;
}

/*
 * Whoever goes on has a lock of his own, a byte of that pipe, until he ends:
 * what he has started may have the pipe open, but never the lock.
 */
static int
lock_alive(int fd, short type, pid_t byte)
{
	struct flock l = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = byte,
		.l_len = 1 };
	int r;

	while ((r = fcntl(fd, F_SETLKW, &l)) == -1 && errno == EINTR)
		;
	return r;
}

static void
be_alive(void)
{
	const pid_t self = getpid();

	if (lock_alive(alive[1], F_WRLCK, self) == -1 ||
	    write(alive[1], &self, sizeof(self)) != (ssize_t)sizeof(self))
		_exit(GAVE_UP);
}

/* Until somebody ends, and nobody has taken his place. */
static void __attribute__((noreturn)) wait_for_end(void)
{
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	do
		if (read(alive[0], &pid, sizeof(pid)) != (ssize_t)sizeof(pid) ||
		    lock_alive(alive[0], F_RDLCK, pid) == -1)
			break;
	while (can_read(alive[0]));
	_exit(0);
}

/* From now on the first process only waits. */
static bool
leave_first_behind(void)
{
	pid_t pid;

	if (pipe2(alive, O_CLOEXEC) == -1)
		return false;
	fflush(NULL);
	pid = fork();
	if (pid == -1) {
		close_pair(alive);
		return false;
	}
	if (pid > 0) {
		close(alive[1]);
		wait_for_end();
	}
	close(alive[0]);
	alive[0] = -1;
	first = getppid();
	be_alive();
	return true;
}

static void
find_mode(void)
{
	const char *reuse = getenv("CELLA_REUSE");
	const char *memory = getenv("CELLA_MEMORY");

	if (memory != NULL && strcmp(memory, "kept") == 0)
		mode = KEPT;
	else if (reuse != NULL && strcmp(reuse, "zygote") == 0)
		mode = ZYGOTE;
}

bool
rollup_fork_may(void)
{
	static const char *said;
	const char *obstacle;

	find_mode();
	if (mode == FRESH)
		return false;
	obstacle = find_obstacle();
	if (obstacle != NULL && obstacle != said)
		fprintf(stderr, "rollup: no copy of this process: %s\n",
		    obstacle);
	said = obstacle;
	return obstacle == NULL &&
	    (mode == ZYGOTE || first != 0 || leave_first_behind());
}

/* ---- what a copy leaves ---- */

static void __attribute__((noreturn)) give_up(const char *why)
{
	fprintf(stderr, "rollup: %s\n", why);
	if (first != 0)
		kill(first, SIGKILL);
	_exit(GAVE_UP);
}

static int
kill_other(int dir, const char *name)
{
	pid_t pid = (pid_t)atoi(name);

	(void)dir;
	if (!is_other(pid))
		return 0;
	kill(pid, SIGKILL);
	return 1;
}

/* Whether there was anybody. */
static bool
kill_others(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int left;

	for (int i = 0; i < ROUNDS; i++) {
		left = each("/proc", kill_other);
		if (left == 0)
			return i > 0;
		if (left == -1)
			break;
		nanosleep(&ms, NULL);
	}
	give_up("what an input started does not end");
}

static int delete (const char *path, const struct stat *s, int type,
    struct FTW *at)
{
	(void)s;
	(void)type;
	return at->level == 0 ? 0 : remove(path);
}

static void
make_empty(const char *dir)
{
	if (!is_empty(dir) &&
	    (nftw(dir, delete, 16, FTW_DEPTH | FTW_PHYS) != 0 ||
		!is_empty(dir)))
		give_up("what an input left cannot be removed");
}

/* What the copy noted last. */
static enum note
read_notes(void)
{
	char note = NOTHING;

	while (can_read(notes[0]) && read(notes[0], &note, 1) == 1)
		;
	return (enum note)note;
}

static void
clear_up(int in, pid_t pid)
{
	enum note last;
	bool others;

	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	others = kill_others();
	last = read_notes();
	close_pair(notes);
	/* What it started may have been in a frame, too. */
	if (last == BUSY || (last == NOTHING && others) || can_read(in))
		give_up("an input ended in the middle of a frame");
	make_empty("/tmp");
	make_empty("/dev/shm");
}

/* ---- copies ---- */

static int
wait_for_input(int in)
{
	struct pollfd p = { .fd = in, .events = POLLIN };
	int r;

	while ((r = poll(&p, 1, -1)) == -1 && errno == EINTR)
		;
	if (r == 1 && (p.revents & POLLIN) != 0)
		return 0;
	if (r == 1)
		errno = EPIPE;
	return -1;
}

int
rollup_fork_copy(int in)
{
	const pid_t self = getpid();
	pid_t pid;

	fflush(NULL); /* what is to be written is not to be written twice */
	if (wait_for_input(in) == -1 || pipe2(notes, O_CLOEXEC) == -1)
		return -1;
	pid = fork();
	if (pid == -1) {
		close_pair(notes);
		return -1;
	}
	if (pid == 0) {
		original = self;
		return 1;
	}
	clear_up(in, pid);
	return 0;
}

bool
rollup_fork_is_copy(void)
{
	return original != 0;
}

bool
rollup_fork_go_on(void)
{
	if (mode != KEPT)
		return false;
	be_alive();
	if (getppid() == original)
		kill(original, SIGKILL);
	predecessor = original;
	original = 0;
	close_pair(notes);
	return true;
}

static void
note(enum note n)
{
	const char c = (char)n;

	while (original != 0 && write(notes[1], &c, 1) == -1 && errno == EINTR)
		;
}

void
rollup_fork_busy(void)
{
	note(BUSY);
}

/* The pipe never fills: one note for each frame that was begun. */
void
rollup_fork_not_busy(bool finished)
{
	if (original == 0)
		return;
	(void)read_notes();
	if (finished)
		note(FINISHED);
}
