#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/sha256.h"
#include "base/str.h"
#include "messages/base32.h"
#include "messages/front_msgs.h"
#include "runtime/route.h"

static const struct {
	const char *path;
	enum route_to to;
} fixed[] = {
	{ "/openapi.json", ROUTE_OPENAPI },
	{ "/about/executions/list", ROUTE_EXECUTIONS },
	{ "/v2/about/executions/list", ROUTE_EXECUTIONS },
	{ "/about/usage/system", ROUTE_USAGE },
	{ "/status/config", ROUTE_CONFIG },
	{ "/status/check/version", ROUTE_VERSION },
	{ "/healthz", ROUTE_HEALTH },
	{ "/readyz", ROUTE_READY },
	{ "/control/messages", ROUTE_MESSAGES },
	{ "/control/runs", ROUTE_RUNS },
	{ "/control/audit", ROUTE_AUDIT },
	{ "/metrics", ROUTE_METRICS },
	{ "/control/cron", ROUTE_CRON },
	{ "/control/jobs", ROUTE_JOBS },
	{ "/control/events", ROUTE_EVENTS },
	{ "/control/keys", ROUTE_KEYS },
};

/* "/vm/HASH", "/vm/HASH/..." */
static enum route_to
parse_function(struct route *r, const char *rest, enum route_to to)
{
	size_t n = strcspn(rest, "/");

	if (n >= sizeof(r->hash))
		return ROUTE_BAD_HASH;
	memcpy(r->hash, rest, n);
	r->hash[n] = '\0';
	if (item_hash_kind(r->hash) == ITEM_HASH_NONE)
		return ROUTE_BAD_HASH;
	r->path = rest[n] == '/' ? rest + n : "/";
	return to;
}

static bool
unbase32(const char *label, size_t len, char hash[SHA256_HEX])
{
	unsigned char out[SHA256_LEN];

	if (!base32_decode(label, len, out, sizeof(out)))
		return false;
	str_hex(hash, out, sizeof(out));
	return true;
}

/* 1: a name below the domain, whose label is a hash; 0: not below it. */
static int
parse_host(struct route *r, const char *host, const char *domain)
{
	size_t n = host == NULL ? 0 : strcspn(host, ":");
	size_t len = strlen(domain);

	if (n > 0 && host[n - 1] == '.')
		n--;
	if (len == 0 || n <= len || host[n - len - 1] != '.' ||
	    strncasecmp(host + n - len, domain, len) != 0)
		return 0;
	return unbase32(host, n - len - 1, r->hash) ? 1 : -1;
}

bool
route_is_call_id(const char *text)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t n = strspn(text, good);

	return n > 0 && n < FRONT_CALL_ID && text[n] == '\0';
}

/* "/control/runs/ID/stop", "/control/runs/ID/exec" */
static bool
parse_run(struct route *r)
{
	static const char before[] = "/control/runs/";
	char *id = r->text + sizeof(before) - 1, *end;
	enum route_to to;

	if (strncmp(r->text, before, sizeof(before) - 1) != 0)
		return false;
	end = id + strcspn(id, "/");
	if (strcmp(end, "/stop") == 0)
		to = ROUTE_STOP;
	else if (strcmp(end, "/exec") == 0)
		to = ROUTE_EXEC;
	else
		return false;
	*end = '\0';
	if (!route_is_call_id(id))
		return false;
	r->to = to;
	r->path = id;
	return true;
}

/* "/control/inspect/HASH", or a run's id */
static bool
parse_inspect(struct route *r)
{
	static const char before[] = "/control/inspect/";
	char *id = r->text + sizeof(before) - 1;

	if (strncmp(r->text, before, sizeof(before) - 1) != 0 ||
	    !route_is_call_id(id))
		return false;
	r->to = ROUTE_INSPECT;
	r->path = id;
	return true;
}

/* "/control/keys/HASH[/open]", "/control/keys/NUMBER/revoke" */
static bool
parse_key(struct route *r)
{
	static const char before[] = "/control/keys/";
	char *id = r->text + sizeof(before) - 1, *end;

	if (strncmp(r->text, before, sizeof(before) - 1) != 0)
		return false;
	end = id + strcspn(id, "/");
	if (strcmp(end, "/revoke") == 0) {
		*end = '\0';
		if (strlen(id) == 0 || strlen(id) > 18 ||
		    strspn(id, "0123456789") != strlen(id))
			return false;
		r->to = ROUTE_KEY_REVOKE;
		r->path = id;
		return true;
	}
	if (*end != '\0' && strcmp(end, "/open") != 0)
		return false;
	r->to = *end == '\0' ? ROUTE_KEY_ADD : ROUTE_KEY_OPEN;
	*end = '\0';
	if (!str_copy(r->hash, sizeof(r->hash), id) ||
	    item_hash_kind(r->hash) == ITEM_HASH_NONE)
		r->to = ROUTE_BAD_HASH;
	return true;
}

void
route_parse(struct route *r, const char *target, const char *host,
    const char *domain)
{
	char *query;
	int named;

	*r = (struct route){ .to = ROUTE_NOWHERE, .path = "/", .query = "" };
	if (target[0] != '/' || !str_copy(r->text, sizeof(r->text), target))
		return;
	query = strchr(r->text, '?');
	if (query != NULL) {
		*query = '\0';
		r->query = query + 1;
	}
	named = parse_host(r, host, domain);
	if (named == 1) {
		r->to = ROUTE_FUNCTION;
		r->path = r->text;
	}
	if (named != 0)
		return;
	if (strncmp(r->text, "/vm/", 4) == 0) {
		r->to = parse_function(r, r->text + 4, ROUTE_FUNCTION);
		return;
	}
	if (strncmp(r->text, "/async/vm/", 10) == 0) {
		r->to = parse_function(r, r->text + 10, ROUTE_ASYNC);
		return;
	}
	if (strncmp(r->text, "/async/calls/", 13) == 0 &&
	    route_is_call_id(r->text + 13)) {
		r->to = ROUTE_CALL;
		r->path = r->text + 13;
		return;
	}
	if (parse_run(r) || parse_inspect(r) || parse_key(r))
		return;
	for (size_t i = 0; i < nitems(fixed); i++)
		if (strcmp(r->text, fixed[i].path) == 0)
			r->to = fixed[i].to;
}

void
route_limit(struct route *r, bool metrics)
{
	bool here = r->to == ROUTE_METRICS;

	if (metrics ? !here && r->to != ROUTE_HEALTH : here)
		r->to = ROUTE_NOWHERE;
}

bool
route_is_control(enum route_to to)
{
	switch (to) {
	case ROUTE_MESSAGES:
	case ROUTE_FUNCTIONS:
	case ROUTE_RUNS:
	case ROUTE_STOP:
	case ROUTE_EXEC:
	case ROUTE_INSPECT:
	case ROUTE_AUDIT:
	case ROUTE_CRON:
	case ROUTE_JOBS:
	case ROUTE_EVENTS:
	case ROUTE_KEYS:
	case ROUTE_KEY_ADD:
	case ROUTE_KEY_OPEN:
	case ROUTE_KEY_REVOKE:
		return true;
	default:
		return false;
	}
}

static int
hex_of(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits) % 16;
}

/* n bytes of a query into out, with a NUL: how many they are; -1: malformed. */
static long
decode(const char *text, size_t n, char *out)
{
	size_t len = 0;
	int high, low;

	for (size_t i = 0; i < n; i++) {
		out[len] = text[i] == '+' ? ' ' : text[i];
		if (text[i] == '%') {
			high = i + 2 < n ? hex_of(text[i + 1]) : -1;
			low = i + 2 < n ? hex_of(text[i + 2]) : -1;
			if (high == -1 || low == -1 || high + low == 0)
				return -1;
			out[len] = (char)(high << 4 | low);
			i += 2;
		}
		len++;
	}
	out[len] = '\0';
	return (long)len;
}

int
route_query(const char *query, const char *key, char *room, const char **value,
    int max)
{
	size_t klen = strlen(key), n;
	int found = 0;
	long len;

	for (; *query != '\0'; query += n + (query[n] == '&')) {
		n = strcspn(query, "&");
		if (n <= klen || query[klen] != '=' ||
		    strncmp(query, key, klen) != 0)
			continue;
		len = decode(query + klen + 1, n - klen - 1, room);
		if (len == -1 || found == max)
			return -1;
		value[found++] = room;
		room += len + 1;
	}
	return found;
}
