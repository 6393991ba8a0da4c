#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/item_hash.h"
#include "messages/json.h"
#include "messages/prepare_msgs.h"
#include "messages/subscription.h"
#include "messages/value.h"
#include "runtime/prepare_event.h"

#define SUBSCRIPTIONS_MAX (64 << 20)

static int
read_file(int fd, size_t max, const char *what, char **data, size_t *len,
    struct err *e)
{
	struct stat s;

	/* A pipe that nobody writes would be waited for. */
	if (fstat(fd, &s) == -1 || !S_ISREG(s.st_mode))
		return err_set(e, ERR_INVALID, "%s: it is no file", what);
	if (fd_read_all(fd, max, data, len, e) == -1)
		return err_in(e, "%s", what);
	return 0;
}

/* Inline content comes as a text, and is what the item hash is of. */
static int
open_content(struct value *v, struct err *e)
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
	if (value_get(v, "content") != NULL)
		return err_set(e, ERR_INVALID,
		    "event: content, and item_content");
	content = json_parse(text, strlen(text), e);
	if (content == NULL)
		return err_in(e, "event: item_content");
	value_set(v, "content", content);
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
parse(const char *data, size_t len, char id[ITEM_HASH_MAX], struct err *e)
{
	struct value *v = json_parse(data, len, e);

	if (v == NULL) {
		err_in(e, "event");
		return NULL;
	}
	if (v->kind != VALUE_MAP)
		err_set(e, ERR_INVALID, "event: not an object");
	else if (open_content(v, e) == 0 && take_id(v, data, len, id, e) == 0)
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
			return err_set(e, ERR_BUSY,
			    "event: more than %d functions subscribed to it",
			    PREPARE_EVENT_HASHES_MAX);
		buf_put_str(hashes, line);
	}
	return 0;
}

static int
match(const char *data, size_t len, char *lines, struct buf *answer, int *out,
    struct err *e)
{
	value_auto struct value *message = NULL;
	buf_auto struct buf hashes = { 0 };
	char id[ITEM_HASH_MAX], *text;
	uint32_t n;

	message = parse(data, len, id, e);
	if (message == NULL ||
	    find_functions(lines, message, &hashes, &n, e) == -1)
		return -1;
	buf_put_str(answer, id);
	buf_put_u32(answer, n);
	buf_add(answer, hashes.data, hashes.len);
	text = json_emit(message, JSON_AS_LINE);
	*out = fd_sealed("event", text, strlen(text), e);
	free(text);
	return *out == -1 ? -1 : 0;
}

int
prepare_event_match(int message, int subscriptions, struct buf *answer,
    int *out, struct err *e)
{
	char *data, *lines;
	size_t len, nlines;
	int r;

	if (read_file(message, ALEPH_SIZE_MAX, "event", &data, &len, e) == -1)
		return -1;
	r = read_file(subscriptions, SUBSCRIPTIONS_MAX, "subscriptions", &lines,
	    &nlines, e);
	if (r == 0) {
		r = match(data, len, lines, answer, out, e);
		free(lines);
	}
	free(data);
	return r;
}
