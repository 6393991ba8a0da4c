#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/aleph_item.h"
#include "messages/prepare_msgs.h"
#include "messages/value.h"
#include "runtime/message_file.h"
#include "runtime/prepare_item.h"
#include "runtime/store.h"
#include "runtime/store_message.h"

/* One that was read; item borrows from none, which is no program. */
struct reading {
	char *data;
	size_t len;
	struct aleph_program none;
	struct aleph_item item;
};

static int
read_file(struct reading *r, int fd, struct problems *problems, struct err *e)
{
	struct stat s;

	/* A pipe that nobody writes would be waited for. */
	if (fstat(fd, &s) == -1 || !S_ISREG(s.st_mode))
		return err_set(e, ERR_INVALID, "message: it is no file");
	/* It may be read for the second time, when something has come. */
	if (lseek(fd, 0, SEEK_SET) == -1)
		return err_sys(e, "message");
	if (fd_read_all(fd, ALEPH_SIZE_MAX, &r->data, &r->len, e) == -1)
		return err_in(e, "message");
	return message_file_read_any(&r->none, &r->item, "message", r->data,
	    r->len, problems, e);
}

static void
free_reading(struct reading *r)
{
	aleph_fini(&r->none);
	free(r->data);
	free(r);
}

static int
list_forgets(const struct aleph_item *m, struct prepare_program *out,
    struct err *e)
{
	buf_auto struct buf b = { 0 };

	for (size_t i = 0; i < m->hashes->len; i++)
		buf_printf(&b, "%s\n", m->hashes->item[i]->text);
	return str_copy(out->forgets, sizeof(out->forgets), buf_text(&b))
	    ? 0
	    : err_set(e, ERR_INVALID, "content.hashes: too many");
}

static int
check(struct store *s, const struct aleph_item *m, struct prepare_program *out,
    struct err *e)
{
	if (m->kind == ALEPH_STORE)
		return store_message_check(s, m, e);
	if (!m->signed_by_owner)
		return err_set(e, ERR_DENIED,
		    "a FORGET needs its owner's signature");
	return list_forgets(m, out, e);
}

static int
keep(struct store *s, const struct reading *r, struct prepare_program *out,
    struct err *e)
{
	const struct aleph_item *m = &r->item;

	out->kind = m->kind == ALEPH_STORE ? PREPARE_STORE : PREPARE_FORGET;
	memcpy(out->hash, m->id, sizeof(out->hash));
	if (!str_copy(out->sender, sizeof(out->sender), m->address))
		return err_set(e, ERR_INVALID, "content.address: too long");
	out->unverified = !m->signed_by_owner;
	if (check(s, m, out, e) == -1)
		return -1;
	return store_put_bytes(s, r->data, r->len, out->digest, e);
}

int
prepare_item_read(struct store *s, int fd, struct prepare_program *out,
    struct problems *problems, struct err *e)
{
	struct reading *r = calloc(1, sizeof(*r));
	int status;

	invariant(r != NULL);
	status = read_file(r, fd, problems, e);
	if (status == 1 && keep(s, r, out, e) == -1)
		status = -1;
	/* A program is read again, by who judges it. */
	if (status == 0 && lseek(fd, 0, SEEK_SET) == -1)
		status = err_sys(e, "message");
	free_reading(r);
	return status;
}

static int
forget_all(struct store *s, const struct aleph_item *m, struct err *e)
{
	for (size_t i = 0; i < m->hashes->len; i++)
		if (store_message_forget(s, m->address,
			m->hashes->item[i]->text, e) == -1)
			return -1;
	return 0;
}

int
prepare_item_apply(struct store *s, const char *digest, struct err *e)
{
	struct reading *r = calloc(1, sizeof(*r));
	struct problems problems = { 0 };
	fd_auto int fd = store_get(s, digest, e);
	int status = -1;

	invariant(r != NULL);
	if (fd != -1)
		status = read_file(r, fd, &problems, e);
	if (status == 0)
		status = err_set(e, ERR_INVALID, "apply: a program");
	else if (status == 1)
		status = r->item.kind == ALEPH_STORE
		    ? store_message_add(s, &r->item, e)
		    : forget_all(s, &r->item, e);
	problems_fini(&problems);
	free_reading(r);
	return status;
}
