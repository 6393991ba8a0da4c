#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "policy/machine.h"
#include "runtime/disk.h"
#include "runtime/spawn.h"
#include "runtime/store.h"

#define MKFS "/sbin/mkfs.ext4"

/*
 * The owner's volumes of one name are one volume, whichever of his programs
 * asks; one without a name belongs to the program and the mount point.
 */
static void
volume_path(char out[96], const struct aleph_program *p,
    const struct aleph_volume *v)
{
	const char *scope = v->name != NULL ? p->address : p->id;
	const char *name = v->name != NULL ? v->name : v->mount;
	struct sha256 *h = sha256_new();
	char digest[SHA256_HEX];

	/* A NUL between: no two pairs are one text. */
	sha256_add(h, scope, strlen(scope) + 1);
	sha256_add(h, name, strlen(name) + 1);
	sha256_end(h, digest);
	snprintf(out, 96, "volumes/%s.ext4", digest);
}

/* No journal for what is so small; the root is the program's. */
static int
format(struct store *s, int fd, struct err *e)
{
	char file[32], owner[64];
	const char *argv[] = { MKFS, "-q", "-F", "-E", owner, "-m", "0", "-O",
		"^has_journal", file, NULL };
	fd_auto int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int inherited = fcntl(fd, F_DUPFD, 100);
	int r;

	if (inherited == -1)
		return err_sys(e, "volume");
	snprintf(file, sizeof(file), "/proc/self/fd/%d", inherited);
	snprintf(owner, sizeof(owner), "root_owner=%u:%u,nodiscard",
	    MACHINE_UID, MACHINE_GID);
	r = spawn_program(argv, s->dir, null, e);
	close(inherited);
	return r;
}

/* The name appears when the file system is whole. */
static int
make(struct store *s, const char *path, uint64_t bytes, struct err *e)
{
	fd_auto int fd =
	    openat(s->dir, "tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	char proc[32];

	if (fd == -1)
		return err_sys(e, "volume");
	if (ftruncate(fd, (off_t)bytes) == -1)
		return err_sys(e, "volume of %llu bytes",
		    (unsigned long long)bytes);
	if (format(s, fd, e) == -1)
		return err_in(e, "volume");
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (fsync(fd) == -1 ||
	    (linkat(AT_FDCWD, proc, s->dir, path, AT_SYMLINK_FOLLOW) == -1 &&
		errno != EEXIST))
		return err_sys(e, "volume");
	return 0;
}

int
disk_open(struct store *s, const struct aleph_program *p,
    const struct aleph_volume *v, struct err *e)
{
	uint64_t bytes = (uint64_t)v->size_mib << 20;
	fd_auto int fd = -1;
	struct stat st;
	char path[96];

	volume_path(path, p, v);
	if (faccessat(s->dir, path, F_OK, 0) == -1 &&
	    make(s, path, bytes, e) == -1)
		return -1;
	fd = openat(s->dir, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		return err_sys(e, "volume");
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		return err_set(e, ERR_BUSY, "another machine has the volume");
	if ((uint64_t)st.st_size != bytes)
		return err_set(e, ERR_CONFLICT,
		    "the volume was made with %llu MiB, asked %lld MiB",
		    (unsigned long long)st.st_size >> 20,
		    (long long)v->size_mib);
	return fd_take(&fd);
}
