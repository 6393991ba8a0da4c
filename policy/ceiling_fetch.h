/*
 * Where a node may get what it has not, from the key "fetch" of the policy
 * file: servers by URL, and how much of it.
 */
#ifndef POLICY_CEILING_FETCH_H
#define POLICY_CEILING_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CEILING_FETCH_SERVERS 8
#define CEILING_FETCH_URL 256

struct ceiling_fetch {
	size_t naleph; /* 0: nothing is fetched */
	/* "https://host[:port][/path]", without a slash at its end. */
	char aleph[CEILING_FETCH_SERVERS][CEILING_FETCH_URL];
	uint64_t file_max; /* bytes of one file */
};

/* An http or https URL with a host, and no user, query or fragment. */
bool ceiling_fetch_is_url(const char *);

#endif
