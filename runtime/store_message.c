#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/aleph_item.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/store.h"
#include "runtime/store_message.h"
#include "runtime/store_open.h"

#define NAME 224 /* a path below the store */

/* ---- STORE ---- */

static struct value *
read_message(struct store *s, const char *hash)
{
	char path[NAME], *text;
	struct value *v;
	struct err ignored;

	snprintf(path, sizeof(path), "messages/%s.json", hash);
	text = store_read_note(s, path);
	if (text == NULL)
		return NULL;
	v = json_parse(text, strlen(text), &ignored);
	free(text);
	return v;
}

bool
store_message_has(struct store *s, const char *ref)
{
	value_auto struct value *v = read_message(s, ref);

	return v != NULL;
}

bool
store_message_is_of(struct store *s, const char *ref, const char *address)
{
	value_auto struct value *v = read_message(s, ref);
	const char *owner = value_get_text(v, "address");

	return owner != NULL && aleph_item_same_address(owner, address);
}

static int
check_amend(struct store *s, const struct aleph_item *m, struct err *e)
{
	value_auto struct value *old = read_message(s, m->ref);
	const char *address = value_get_text(old, "address");

	if (old == NULL)
		return err_set(e, ERR_NOT_FOUND,
		    "content.ref: no STORE message %s is known here", m->ref);
	if (value_get_text(old, "ref") != NULL)
		return err_set(e, ERR_INVALID,
		    "content.ref: %s takes another's place itself", m->ref);
	if (!m->signed_by_owner || address == NULL ||
	    !aleph_item_same_address(address, m->address))
		return err_set(e, ERR_DENIED,
		    "content.ref: %s is of another owner, or his signature is "
		    "missing",
		    m->ref);
	return 0;
}

int
store_message_check(struct store *s, const struct aleph_item *m, struct err *e)
{
	char digest[SHA256_HEX];
	bool bound;

	if (store_message_is_forgotten(s, m->address, m->id))
		return err_set(e, ERR_DENIED, "%s: its owner took it back",
		    m->id);
	if (store_resolve(s, m->file, digest, &bound, e) == -1)
		return err_in(e, "content.item_hash");
	return m->ref == NULL ? 0 : check_amend(s, m, e);
}

static int
note_amend(struct store *s, const struct aleph_item *m, struct err *e)
{
	char path[NAME];

	snprintf(path, sizeof(path), "amends/%s", m->ref);
	if (store_open_mkdir(s->dir, path, e) == -1)
		return -1;
	snprintf(path, sizeof(path), "amends/%s/%s", m->ref, m->id);
	return store_write_note(s, path, "", e);
}

int
store_message_add(struct store *s, const struct aleph_item *m, struct err *e)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	char digest[SHA256_HEX], path[NAME], *text;
	bool bound;
	int r;

	if (store_message_check(s, m, e) == -1 ||
	    store_resolve(s, m->file, digest, &bound, e) == -1 ||
	    store_bind(s, m->id, digest, e) == -1)
		return -1;
	value_set_text(v, "address", m->address);
	value_set_int(v, "time_us", m->time_us);
	value_set_text(v, "digest", digest);
	if (m->ref != NULL)
		value_set_text(v, "ref", m->ref);
	text = json_emit(v, JSON_AS_LINE);
	snprintf(path, sizeof(path), "messages/%s.json", m->id);
	r = store_write_note(s, path, text, e);
	free(text);
	/* Last: what has taken a place is whole. */
	return r == -1 || m->ref == NULL ? r : note_amend(s, m, e);
}

/* Of two at one time the greater hash, so that all nodes take the same. */
static bool
is_newer(int64_t time, const char *hash, int64_t best_time, const char *best)
{
	return best[0] == '\0' || time > best_time ||
	    (time == best_time && strcmp(hash, best) > 0);
}

int
store_message_latest(struct store *s, const char *ref,
    char latest[ITEM_HASH_MAX])
{
	char path[NAME];
	struct dirent *d;
	int64_t best = 0, time;
	DIR *dir;
	int fd;

	latest[0] = '\0';
	snprintf(path, sizeof(path), "amends/%s", ref);
	fd = openat(s->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || !store_message_has(s, ref)) {
		if (fd != -1)
			close(fd);
		return 0;
	}
	dir = fdopendir(fd);
	invariant(dir != NULL);
	while ((d = readdir(dir)) != NULL) {
		value_auto struct value *v =
		    item_hash_kind(d->d_name) == ITEM_HASH_NONE
		    ? NULL
		    : read_message(s, d->d_name);

		if (v == NULL)
			continue; /* forgotten since */
		time = value_get_int(v, "time_us", 0);
		if (is_newer(time, d->d_name, best, latest)) {
			best = time;
			str_copy(latest, ITEM_HASH_MAX, d->d_name);
		}
	}
	closedir(dir);
	return latest[0] != '\0';
}

/* ---- FORGET ---- */

static void
mark_path(char path[NAME], const char *address, const char *hash)
{
	char *text = str_printf("%s\n%s", address, hash), digest[SHA256_HEX];

	for (char *p = text; *p != '\n'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	sha256_of(text, strlen(text), digest);
	free(text);
	snprintf(path, NAME, "forgotten/%s", digest);
}

bool
store_message_is_forgotten(struct store *s, const char *address,
    const char *hash)
{
	char path[NAME];

	if (address == NULL)
		return false;
	mark_path(path, address, hash);
	return faccessat(s->dir, path, F_OK, 0) == 0;
}

static int
drop(struct store *s, const char *path, struct err *e)
{
	if (unlinkat(s->dir, path, 0) == -1 && errno != ENOENT)
		return err_sys(e, "store %s: %s", s->path, path);
	return 0;
}

int
store_message_forget(struct store *s, const char *address, const char *hash,
    struct err *e)
{
	char path[NAME];

	mark_path(path, address, hash);
	if (store_write_note(s, path, hash, e) == -1)
		return -1;
	if (!store_message_is_of(s, hash, address))
		return 0;
	snprintf(path, sizeof(path), "refs/%s", hash);
	if (drop(s, path, e) == -1)
		return -1;
	snprintf(path, sizeof(path), "messages/%s.json", hash);
	return drop(s, path, e);
}
