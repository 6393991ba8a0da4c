/*
 * cella-unpack: handles what strangers packed, and packs what they left.  It
 * runs in a strict machine of its own whose working directory is the volume.
 *
 *   cella-unpack into FORM    unpacks standard input into the volume
 *   cella-unpack pack FORM    packs the volume onto standard output; what an
 *                             archive cannot hold is left out, with a line
 *   cella-unpack archive      the same as tar.gzip, for an operator's own
 *                             directory: what cannot be held is refused
 *   cella-unpack layer        applies a layer of a container image
 *   cella-unpack rootfs       a root file system as one tar
 *
 * FORM: plain, zip, tar.gzip, squashfs; for pack also erofs.  Only files,
 * directories and symbolic links that stay inside are taken; a device, a
 * setuid bit, a name that leaves the directory or comes twice is refused, and
 * so is an archive above the caps.  Layers have rules of their own (layer.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
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
#include "guest/archive.h"
#include "guest/extract.h"
#include "guest/layer.h"
#include "guest/tree.h"

static int
copy(int from, int to, struct err *e)
{
	char data[64 << 10];
	ssize_t n;

	while ((n = read(from, data, sizeof(data))) > 0)
		if (fd_write_full(to, data, (size_t)n) == -1)
			return err_sys(e, "write");
	return n == -1 ? err_sys(e, "read") : 0;
}

#define ARCHIVE "/tmp/archive"

/* The readers want to seek: a pipe into a file, bounded by the machine. */
static int
fetch(struct err *e)
{
	fd_auto int to =
	    open(ARCHIVE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (to == -1)
		return err_sys(e, ARCHIVE);
	if (copy(STDIN_FILENO, to, e) == -1)
		return -1;
	if (lseek(to, 0, SEEK_SET) == -1)
		return err_sys(e, ARCHIVE);
	return fd_take(&to);
}

static int
unpack_archive(bool zip, struct err *e)
{
	fd_auto int root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd_auto int file = root == -1 ? -1 : fetch(e);

	if (root == -1)
		return err_sys(e, "volume");
	return file == -1 ? -1 : extract_archive(root, file, zip, e);
}

/* A plain file of data is called "data". */
static int
unpack_plain(struct err *e)
{
	fd_auto int fd =
	    open("data", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	char data[64 << 10];
	ssize_t n;

	if (fd == -1)
		return err_sys(e, "data");
	while ((n = read(STDIN_FILENO, data, sizeof(data))) > 0)
		if (fd_write_full(fd, data, (size_t)n) == -1)
			return err_sys(e, "data");
	return n == -1 ? err_sys(e, "standard input") : 0;
}

/* A tool of the image; what it says goes to standard error. */
static int
run_tool(const char *const argv[], struct err *e)
{
	pid_t pid = fork();
	int status;

	if (pid == -1)
		return err_sys(e, "fork");
	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return err_sys(e, "wait");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, ERR_INVALID, "%s failed",
		    strrchr(argv[0], '/') + 1);
	return 0;
}

/*
 * unsquashfs wants a file it can seek in.  It makes what the image says, in a
 * machine that cannot make devices; what must not be is refused after it.
 */
static int
unpack_squashfs(struct err *e)
{
	static const char *const argv[] = { "/usr/bin/unsquashfs", "-quiet",
		"-no-progress", "-no-xattrs", "-force", "-processors", "1",
		"-dest", ".", ARCHIVE, NULL };
	fd_auto int root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd_auto int file = fetch(e);

	if (root == -1 || file == -1)
		return root == -1 ? err_sys(e, "volume") : -1;
	if (run_tool(argv, e) == -1)
		return -1;
	return tree_check(root, e);
}

static int
into(const char *form, struct err *e)
{
	if (strcmp(form, "plain") == 0)
		return unpack_plain(e);
	if (strcmp(form, "zip") == 0)
		return unpack_archive(true, e);
	if (strcmp(form, "tar.gzip") == 0)
		return unpack_archive(false, e);
	if (strcmp(form, "squashfs") == 0)
		return unpack_squashfs(e);
	return err_set(e, ERR_INVALID, "%s: no such form", form);
}

/* ---- packing ---- */

static int
write_whole(const char *path, struct err *e)
{
	fd_auto int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd == -1 ? err_sys(e, "%s", path) : copy(fd, STDOUT_FILENO, e);
}

static int
pack_erofs(struct err *e)
{
	static const char *const argv[] = { "/usr/bin/mkfs.erofs", "--quiet",
		"-zlz4", "-x-1", "-T0", "--all-root",
		"-U00000000-0000-0000-0000-000000000001", "/tmp/image", ".",
		NULL };

	if (run_tool(argv, e) == -1)
		return -1;
	return write_whole("/tmp/image", e);
}

static int
pack_squashfs(struct err *e)
{
	static const char *const argv[] = { "/usr/bin/mksquashfs", ".",
		"/tmp/image", "-quiet", "-no-progress", "-no-xattrs",
		"-all-root", "-processors", "1", "-noappend", NULL };

	if (run_tool(argv, e) == -1)
		return -1;
	return write_whole("/tmp/image", e);
}

static int
pack_plain(struct err *e)
{
	fd_auto int fd =
	    open("data", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat s;

	if (fd == -1 || fstat(fd, &s) == -1 || !S_ISREG(s.st_mode))
		return err_set(e, ERR_INVALID,
		    "plain: the export is one file, called data");
	return copy(fd, STDOUT_FILENO, e);
}

static int
pack(const char *form, struct err *e)
{
	fd_auto int root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root == -1)
		return err_sys(e, "volume");
	if (strcmp(form, "plain") == 0)
		return pack_plain(e);
	/* Links out, pipes and sockets stay behind, each with a line. */
	if (strcmp(form, "zip") == 0 || strcmp(form, "tar.gzip") == 0)
		return archive_directory(root, STDOUT_FILENO,
		    strcmp(form, "zip") == 0 ? ARCHIVE_ZIP : ARCHIVE_TAR_GZIP,
		    true, e);
	if (tree_check(root, e) == -1)
		return -1;
	if (strcmp(form, "squashfs") == 0)
		return pack_squashfs(e);
	if (strcmp(form, "erofs") == 0)
		return pack_erofs(e);
	return err_set(e, ERR_INVALID, "%s: no such form", form);
}

/* ---- container images ---- */

static void
say(uint64_t n, const char *what)
{
	if (n > 0)
		fprintf(stderr, "%" PRIu64 " %s\n", n, what);
}

/* A tar of images is not an image: nothing in it could run. */
static int
check_rootfs(int root, struct err *e)
{
	if (faccessat(root, "oci-layout", F_OK, 0) == 0)
		return err_set(e, ERR_INVALID,
		    "this tar holds an OCI layout; unpack it and import the "
		    "directory");
	if (faccessat(root, "manifest.json", F_OK, 0) == 0 &&
	    faccessat(root, "usr", F_OK, 0) == -1)
		return err_set(e, ERR_INVALID,
		    "this tar holds saved images, not a root file system; "
		    "save it as an OCI layout");
	return 0;
}

static int
layer(bool whole, struct err *e)
{
	fd_auto int root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct layer_report report;

	if (root == -1)
		return err_sys(e, "volume");
	if (layer_apply(root, STDIN_FILENO, &report, e) == -1 ||
	    (whole && check_rootfs(root, e) == -1))
		return -1;
	if (whole && report.files == 0)
		return err_set(e, ERR_INVALID, "an empty tar");
	say(report.special, "devices, pipes or sockets left out");
	say(report.setid, "setuid, setgid or sticky bits cleared");
	say(report.foreign, "entries' extended attributes dropped");
	return 0;
}

static int
archive(struct err *e)
{
	fd_auto int root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root == -1)
		return err_sys(e, "directory");
	return archive_directory(root, STDOUT_FILENO, ARCHIVE_TAR_GZIP, false,
	    e);
}

#if defined(__SANITIZE_ADDRESS__)
/* The leak checker wants ptrace, which no machine has. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

int
main(int argc, char **argv)
{
	struct err e;
	int r;

	(void)umask(022);
	/* Names in archives are UTF-8; libarchive asks the locale. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	if (argc == 3 && strcmp(argv[1], "into") == 0) {
		r = into(argv[2], &e);
	} else if (argc == 3 && strcmp(argv[1], "pack") == 0) {
		r = pack(argv[2], &e);
	} else if (argc == 2 && strcmp(argv[1], "archive") == 0) {
		r = archive(&e);
	} else if (argc == 2 && strcmp(argv[1], "layer") == 0) {
		r = layer(false, &e);
	} else if (argc == 2 && strcmp(argv[1], "rootfs") == 0) {
		r = layer(true, &e);
	} else {
		fprintf(stderr,
		    "usage: cella-unpack into|pack FORM | layer | rootfs | "
		    "archive\n");
		return 64;
	}
	if (r == -1)
		fprintf(stderr, "%s\n", e.text);
	return r == -1 ? 1 : 0;
}
