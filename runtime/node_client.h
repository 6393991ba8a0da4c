/* What the commands that ask a node share. */
#ifndef RUNTIME_NODE_CLIENT_H
#define RUNTIME_NODE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct value;

struct node_client {
	const char *control, *store;
	bool json;
	bool refused; /* by the node */
};

/* --control, --store and --json; optind is behind them.  -1: usage. */
int node_client_parse(struct node_client *, int argc, char **argv);

/* The same, up to the first that is none: the rest is somebody else's. */
int node_client_parse_first(struct node_client *, int argc, char **argv);

/*
 * The answer as a document, or NULL; root parses none.  A refusal's problems
 * are printed.
 */
struct value *node_client_ask(struct node_client *, const char *method,
    const char *path, const void *body, size_t len, struct err *);

/* A refusal of this status comes back as the node's own words. */
int node_client_refusal(const struct buf *reply, int status, struct err *);

/* Says why, unless the node's own words are printed already: 1. */
int node_client_fail(const struct node_client *, const struct err *);

/* A text of the map, padded: a message may have written it, and the terminal
 * obeys none of it. */
void node_client_print(const struct value *, const char *key, int width);

#endif
