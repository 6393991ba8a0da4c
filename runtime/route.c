#include <string.h>

#include "base/str.h"
#include "runtime/route.h"

static const struct {
	const char *path;
	enum route_to to;
} fixed[] = {
	{ "/healthz", ROUTE_HEALTH },
	{ "/readyz", ROUTE_READY },
	{ "/control/messages", ROUTE_MESSAGES },
	{ "/control/runs", ROUTE_RUNS },
};

/* "/vm/HASH", "/vm/HASH/..." */
static enum route_to
parse_function(struct route *r, const char *rest)
{
	size_t n = strcspn(rest, "/");

	if (n >= sizeof(r->hash))
		return ROUTE_BAD_HASH;
	memcpy(r->hash, rest, n);
	r->hash[n] = '\0';
	if (item_hash_kind(r->hash) == ITEM_HASH_NONE)
		return ROUTE_BAD_HASH;
	r->path = rest[n] == '/' ? rest + n : "/";
	return ROUTE_FUNCTION;
}

void
route_parse(struct route *r, const char *target)
{
	char *query;

	*r = (struct route){ .to = ROUTE_NOWHERE, .path = "/", .query = "" };
	if (target[0] != '/' || !str_copy(r->text, sizeof(r->text), target))
		return;
	query = strchr(r->text, '?');
	if (query != NULL) {
		*query = '\0';
		r->query = query + 1;
	}
	if (strncmp(r->text, "/vm/", 4) == 0) {
		r->to = parse_function(r, r->text + 4);
		return;
	}
	for (size_t i = 0; i < nitems(fixed); i++)
		if (strcmp(r->text, fixed[i].path) == 0)
			r->to = fixed[i].to;
}

bool
route_is_control(enum route_to to)
{
	return to == ROUTE_MESSAGES || to == ROUTE_FUNCTIONS ||
	    to == ROUTE_RUNS;
}
