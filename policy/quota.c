#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/quota.h"

struct quota_holder {
	struct quota_holder *next;
	enum quota_scope scope;
	uint64_t used[QUOTA_WHATS];
	char name[];
};

const char *
quota_what_name(enum quota_what w)
{
	static const char *const names[QUOTA_WHATS] = { "runs", "memory", "cpu",
		"pids" };

	return names[w];
}

const char *
quota_scope_name(enum quota_scope s)
{
	static const char *const names[QUOTA_SCOPES] = { "host", "sender",
		"function" };

	return names[s];
}

static struct quota_holder **
find(struct quota *q, enum quota_scope scope, const char *name)
{
	size_t n = 5381 + scope;
	struct quota_holder **at;

	for (const char *p = name; *p != '\0'; p++)
		n = n * 33 + (unsigned char)*p;
	at = &q->bucket[n % QUOTA_BUCKETS];
	while (*at != NULL &&
	    ((*at)->scope != scope || strcmp((*at)->name, name) != 0))
		at = &(*at)->next;
	return at;
}

static const char *
name_of(const struct quota_need *n, enum quota_scope scope)
{
	return scope == QUOTA_SENDER ? n->sender : n->function;
}

static const uint64_t *
used_by(struct quota *q, const struct quota_need *n, enum quota_scope scope)
{
	static const uint64_t nothing[QUOTA_WHATS];
	struct quota_holder *h;

	if (scope == QUOTA_HOST)
		return q->used;
	h = *find(q, scope, name_of(n, scope));
	return h == NULL ? nothing : h->used;
}

static int
refuse(enum quota_scope scope, enum quota_what what, uint64_t limit, bool ever,
    struct err *e)
{
	if (!ever)
		return err_set(e, ERR_DENIED,
		    "%s: it needs more than the %" PRIu64 " of a %s",
		    quota_what_name(what), limit, quota_scope_name(scope));
	return err_set(e, scope == QUOTA_HOST ? ERR_BUSY : ERR_QUOTA,
	    "%s: the %s has all of its %" PRIu64 " in use",
	    quota_what_name(what), quota_scope_name(scope), limit);
}

static int
check(struct quota *q, const struct quota_need *n, enum quota_scope scope,
    struct err *e)
{
	const uint64_t *used = used_by(q, n, scope);
	uint64_t limit;

	for (int w = 0; w < QUOTA_WHATS; w++) {
		limit = q->limits.limit[scope][w];
		if (limit == 0)
			continue;
		if (n->need[w] > limit)
			return refuse(scope, (enum quota_what)w, limit, false,
			    e);
		if (used[w] > limit - n->need[w])
			return refuse(scope, (enum quota_what)w, limit, true,
			    e);
	}
	return 0;
}

static void
add(uint64_t used[QUOTA_WHATS], const struct quota_need *n)
{
	for (int w = 0; w < QUOTA_WHATS; w++)
		used[w] += n->need[w];
}

static void
take(struct quota *q, const struct quota_need *n, enum quota_scope scope)
{
	const char *name = name_of(n, scope);
	struct quota_holder **at = find(q, scope, name);

	if (*at == NULL) {
		*at = calloc(1, sizeof(**at) + strlen(name) + 1);
		invariant(*at != NULL);
		(*at)->scope = scope;
		memcpy((*at)->name, name, strlen(name) + 1);
	}
	add((*at)->used, n);
}

int
quota_take(struct quota *q, const struct quota_need *n, struct err *e)
{
	for (int s = 0; s < QUOTA_SCOPES; s++)
		if (check(q, n, (enum quota_scope)s, e) == -1)
			return -1;
	add(q->used, n);
	take(q, n, QUOTA_SENDER);
	take(q, n, QUOTA_FUNCTION);
	return 0;
}

static void
give(struct quota *q, const struct quota_need *n, enum quota_scope scope)
{
	struct quota_holder **at = find(q, scope, name_of(n, scope)), *h = *at;
	uint64_t left = 0;

	invariant(h != NULL);
	for (int w = 0; w < QUOTA_WHATS; w++) {
		invariant(h->used[w] >= n->need[w]);
		h->used[w] -= n->need[w];
		left |= h->used[w];
	}
	if (left > 0)
		return;
	*at = h->next;
	free(h);
}

void
quota_give(struct quota *q, const struct quota_need *n)
{
	for (int w = 0; w < QUOTA_WHATS; w++)
		q->used[w] -= n->need[w];
	give(q, n, QUOTA_SENDER);
	give(q, n, QUOTA_FUNCTION);
}

void
quota_fini(struct quota *q)
{
	struct quota_holder *h;

	for (size_t i = 0; i < QUOTA_BUCKETS; i++)
		while ((h = q->bucket[i]) != NULL) {
			q->bucket[i] = h->next;
			free(h);
		}
}
