/*
 * Where a request goes, from its target as it came: nothing is decoded before
 * it is matched, so that two spellings of one path are two paths.  Pure.
 */
#ifndef RUNTIME_ROUTE_H
#define RUNTIME_ROUTE_H

#include <stdbool.h>

#include "messages/item_hash.h"

enum route_to {
	ROUTE_NOWHERE,    /* 404 */
	ROUTE_BAD_HASH,   /* 400 */
	ROUTE_FUNCTION,   /* /vm/HASH[/PATH] */
	ROUTE_OPENAPI,    /* /openapi.json: docs/openapi.json */
	ROUTE_EXECUTIONS, /* /about/executions/list */
	ROUTE_USAGE,      /* /about/usage/system */
	ROUTE_CONFIG,     /* /status/config */
	ROUTE_VERSION,    /* /status/check/version */
	ROUTE_HEALTH,     /* /healthz: front answers */
	ROUTE_READY,      /* /readyz: core is there */
	ROUTE_MESSAGES,   /* /control/messages */
	ROUTE_FUNCTIONS,  /* the same, read */
	ROUTE_RUNS,       /* /control/runs */
	ROUTE_STOP,       /* /control/runs/ID/stop */
	ROUTE_INSPECT,    /* /control/inspect/HASH, or ID */
	ROUTE_EXEC,       /* /control/runs/ID/exec?command=...; ID or HASH */
	ROUTE_AUDIT,      /* /control/audit */
	ROUTE_METRICS,    /* /metrics */
	ROUTE_CRON,       /* /control/cron */
	ROUTE_JOBS,       /* /control/jobs */
	ROUTE_KEYS,       /* /control/keys */
	ROUTE_KEY_ADD,    /* /control/keys/HASH */
	ROUTE_KEY_OPEN,   /* /control/keys/HASH/open */
	ROUTE_KEY_REVOKE, /* /control/keys/NUMBER/revoke */
	ROUTE_EVENTS,     /* /control/events */
	ROUTE_ASYNC,      /* /async/vm/HASH[/PATH] */
	ROUTE_CALL,       /* /async/calls/ID */
};

#define ROUTE_TARGET_MAX 8192

struct route {
	enum route_to to;
	char hash[ITEM_HASH_MAX];
	/*
	 * What the function sees (ROUTE_FUNCTION, ROUTE_ASYNC), which begins
	 * with a slash; or the name of the call, or of the run; or
	 * the number of the key.
	 */
	const char *path;
	const char *query; /* after the first "?"; "" if there is none */
	char text[ROUTE_TARGET_MAX]; /* what the two point into */
};

/*
 * host: of the request, or NULL.  domain: where functions have names of their
 * own, "" for nowhere: LABEL.DOMAIN is the function whose SHA-256 the label is,
 * in base32 (RFC 4648, without padding), and nothing else is there.
 */
void route_parse(struct route *, const char *target, const char *host,
    const char *domain);

/* Where metrics are, nothing else is but whether front lives; and else not. */
void route_limit(struct route *, bool metrics);

/*
 * The values of that key in a query (key=value&..., WHATWG URL, section 5.1),
 * decoded in the order in which they stand.  room: as many bytes as the query
 * has, with its NUL, which the values point into.  Their number, or -1: there
 * are more than max, or one is malformed or has a NUL in it.
 */
int route_query(const char *query, const char *key, char *room,
    const char **value, int max);

/* A call's name: 1 to 128 letters, digits, hyphens, underscores and dots. */
bool route_is_call_id(const char *);

/* Only for who holds the token, or the socket's owner. */
bool route_is_control(enum route_to);

#endif
