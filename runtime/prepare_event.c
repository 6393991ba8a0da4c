#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/aleph_item.h"
#include "messages/item_hash.h"
#include "messages/json.h"
#include "messages/prepare_msgs.h"
#include "messages/signature.h"
#include "messages/subscription.h"
#include "messages/value.h"
#include "runtime/prepare_event.h"
#include "runtime/store_message.h"

#define SUBSCRIPTIONS_MAX (64 << 20)

static int
read_file(int fd, size_t max, const char *what, char **data, size_t *len,
    struct err *e)
{
	struct stat s;

	/* A pipe that nobody writes would be waited for. */
	if (fstat(fd, &s) == -1 || !S_ISREG(s.st_mode))
		return err_set(e, ERR_INVALID, "%s: it is no file", what);
	/* It may be read for the second time, when there was no room at first.
	 */
	if (lseek(fd, 0, SEEK_SET) == -1)
		return err_sys(e, "%s", what);
	if (fd_read_all(fd, max, data, len, e) == -1)
		return err_in(e, "%s", what);
	return 0;
}

/*
 * Inline content comes as a text, and is what the item hash is of.  Servers of
 * the network put a copy beside it, which nothing vouches for.
 */
static int
open_content(struct value *v, bool feed, struct err *e)
{
	const char *text = value_get_text(v, "item_content");
	const char *hash = value_get_text(v, "item_hash");
	char digest[SHA256_HEX];
	struct value *content;

	if (text == NULL)
		return 0;
	sha256_of(text, strlen(text), digest);
	if (hash != NULL && strcmp(digest, hash) != 0)
		return err_set(e, ERR_INVALID,
		    "event: item_hash is not that of item_content");
	if (!feed && value_get(v, "content") != NULL)
		return err_set(e, ERR_INVALID,
		    "event: content, and item_content");
	content = json_parse(text, strlen(text), e);
	if (content == NULL)
		return err_in(e, "event: item_content");
	value_replace(v, "content", content);
	return 0;
}

static int
take_id(const struct value *v, const char *data, size_t len,
    char id[ITEM_HASH_MAX], struct err *e)
{
	const char *hash = value_get_text(v, "item_hash");

	if (hash == NULL) {
		sha256_of(data, len, id);
		return 0;
	}
	if (item_hash_kind(hash) == ITEM_HASH_NONE ||
	    !str_copy(id, ITEM_HASH_MAX, hash))
		return err_set(e, ERR_INVALID, "event: item_hash is no hash");
	return 0;
}

static struct value *
parse(const char *data, size_t len, bool feed, char id[ITEM_HASH_MAX],
    struct err *e)
{
	struct value *v = json_parse(data, len, e);

	if (v == NULL) {
		err_in(e, "event");
		return NULL;
	}
	if (v->kind != VALUE_MAP)
		err_set(e, ERR_INVALID, "event: not an object");
	else if (open_content(v, feed, e) == 0 &&
	    take_id(v, data, len, id, e) == 0)
		return v;
	value_free(v);
	return NULL;
}

/* One function's line; what does not parse matches nothing. */
static bool
matches(char *line, const struct value *message)
{
	value_auto struct value *list = NULL;
	char *json = strchr(line, ' ');
	struct err ignored;

	if (json == NULL)
		return false;
	*json++ = '\0';
	list = json_parse(json, strlen(json), &ignored);
	return list != NULL && subscription_matches_any(list, message);
}

static int
find_functions(char *lines, const struct value *message, struct buf *hashes,
    uint32_t *n, struct err *e)
{
	char *next;

	*n = 0;
	for (char *line = lines; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next == NULL)
			break;
		*next++ = '\0';
		if (!matches(line, message))
			continue;
		if (++*n > PREPARE_EVENT_HASHES_MAX)
			return err_set(e, ERR_QUOTA,
			    "event: more than %d functions subscribed to it",
			    PREPARE_EVENT_HASHES_MAX);
		buf_put_str(hashes, line);
	}
	return 0;
}

/* ---- a feed's ---- */

/* Signed, over the hash of what is here, by whose content it is. */
static bool
is_owners(const struct value *v)
{
	struct signature_input in = {
		.chain = value_get_text(v, "chain"),
		.sender = value_get_text(v, "sender"),
		.type = value_get_text(v, "type"),
		.item_hash = value_get_text(v, "item_hash"),
		.signature = value_get_text(v, "signature"),
	};
	const char *address =
	    value_get_text(value_get(v, "content"), "address");
	char why[160];

	return value_get_text(v, "item_content") != NULL && in.chain != NULL &&
	    in.sender != NULL && in.type != NULL && in.item_hash != NULL &&
	    address != NULL && aleph_item_same_address(in.sender, address) &&
	    signature_verify(&in, why, sizeof(why)) == SIGNATURE_GOOD;
}

/* The hashes that it names; PREPARE_NEWS_OWNER: a file of his is among them. */
static enum prepare_news
look_at_forget(struct store *s, const struct value *content,
    const char *address, struct buf *b)
{
	const struct value *list = value_get(content, "hashes");
	enum prepare_news news = PREPARE_NEWS_NONE;

	if (list == NULL || list->kind != VALUE_LIST ||
	    list->len > ALEPH_ITEM_FORGETS_MAX)
		return PREPARE_NEWS_NONE;
	for (size_t i = 0; i < list->len; i++) {
		const char *hash = list->item[i]->text;

		if (list->item[i]->kind != VALUE_STRING ||
		    item_hash_kind(hash) == ITEM_HASH_NONE)
			return PREPARE_NEWS_NONE;
		buf_printf(b, "%s\n", hash);
		if (news != PREPARE_NEWS_OWNER)
			news = store_message_is_of(s, hash, address)
			    ? PREPARE_NEWS_OWNER
			    : PREPARE_NEWS_FORGET;
	}
	return news;
}

static enum prepare_news
judge(const struct prepare_event_ask *a, const struct value *v,
    struct buf *forgets)
{
	const struct value *content = value_get(v, "content");
	const char *type = value_get_text(v, "type");
	const char *address = value_get_text(content, "address");
	const char *ref = value_get_text(content, "ref");
	const char *id = value_get_text(v, "item_hash");

	if (!a->feed)
		return PREPARE_NEWS_NONE;
	if (!is_owners(v))
		return a->unverified ? PREPARE_NEWS_NONE
				     : PREPARE_NEWS_UNVERIFIED;
	if (strcmp(type, "FORGET") == 0)
		return look_at_forget(a->store, content, address, forgets);
	return strcmp(type, "STORE") == 0 && ref != NULL &&
		item_hash_kind(ref) != ITEM_HASH_NONE &&
		store_message_is_of(a->store, ref, address) &&
		!store_message_has(a->store, id)
	    ? PREPARE_NEWS_OWNER
	    : PREPARE_NEWS_NONE;
}

static int
match(const struct prepare_event_ask *a, const char *data, size_t len,
    char *lines, struct buf *answer, int *out, struct err *e)
{
	value_auto struct value *message = NULL;
	buf_auto struct buf hashes = { 0 }, forgets = { 0 };
	char id[ITEM_HASH_MAX], *text;
	enum prepare_news news;
	uint32_t n = 0;

	message = parse(data, len, a->feed, id, e);
	if (message == NULL)
		return -1;
	news = judge(a, message, &forgets);
	if (news != PREPARE_NEWS_UNVERIFIED &&
	    find_functions(lines, message, &hashes, &n, e) == -1)
		return -1;
	buf_put_u8(answer, (uint8_t)news);
	buf_put_str(answer, id);
	buf_put_str(answer,
	    news == PREPARE_NEWS_FORGET
		? value_get_text(value_get(message, "content"), "address")
		: "");
	buf_put_str(answer, buf_text(&forgets));
	buf_put_u32(answer, n);
	buf_add(answer, hashes.data, hashes.len);
	text = json_emit(message, JSON_AS_LINE);
	*out = fd_sealed("event", text, strlen(text), e);
	free(text);
	return *out == -1 ? -1 : 0;
}

int
prepare_event_match(const struct prepare_event_ask *a, struct buf *answer,
    int *out, struct err *e)
{
	char *data, *lines;
	size_t len, nlines;
	int r;

	if (read_file(a->message, ALEPH_SIZE_MAX, "event", &data, &len, e) ==
	    -1)
		return -1;
	r = read_file(a->subscriptions, SUBSCRIPTIONS_MAX, "subscriptions",
	    &lines, &nlines, e);
	if (r == 0) {
		r = match(a, data, len, lines, answer, out, e);
		free(lines);
	}
	free(data);
	return r;
}
