/*
 * JSON as the peers of the contract VM write it, which is not quite what
 * json.h reads: integers have any size and are kept as text, keys are matched
 * without case, and of duplicate keys the last one wins.
 */
#ifndef MESSAGES_CHANNEL_JSON_H
#define MESSAGES_CHANNEL_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct err;

#define CHANNEL_JSON_DEPTH 32
#define CHANNEL_JSON_NODES 65536

enum channel_json_kind {
	CHANNEL_JSON_NULL,
	CHANNEL_JSON_TRUE,
	CHANNEL_JSON_FALSE,
	CHANNEL_JSON_NUMBER, /* text as it stood */
	CHANNEL_JSON_STRING, /* text in UTF-8, len bytes, NULs allowed */
	CHANNEL_JSON_LIST,
	CHANNEL_JSON_OBJECT,
};

struct channel_json {
	enum channel_json_kind kind;
	char *text;
	size_t len; /* bytes of text, or items */
	char **key;
	struct channel_json **item;
};

/* NULL and ERR_GUEST if it is malformed or over a bound. */
struct channel_json *channel_json_parse(const char *, size_t len, struct err *);
void channel_json_free(struct channel_json *);

/* The last member whose name matches without case; NULL if there is none. */
const struct channel_json *channel_json_get(const struct channel_json *,
    const char *key);

/* Text of a string or a number, else NULL. */
const char *channel_json_text(const struct channel_json *, const char *key);

#endif
