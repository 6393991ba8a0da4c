/*
 * How a node is started, in layers: what later ones say takes the place of
 * what earlier ones said.
 *
 *   built in
 *   /etc/cella/cellad.yaml, or what --config names
 *   the files *.yaml of cellad.d beside it, in the order of their names
 *   CELLAD_STATE_DIR, CELLAD_HTTP and so on in the environment
 *   cellad's own options
 *
 * A file is a YAML map of texts, whose keys are those options with underscores.
 */
#ifndef RUNTIME_NODE_CONFIG_H
#define RUNTIME_NODE_CONFIG_H

#include <stdbool.h>

struct buf;
struct err;
struct problems;
struct value;

#define NODE_CONFIG_FILES_MAX 64

enum node_config_key {
	NODE_CONFIG_STATE_DIR,
	NODE_CONFIG_HTTP,
	NODE_CONFIG_HTTPS,
	NODE_CONFIG_GRPC,
	NODE_CONFIG_SESSION_ROOT,
	NODE_CONFIG_TLS_CERT,
	NODE_CONFIG_TLS_KEY,
	NODE_CONFIG_METRICS,
	NODE_CONFIG_CONTROL,
	NODE_CONFIG_FRONT,
	NODE_CONFIG_POLICY,
	NODE_CONFIG_DOMAIN,
	NODE_CONFIG_KEYS,
};

struct node_config {
	struct {
		char *value, *source; /* owned; NULL: nobody said */
	} item[NODE_CONFIG_KEYS];
};

/* "state_dir" */
const char *node_config_name(enum node_config_key);

void node_config_default(struct node_config *);
void node_config_fini(struct node_config *);

/* A file's document.  -1: problems say what is wrong with it. */
int node_config_take(struct node_config *, const struct value *,
    const char *source, struct problems *);

/* The environment: NAME=VALUE, up to NULL. */
int node_config_take_environment(struct node_config *, char *const *,
    struct problems *);

/* What no single key shows: TLS without a key. */
int node_config_check(const struct node_config *, struct problems *);

/* As options of cellad, each with a NUL behind it. */
void node_config_put_options(const struct node_config *, struct buf *);

#endif
