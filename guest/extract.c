#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/control.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest/extract.h"
#include "guest/tree.h"

#define BYTES_MAX (UINT64_C(512) << 20)
#define ENTRIES_MAX 60000
#define DEPTH_MAX 64
/* A ratio that no honest archive reaches, past the first megabytes. */
#define RATIO_MAX 200
#define RATIO_FREE (UINT64_C(16) << 20)
#define NAME_MAX_LEN 1024

struct extract {
	struct archive *a;
	int root;
	uint64_t bytes, entries;
	uint64_t compressed; /* bytes of the archive, 0: not known */
};

static int
refuse(struct err *e, const char *name, const char *why)
{
	char *safe = str_printable(name, strlen(name), 80);

	err_set(e, ERR_INVALID, "%s: %s", safe, why);
	free(safe);
	return -1;
}

/* The name as it is made: without a trailing slash or a leading "./". */
static int
clean_name(const char *raw, char out[NAME_MAX_LEN], struct err *e)
{
	size_t depth = 1, len;
	char *absolute;
	bool clean;

	while (strncmp(raw, "./", 2) == 0)
		raw += 2;
	len = strlen(raw);
	while (len > 0 && raw[len - 1] == '/')
		len--;
	if (len >= NAME_MAX_LEN)
		return refuse(e, raw, "a name that is too long");
	memcpy(out, raw, len);
	out[len] = '\0';
	if (len == 0 || strcmp(out, ".") == 0) {
		out[0] = '\0';
		return 0;
	}
	absolute = str_printf("/%s", out);
	clean = str_is_clean_path(absolute) && strchr(out, '\\') == NULL;
	free(absolute);
	if (!clean && CONTROL(10))
		return refuse(e, raw, "a name that leaves the archive");
	for (const char *p = out; *p != '\0'; p++)
		depth += *p == '/';
	for (size_t i = 0, n; i < len; i += n) {
		n = str_utf8_len(out + i, len - i);
		if (n == 0)
			return refuse(e, raw, "a name that is not UTF-8");
	}
	return depth > DEPTH_MAX ? refuse(e, raw, "too deep") : 0;
}

static int
check_caps(struct extract *u, const char *name, size_t more, struct err *e)
{
	u->bytes += more;
	if (u->bytes > BYTES_MAX)
		return refuse(e, name, "more than 512 MiB");
	if (u->compressed != 0 && u->bytes > RATIO_FREE &&
	    u->bytes / RATIO_MAX > u->compressed)
		return refuse(e, name, "it expands more than 200 times");
	return 0;
}

static int
write_file(struct extract *u, const char *name, int fd, struct err *e)
{
	const void *data;
	size_t size;
	la_int64_t at;
	int r;

	while ((r = archive_read_data_block(u->a, &data, &size, &at)) ==
	    ARCHIVE_OK) {
		if (check_caps(u, name, size, e) == -1)
			return -1;
		if (pwrite(fd, data, size, at) != (ssize_t)size)
			return refuse(e, name, "the disk limit is reached");
	}
	if (r != ARCHIVE_EOF)
		return refuse(e, name, "damaged data");
	return 0;
}

static int
take_file(struct extract *u, struct archive_entry *entry, const char *name,
    struct err *e)
{
	mode_t mode = archive_entry_perm(entry) & 0111 ? 0755 : 0644;
	fd_auto int fd = -1;

	if ((archive_entry_perm(entry) & 07000) != 0)
		return refuse(e, name, "a setuid, setgid or sticky file");
	if (tree_make_parents(u->root, name, e) == -1)
		return -1;
	fd = tree_create(u->root, name, mode, e);
	if (fd == -1)
		return -1;
	return write_file(u, name, fd, e);
}

static int
take_entry(struct extract *u, struct archive_entry *entry, struct err *e)
{
	const char *raw = archive_entry_pathname(entry);
	char name[NAME_MAX_LEN];

	if (raw == NULL)
		return err_set(e, ERR_INVALID, "an entry without a name");
	if (++u->entries > ENTRIES_MAX)
		return refuse(e, raw, "too many entries");
	if (clean_name(raw, name, e) == -1)
		return -1;
	if (archive_entry_hardlink(entry) != NULL)
		return refuse(e, raw, "a hard link");
	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR:
		return name[0] == '\0' ? 0 : tree_make_dir(u->root, name, e);
	case AE_IFREG:
		return take_file(u, entry, name, e);
	case AE_IFLNK:
		return tree_add_link(u->root, name,
		    archive_entry_symlink(entry), e);
	default:
		return refuse(e, raw, "neither a file, a directory nor a link");
	}
}

static int
open_archive(struct archive *a, int file, bool zip, struct err *e)
{
	if (zip) {
		archive_read_support_format_zip(a);
	} else {
		archive_read_support_format_tar(a);
		archive_read_support_filter_gzip(a);
	}
	if (archive_read_open_fd(a, file, 64 << 10) != ARCHIVE_OK)
		return err_set(e, ERR_INVALID, "%s", archive_error_string(a));
	return 0;
}

int
extract_archive(int root, int file, bool zip, struct err *e)
{
	struct extract u = { .a = archive_read_new(), .root = root };
	struct archive_entry *entry;
	int r = ARCHIVE_EOF, status;
	struct stat s;

	invariant(u.a != NULL);
	if (fstat(file, &s) == 0)
		u.compressed = (uint64_t)s.st_size;
	status = open_archive(u.a, file, zip, e);
	while (status == 0 &&
	    (r = archive_read_next_header(u.a, &entry)) == ARCHIVE_OK)
		status = take_entry(&u, entry, e);
	if (status == 0 && r != ARCHIVE_EOF)
		status = err_set(e, ERR_INVALID, "not a whole %s: %s",
		    zip ? "zip" : "tar.gz",
		    archive_error_string(u.a) == NULL
			? "damaged"
			: archive_error_string(u.a));
	archive_read_free(u.a);
	if (status == 0)
		return tree_make_links(root, e);
	tree_forget_links();
	return -1;
}
