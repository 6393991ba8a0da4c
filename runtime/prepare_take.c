#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/aleph_item.h"
#include "messages/car.h"
#include "messages/ipfs.h"
#include "messages/json.h"
#include "messages/value.h"
#include "policy/ceiling_fetch.h"
#include "runtime/message_file.h"
#include "runtime/prepare_take.h"
#include "runtime/store.h"
#include "runtime/store_cache.h"
#include "runtime/store_message.h"

#define PAGE_MAX (4 << 20)

/* ---- files ---- */

/* What was not used for the longest time goes for it. */
static int
make_room(struct store *s, const struct ceiling_fetch *rules, uint64_t size,
    struct err *e)
{
	struct store_cache_gone gone;

	if (size > rules->cache_max)
		return err_set(e, ERR_DENIED,
		    "larger than the policy's fetch.cache");
	if (store_cache_trim(s, rules->cache_max - size, STORE_CACHE_GRACE_S,
		false, NULL, NULL, &gone, e) == -1)
		return -1;
	return gone.left + size <= rules->cache_max
	    ? 0
	    : err_set(e, ERR_BUSY,
		  "the policy's fetch.cache is full of what is in use");
}

static int
keep_file(struct store *s, const struct ceiling_fetch *rules, int fd,
    uint64_t size, char digest[SHA256_HEX], struct err *e)
{
	char same[SHA256_HEX];
	bool bound, known;

	/* What an operator added is not made one of those that may go. */
	known = store_resolve(s, digest, same, &bound, e) == 0;
	if (!known && make_room(s, rules, size, e) == -1)
		return -1;
	if (lseek(fd, 0, SEEK_SET) == -1)
		return err_sys(e, "fetched");
	if (!known && store_cache_mark(s, digest, e) == -1)
		return -1;
	return store_put(s, fd, digest, &size, e);
}

/* ---- files in blocks ---- */

static int
read_from(void *arg, void *out, size_t n, uint64_t at, struct err *e)
{
	const int *fd = arg;
	size_t have = 0;
	ssize_t r;

	while (have < n) {
		r = pread(*fd, (char *)out + have, n - have,
		    (off_t)(at + have));
		if (r <= 0)
			return r == 0
			    ? err_set(e, ERR_GUEST, "it changed meanwhile")
			    : err_sys(e, "fetched");
		have += (size_t)r;
	}
	return 0;
}

static int
write_to(void *arg, const void *data, size_t len, struct err *e)
{
	const int *fd = arg;

	return fd_write_full(*fd, data, len) == -1 ? err_sys(e, "store") : 0;
}

/* What they come to has a digest like any other; the CID is bound to that. */
static int
take_blocks(struct store *s, const struct ceiling_fetch *rules,
    const char *hash, int fd, char digest[SHA256_HEX], struct err *e)
{
	fd_auto int whole = store_tmp_file(s, e);
	struct car_source blocks = { read_from, &fd, 0 };
	struct cid root;
	struct stat st;
	uint64_t size;

	if (whole == -1 || fstat(fd, &st) == -1)
		return err_in(e, "%s", hash);
	blocks.size = (uint64_t)st.st_size;
	if (!cid_parse(hash, &root))
		return err_set(e, ERR_DENIED,
		    "%s: this form of a CID cannot be checked; bind it with "
		    "'cella store add FILE --ref %s'",
		    hash, hash);
	if (ipfs_extract(&blocks, &root, rules->file_max, write_to, &whole,
		&size, e) == -1 ||
	    sha256_file(whole, digest, &size, e) == -1 ||
	    keep_file(s, rules, whole, size, digest, e) == -1 ||
	    store_bind(s, hash, digest, e) == -1)
		return err_in(e, "%s", hash);
	return 0;
}

static int
take_file(struct store *s, const struct ceiling_fetch *rules, const char *hash,
    int fd, char digest[SHA256_HEX], struct err *e)
{
	uint64_t size;

	if (!str_is_sha256(hash))
		return take_blocks(s, rules, hash, fd, digest, e);
	if (lseek(fd, 0, SEEK_SET) == -1)
		return err_sys(e, "fetched");
	if (sha256_file(fd, digest, &size, e) == -1)
		return -1;
	if (strcmp(digest, hash) != 0)
		return err_set(e, ERR_GUEST, "%s: what came hashes to %s", hash,
		    digest);
	/* It is hashed again on its way: names are of what is kept. */
	if (keep_file(s, rules, fd, size, digest, e) == -1)
		return err_in(e, "%s", hash);
	return strcmp(digest, hash) == 0
	    ? 0
	    : err_set(e, ERR_GUEST, "%s: it changed meanwhile", hash);
}

/* ---- messages ---- */

/* The message itself as text, which the caller frees. */
static char *
find_message(const char *data, size_t len, const char *hash, struct err *e)
{
	value_auto struct value *page = json_parse(data, len, e);
	const struct value *list = value_get(page, "messages");
	const char *text;

	if (page == NULL)
		return NULL;
	for (size_t i = 0;
	     list != NULL && list->kind == VALUE_LIST && i < list->len; i++) {
		text = value_get_text(list->item[i], "item_hash");
		if (text != NULL && strcmp(text, hash) == 0)
			return json_emit(list->item[i], JSON_AS_LINE);
	}
	err_set(e, ERR_NOT_FOUND, "%s: the server does not know it", hash);
	return NULL;
}

static int
check(const struct aleph_item *m, const char *hash, struct err *e)
{
	if (m->kind != ALEPH_STORE || strcmp(m->id, hash) != 0)
		return err_set(e, ERR_GUEST, "%s: not a STORE message", hash);
	if (!m->signed_by_owner)
		return err_set(e, ERR_DENIED,
		    "%s: its owner's signature is missing", hash);
	return 0;
}

static int
keep(struct store *s, struct aleph_item *m, const char *text,
    char digest[SHA256_HEX], char need[ITEM_HASH_MAX], struct err *e)
{
	bool bound;

	if (store_resolve(s, m->file, digest, &bound, e) == -1) {
		if (e->code != ERR_NOT_FOUND)
			return -1;
		digest[0] = '\0';
		return str_copy(need, ITEM_HASH_MAX, m->file)
		    ? 0
		    : err_set(e, ERR_GUEST, "a malformed message");
	}
	/* Who refers to an amend itself wants it, whatever it amends. */
	if (m->ref != NULL && !store_message_has(s, m->ref))
		m->ref = NULL;
	if (store_put_bytes(s, text, strlen(text), digest, e) == -1)
		return -1;
	return store_message_add(s, m, e);
}

static int
take_message(struct store *s, const char *hash, int fd, char digest[SHA256_HEX],
    char need[ITEM_HASH_MAX], struct err *e)
{
	struct aleph_program *none = calloc(1, sizeof(*none));
	struct problems *problems = calloc(1, sizeof(*problems));
	struct aleph_item m;
	char *data = NULL, *text = NULL;
	size_t len;
	int r = -1;

	invariant(none != NULL && problems != NULL);
	if (lseek(fd, 0, SEEK_SET) == -1)
		err_sys(e, "fetched");
	else if (fd_read_all(fd, PAGE_MAX, &data, &len, e) == 0)
		text = find_message(data, len, hash, e);
	if (text != NULL)
		r = message_file_read_any(none, &m, hash, text, strlen(text),
		    problems, e);
	if (r == 0)
		r = err_set(e, ERR_GUEST, "%s: not a STORE message", hash);
	else if (r == 1)
		r = check(&m, hash, e) == -1
		    ? -1
		    : keep(s, &m, text, digest, need, e);
	aleph_fini(none);
	free(none);
	problems_fini(problems);
	free(problems);
	free(text);
	free(data);
	return r;
}

int
prepare_take(struct store *s, const struct ceiling_fetch *rules,
    enum fetch_what what, const char *hash, int fd, char digest[SHA256_HEX],
    char need[ITEM_HASH_MAX], struct err *e)
{
	struct stat st;

	digest[0] = need[0] = '\0';
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_SYSTEM, "fetched: it is no file");
	return what == FETCH_FILE ? take_file(s, rules, hash, fd, digest, e)
				  : take_message(s, hash, fd, digest, need, e);
}
