/*
 * Keys of functions: what a caller shows, of which core hears the digest; and
 * new ones, which front makes and tells once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/sha256.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/front_request.h"

/* "cella_" and 64 digits. */
#define PREFIX "cella_"
#define KEY_MAX 128

void
front_key_digest(const struct front_request *r, char digest[SHA256_HEX])
{
	const char *key = front_request_header(r, FRONT_KEY_HEADER);

	digest[0] = '\0';
	if (key == NULL)
		return;
	/* One that is too long is none of ours, and not "none". */
	sha256_of(key, strlen(key) <= KEY_MAX ? strlen(key) : 0, digest);
}

/* ---- what an operator asks ---- */

/* "name=TEXT", "rate=NUMBER", with "&" between them and nothing encoded. */
static bool
read_query(const char *query, char name[65], uint32_t *rate)
{
	char *copy = str_dup(query), *at = copy, *word, *end;
	bool good = true;

	*rate = 0;
	name[0] = '\0';
	while (good && (word = strsep(&at, "&")) != NULL) {
		if (strncmp(word, "name=", 5) == 0)
			good = route_is_call_id(word + 5) &&
			    str_copy(name, 65, word + 5);
		else if (strncmp(word, "rate=", 5) == 0) {
			*rate = (uint32_t)strtoul(word + 5, &end, 10);
			good = word[5] >= '0' && word[5] <= '9' &&
			    *end == '\0' && strlen(word + 5) < 7;
		} else {
			good = word[0] == '\0';
		}
	}
	free(copy);
	return good;
}

/* A new key, kept until core has its digest on the disk. */
static bool
make_key(struct front_request *r, char digest[SHA256_HEX])
{
	unsigned char random[32];
	char hex[65];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	str_hex(hex, random, sizeof(random));
	free(r->method);
	r->method = str_printf("%s%s", PREFIX, hex);
	sha256_of(r->method, strlen(r->method), digest);
	return true;
}

enum MHD_Result
front_key_ask(struct front_request *r)
{
	buf_auto struct buf b = { 0 };
	char name[65], digest[SHA256_HEX];
	uint32_t rate;

	if (r->route.to == ROUTE_KEY_ADD) {
		if (!read_query(r->route.query, name, &rate))
			return front_request_fail(r, MHD_HTTP_BAD_REQUEST,
			    ERR_INVALID,
			    "name: letters, digits, '-', '_' and '.'; rate: "
			    "calls a minute");
		if (!make_key(r, digest))
			return front_request_fail(r,
			    MHD_HTTP_INTERNAL_SERVER_ERROR, ERR_SYSTEM,
			    "no random bytes");
		buf_put_u8(&b, FRONT_KEY_ADD);
		buf_put_str(&b, r->route.hash);
		buf_put_str(&b, digest);
		buf_put_str(&b, name);
		buf_put_u32(&b, rate);
	} else if (r->route.to == ROUTE_KEY_OPEN) {
		buf_put_u8(&b, FRONT_KEY_OPEN);
		buf_put_str(&b, r->route.hash);
	} else {
		buf_put_u8(&b, FRONT_KEY_REVOKE);
		buf_put_u64(&b, strtoull(r->route.path, NULL, 10));
	}
	front_ask(r->front, &r->question, FRONT_KEY, &b, NULL, 0,
	    front_control_answered, r);
	front_request_wait(r);
	return MHD_YES;
}

/* Core's answer, and beside it what only we know. */
char *
front_key_answer(struct front_request *r)
{
	struct err ignored;
	value_auto struct value *v =
	    json_parse(buf_text(&r->body), r->body.len, &ignored);

	if (v == NULL || v->kind != VALUE_MAP)
		return str_dup(buf_text(&r->body));
	value_set_text(v, "secret", r->method);
	return json_emit(v, JSON_AS_LINE);
}
