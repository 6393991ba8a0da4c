/*
 * Whom a node talks to by itself, from the policy file: servers that have what
 * it has not ("fetch"), and where the results of asynchronous calls may go
 * ("async").
 */
#ifndef POLICY_CEILING_FETCH_H
#define POLICY_CEILING_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CEILING_FETCH_SERVERS 8
#define CEILING_FETCH_URL 256

struct ceiling_fetch {
	/* Servers of the network's API, and gateways of IPFS; 0: not asked. */
	size_t naleph, nipfs;
	/* "https://host[:port][/path]", without a slash at its end. */
	char aleph[CEILING_FETCH_SERVERS][CEILING_FETCH_URL];
	char ipfs[CEILING_FETCH_SERVERS][CEILING_FETCH_URL];
	uint64_t file_max;  /* bytes of one file */
	uint64_t cache_max; /* of all that came so, and what was made of it */
	/* "wss://host[:port]/path": messages as they are published; or "". */
	char feed[CEILING_FETCH_URL];
	bool feed_unverified; /* also those that no signature vouches for */
	size_t ncallbacks;
	/* The same, with a slash at its end: what may follow it is free. */
	char callback[CEILING_FETCH_SERVERS][CEILING_FETCH_URL];
};

/* An http or https URL with a host, and no user, query or fragment. */
bool ceiling_fetch_is_url(const char *);

/* The same, of a WebSocket, with a path. */
bool ceiling_fetch_is_feed(const char *);

/*
 * Whether results may be sent there: it begins with one of them, and nothing
 * in its path leads back out.
 */
bool ceiling_fetch_may_call(const struct ceiling_fetch *, const char *url);

#endif
