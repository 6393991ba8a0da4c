/*
 * Whatever an archive says, nothing is made beside the directory, and what is
 * there after a success is nothing but files, directories and links.  The
 * first byte chooses: z(ip), t(ar), l(ayer).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "guest/extract.h"
#include "guest/layer.h"
#include "guest/tree.h"
#include "tests/fuzz/fuzz.h"

static char work[] = "/tmp/cella-fuzz-XXXXXX";
static int outer = -1;

static int
wipe(int dir, const char *name, void *arg)
{
	fd_auto int sub = -1;
	struct err e;

	(void)arg;
	if (unlinkat(dir, name, 0) == 0)
		return 0;
	sub =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	invariant(sub != -1);
	(void)dir_each(sub, wipe, NULL, &e);
	invariant(unlinkat(dir, name, AT_REMOVEDIR) == 0);
	return 0;
}

static void
go_away(void)
{
	struct err e;

	(void)dir_each(outer, wipe, NULL, &e);
	(void)rmdir(work);
}

static int
count(int dir, const char *name, void *arg)
{
	(void)dir;
	(void)name;
	++*(int *)arg;
	return 0;
}

static int
fill(const uint8_t *data, size_t size)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);

	invariant(fd != -1 && fd_write_full(fd, data, size) == 0);
	invariant(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer_report report;
	fd_auto int file = -1, root = -1;
	struct err e;
	int n = 0, r;

	if (outer == -1) {
		invariant(mkdtemp(work) != NULL);
		outer = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)atexit(go_away);
	}
	if (size == 0)
		return 0;
	file = fill(data + 1, size - 1);
	invariant(mkdirat(outer, "root", 0755) == 0);
	root = openat(outer, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = data[0] == 'l' ? layer_apply(root, file, &report, &e)
			   : extract_archive(root, file, data[0] == 'z', &e);
	invariant(r == 0 || e.code == ERR_INVALID);
	invariant(r != 0 || tree_check(root, &e) == 0);
	invariant(dir_each(outer, count, &n, &e) == 0 && n == 1);
	(void)wipe(outer, "root", NULL);
	return 0;
}
