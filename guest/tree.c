#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest/tree.h"

static int
open_beneath(int root, const char *name, uint64_t flags, mode_t mode)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		    RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, root, name, &how, sizeof(how));
}

static int
fail(struct err *e, const char *name, const char *why)
{
	char *safe = str_printable(name, strlen(name), 80);
	int sys = errno;

	err_set(e, ERR_INVALID, "%s: %s", safe,
	    why != NULL         ? why
		: sys == ENOSPC ? "the disk limit is reached"
		: sys == ELOOP  ? "it lies behind a link"
		: sys == EEXIST ? "it comes twice"
				: "it cannot be made");
	free(safe);
	return -1;
}

/* The directory that holds the last component, whose start goes to base. */
static int
open_parent(int root, const char *name, const char **base)
{
	const char *slash = strrchr(name, '/');
	char *parent;
	int fd;

	*base = slash == NULL ? name : slash + 1;
	if (slash == NULL)
		return fcntl(root, F_DUPFD_CLOEXEC, 0);
	parent = str_printf("%.*s", (int)(slash - name), name);
	fd = open_beneath(root, parent, O_PATH | O_DIRECTORY, 0);
	free(parent);
	return fd;
}

int
tree_make_parents(int root, const char *name, struct err *e)
{
	const char *slash = strchr(name, '/');
	char *part;
	int r = 0;

	for (; r == 0 && slash != NULL; slash = strchr(slash + 1, '/')) {
		part = str_printf("%.*s", (int)(slash - name), name);
		r = tree_make_dir(root, part, e);
		free(part);
	}
	return r;
}

int
tree_make_dir(int root, const char *name, struct err *e)
{
	fd_auto int there = open_beneath(root, name, O_PATH | O_DIRECTORY, 0);
	fd_auto int parent = -1;
	const char *base;

	if (there != -1)
		return 0;
	if (errno != ENOENT)
		return fail(e, name, NULL);
	if (strchr(name, '/') != NULL && tree_make_parents(root, name, e) == -1)
		return -1;
	parent = open_parent(root, name, &base);
	if (parent == -1 || mkdirat(parent, base, 0755) == -1)
		return fail(e, name, NULL);
	return 0;
}

int
tree_create(int root, const char *name, mode_t mode, struct err *e)
{
	int fd = open_beneath(root, name, O_WRONLY | O_CREAT | O_EXCL, mode);

	return fd == -1 ? fail(e, name, NULL) : fd;
}

int
tree_link_stays(const char *name, const char *target)
{
	int depth = 0;
	size_t n;

	if (target[0] == '/' || target[0] == '\0')
		return 0;
	for (const char *p = name; *p != '\0'; p++)
		depth += *p == '/';
	for (; *target != '\0'; target += n + (target[n] == '/')) {
		n = strcspn(target, "/");
		if (n == 2 && target[0] == '.' && target[1] == '.') {
			if (--depth < 0)
				return 0;
		} else if (n > 0 && !(n == 1 && target[0] == '.')) {
			depth++;
		}
	}
	return 1;
}

static struct link {
	char *name, *target;
	struct link *next;
} * links;

int
tree_add_link(int root, const char *name, const char *target, struct err *e)
{
	struct link *l;

	if (target == NULL || !tree_link_stays(name, target))
		return fail(e, name, "a link that leaves the archive");
	if (tree_make_parents(root, name, e) == -1)
		return -1;
	l = malloc(sizeof(*l));
	invariant(l != NULL);
	*l = (struct link){ str_dup(name), str_dup(target), links };
	links = l;
	return 0;
}

int
tree_make_links(int root, struct err *e)
{
	struct link *l;
	const char *base;
	int r = 0;

	for (l = links; l != NULL && r == 0; l = l->next) {
		fd_auto int parent = open_parent(root, l->name, &base);

		if (parent == -1 || symlinkat(l->target, parent, base) == -1)
			r = fail(e, l->name, NULL);
	}
	tree_forget_links();
	return r;
}

void
tree_forget_links(void)
{
	struct link *l;

	while ((l = links) != NULL) {
		links = l->next;
		free(l->name);
		free(l->target);
		free(l);
	}
}

static int
check_one(int dir, const char *name, void *arg)
{
	struct err *e = arg;
	fd_auto int sub = -1;
	struct stat s;

	if (fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) == -1)
		return fail(e, name, "it is not readable");
	if ((s.st_mode & 06000) != 0)
		return fail(e, name, "a setuid or setgid bit");
	if (S_ISREG(s.st_mode) || S_ISLNK(s.st_mode))
		return 0;
	if (!S_ISDIR(s.st_mode))
		return fail(e, name, "neither a file, a directory nor a link");
	sub =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub == -1)
		return fail(e, name, "it is not readable");
	return dir_each(sub, check_one, e, e);
}

int
tree_check(int root, struct err *e)
{
	return dir_each(root, check_one, e, e);
}
