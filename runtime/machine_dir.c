#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/machine_dir.h"
#include "runtime/session_memory.h"

#define CONFIG "config.protobuf"
#define HASH "hash"
#define CONFIG_MAX (1 << 20)
#define RANGE_MAX ((uint64_t)1 << 30) /* of a file that is written for one */
#define CONTENT_MAX (64 << 20)        /* in it, but for zeroes behind */

/* Of the machine that tools know; zero here. */
static const struct {
	uint64_t start, length;
} placeholders[] = { { 0x1000, 0xf000 }, { 0x20000, 0x6000 } };
#define RAM_START UINT64_C(0x80000000)

void
machine_dir_fini(struct machine_dir *m)
{
	for (int i = 0; i < MACHINE_RANGES; i++)
		buf_fini(&m->content[i]);
}

int
machine_dir_parts(struct manifest *m, const struct machine_config *c,
    struct session_parts *p, struct err *e)
{
	*p = (struct session_parts){ .len = 1 };
	p->part[0].address = MACHINE_CONFIG_DRIVE;
	p->part[0].log2 = manifest_log2(c->drive_length);
	return manifest_root(m, c->drive_length, p->part[0].log2,
	    &p->part[0].hash, e);
}

int
machine_dir_hash(const struct machine_dir *m, const struct session_parts *p,
    struct merkle_hash *out, struct err *e)
{
	struct session_memory memory = { 0 };
	char why[SESSION_TEXT];

	for (int i = 0; i < MACHINE_RANGES; i++) {
		uint64_t length = m->config.range[i].length;

		if (length == 0 || (length & (length - 1)) != 0 ||
		    (m->config.range[i].start & (length - 1)) != 0)
			return err_set(e, ERR_INVALID,
			    "a range is no power of two, or not aligned to it");
	}
	if (session_memory_check(&m->config, p, why) != GRPC_OK)
		return err_set(e, ERR_INVALID, "%s", why);
	session_memory_start(&memory, &m->config, m->content, p);
	session_memory_hash(&memory, &m->config, out);
	session_memory_fini(&memory);
	return 0;
}

/* ---- files ---- */

void
machine_dir_name_range(char name[64], uint64_t start, uint64_t length)
{
	snprintf(name, 64, "%016" PRIx64 "-%" PRIx64 ".bin", start, length);
}

static int
write_file(int dir, const char *name, const void *data, size_t len,
    uint64_t size, struct err *e)
{
	fd_auto int fd = openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd == -1 || fd_write_full(fd, data, len) == -1 ||
	    ftruncate(fd, (off_t)size) == -1)
		return err_sys(e, "%s", name);
	return 0;
}

static int
write_range(int dir, uint64_t start, uint64_t length, const struct buf *b,
    struct err *e)
{
	char name[64];

	machine_dir_name_range(name, start, length);
	if (length > RANGE_MAX)
		return err_set(e, ERR_INVALID, "%s: longer than %" PRIu64, name,
		    RANGE_MAX);
	return write_file(dir, name, b == NULL ? "" : b->data,
	    b == NULL ? 0 : b->len, length, e);
}

/* Each name once: what a configuration may say is not all a machine can be. */
static bool
is_repeated(const struct machine_config *c, int i)
{
	for (int k = 0; k < i; k++)
		if (c->range[k].start == c->range[i].start &&
		    c->range[k].length == c->range[i].length)
			return true;
	return false;
}

static int
write_ranges(const struct machine_dir *m, int dir, struct manifest *manifest,
    struct err *e)
{
	const struct machine_config *c = &m->config;

	for (size_t i = 0; i < nitems(placeholders); i++)
		if (write_range(dir, placeholders[i].start,
			placeholders[i].length, NULL, e) == -1)
			return -1;
	if (write_range(dir, RAM_START, c->ram_length, NULL, e) == -1)
		return -1;
	for (int i = 0; c->has_rollup && i < MACHINE_RANGES; i++)
		if (!is_repeated(c, i) &&
		    write_range(dir, c->range[i].start, c->range[i].length,
			&m->content[i], e) == -1)
			return -1;
	return c->drive_length == 0
	    ? 0
	    : write_range(dir, MACHINE_CONFIG_DRIVE, c->drive_length,
		  manifest_bytes(manifest), e);
}

int
machine_dir_write(struct machine_dir *m, int dir, struct manifest *manifest,
    struct err *e)
{
	buf_auto struct buf config = { 0 };
	struct session_parts parts;
	struct err ignored;

	memset(&m->hash, 0, sizeof(m->hash));
	if (m->config.drive_length != 0 &&
	    machine_dir_parts(manifest, &m->config, &parts, e) == -1)
		return -1;
	/* One that sessions refuse has none. */
	if (m->config.drive_length != 0 && m->config.has_rollup &&
	    machine_dir_hash(m, &parts, &m->hash, &ignored) == -1)
		memset(&m->hash, 0, sizeof(m->hash));
	machine_config_put(&config, &m->config);
	if (write_file(dir, CONFIG, config.data, config.len, config.len, e) ==
		-1 ||
	    write_ranges(m, dir, manifest, e) == -1 ||
	    write_file(dir, HASH, m->hash.byte, sizeof(m->hash.byte),
		sizeof(m->hash.byte), e) == -1)
		return -1;
	return syncfs(dir) == -1 ? err_sys(e, "sync") : 0;
}

/* ---- and back ---- */

static int
read_file(int dir, const char *name, size_t max, char **data, size_t *len,
    struct err *e)
{
	fd_auto int fd = openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat s;

	if (fd == -1 || fstat(fd, &s) == -1)
		return err_sys(e, "%s", name);
	if (!S_ISREG(s.st_mode))
		return err_set(e, ERR_INVALID, "%s: it is no file", name);
	return fd_read_all(fd, max, data, len, e) == -1 ? err_in(e, "%s", name)
							: 0;
}

static int
read_range(int dir, uint64_t start, uint64_t length, struct buf *b,
    struct err *e)
{
	char name[64], *data;
	size_t len;

	machine_dir_name_range(name, start, length);
	if (read_file(dir, name, RANGE_MAX, &data, &len, e) == -1)
		return -1;
	while (len > 0 && data[len - 1] == '\0')
		len--;
	buf_reset(b);
	if (len <= CONTENT_MAX)
		buf_add(b, data, len);
	free(data);
	return len <= CONTENT_MAX
	    ? 0
	    : err_set(e, ERR_QUOTA, "%s: it holds more than %d bytes", name,
		  CONTENT_MAX);
}

int
machine_dir_read(struct machine_dir *m, int dir, struct err *e)
{
	char *data;
	size_t len;
	int r;

	if (read_file(dir, CONFIG, CONFIG_MAX, &data, &len, e) == -1)
		return -1;
	r = machine_config_get(&m->config, data, len, e);
	free(data);
	if (r == -1)
		return err_in(e, CONFIG);
	if (read_file(dir, HASH, CONFIG_MAX, &data, &len, e) == -1)
		return -1;
	if (len == sizeof(m->hash.byte))
		memcpy(m->hash.byte, data, len);
	free(data);
	if (len != sizeof(m->hash.byte))
		return err_set(e, ERR_INVALID, HASH ": %zu bytes", len);
	for (int i = 0; m->config.has_rollup && i < MACHINE_RANGES; i++)
		if (read_range(dir, m->config.range[i].start,
			m->config.range[i].length, &m->content[i], e) == -1)
			return -1;
	return 0;
}

/* ---- between processes ---- */

void
machine_dir_put_content(struct buf *b, const struct buf content[MACHINE_RANGES])
{
	for (int i = 0; i < MACHINE_RANGES; i++) {
		buf_put_u64(b, content[i].len);
		buf_add(b, content[i].data, content[i].len);
	}
}

int
machine_dir_read_content(const void *data, size_t len,
    struct buf content[MACHINE_RANGES], struct err *e)
{
	struct buf b = buf_over(data, len);
	uint64_t n;

	for (int i = 0; i < MACHINE_RANGES; i++) {
		n = buf_get_u64(&b);
		if (b.failed || n > b.len - b.at)
			return err_set(e, ERR_INVALID, "content: malformed");
		buf_reset(&content[i]);
		buf_add(&content[i], b.data + b.at, (size_t)n);
		b.at += (size_t)n;
	}
	return 0;
}

int
machine_dir_get_content(int file, struct buf content[MACHINE_RANGES],
    struct err *e)
{
	char *data;
	size_t len;
	int r;

	if (fd_read_sealed(file, MACHINE_RANGES * ((size_t)CONTENT_MAX + 8),
		&data, &len, e) == -1)
		return err_in(e, "content");
	r = machine_dir_read_content(data, len, content, e);
	free(data);
	return r;
}
