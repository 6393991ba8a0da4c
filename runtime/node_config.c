#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "runtime/config_options.h"
#include "runtime/listen.h"
#include "runtime/node_config.h"

static bool
is_path(const char *text)
{
	return text[0] == '/';
}

static const struct {
	const char *name;
	bool (*good)(const char *);
	const char *wanted;
} keys[NODE_CONFIG_KEYS] = {
	[NODE_CONFIG_STATE_DIR] = { "state_dir", is_path, "a path from /" },
	[NODE_CONFIG_HTTP] = { "http", listen_is_address,
	    "an address of numbers and a port" },
	[NODE_CONFIG_HTTPS] = { "https", listen_is_address,
	    "an address of numbers and a port" },
	[NODE_CONFIG_GRPC] = { "grpc", listen_is_place,
	    "an address of numbers and a port, or unix: and a path from /" },
	[NODE_CONFIG_SESSION_ROOT] = { "session_root", is_path,
	    "a path from /" },
	[NODE_CONFIG_TLS_CERT] = { "tls_cert", is_path, "a path from /" },
	[NODE_CONFIG_TLS_KEY] = { "tls_key", is_path, "a path from /" },
	[NODE_CONFIG_METRICS] = { "metrics", listen_is_address,
	    "an address of numbers and a port" },
	[NODE_CONFIG_CONTROL] = { "control", is_path, "a path from /" },
	[NODE_CONFIG_FRONT] = { "front", is_path, "a path from /" },
	[NODE_CONFIG_POLICY] = { "policy", is_path, "a path from /" },
	[NODE_CONFIG_DOMAIN] = { "domain", config_options_is_domain,
	    "a domain name" },
};

const char *
node_config_name(enum node_config_key key)
{
	return keys[key].name;
}

static void
set(struct node_config *c, int key, const char *value, const char *source)
{
	free(c->item[key].value);
	free(c->item[key].source);
	c->item[key].value = str_dup(value);
	c->item[key].source = str_dup(source);
}

void
node_config_default(struct node_config *c)
{
	memset(c, 0, sizeof(*c));
	set(c, NODE_CONFIG_STATE_DIR, "/var/lib/cella", "built in");
}

void
node_config_fini(struct node_config *c)
{
	for (int k = 0; k < NODE_CONFIG_KEYS; k++) {
		free(c->item[k].value);
		free(c->item[k].source);
	}
	memset(c, 0, sizeof(*c));
}

/* ---- layers ---- */

static int
find(const char *name)
{
	for (int k = 0; k < NODE_CONFIG_KEYS; k++)
		if (strcmp(keys[k].name, name) == 0)
			return k;
	return -1;
}

static void
take_one(struct node_config *c, const char *name, const char *value,
    const char *source, struct problems *problems)
{
	int key = find(name);
	char *quoted;

	if (key == -1) {
		problems_add(problems, "config:unknown", name, "no such key");
	} else if (value == NULL) {
		problems_add(problems, "config:type", name, "not a text");
	} else if (!keys[key].good(value)) {
		quoted = problems_quote(value);
		problems_add(problems, "config:value", name, "%s is not %s",
		    quoted, keys[key].wanted);
		free(quoted);
	} else {
		set(c, key, value, source);
	}
}

int
node_config_take(struct node_config *c, const struct value *v,
    const char *source, struct problems *problems)
{
	size_t before = problems->len;

	if (v->kind != VALUE_MAP) {
		problems_add(problems, "config:map", "", "%s, not a map",
		    value_kind_name(v->kind));
		return -1;
	}
	for (size_t i = 0; i < v->len; i++)
		take_one(c, v->key[i],
		    v->item[i]->kind == VALUE_STRING ? v->item[i]->text : NULL,
		    source, problems);
	problems_locate(problems, v);
	return problems->len == before ? 0 : -1;
}

int
node_config_take_environment(struct node_config *c, char *const *env,
    struct problems *problems)
{
	size_t before = problems->len, n;
	char name[32];

	for (; env != NULL && *env != NULL; env++) {
		n = strcspn(*env, "=");
		if (strncmp(*env, CONFIG_OPTIONS_PREFIX,
			strlen(CONFIG_OPTIONS_PREFIX)) != 0 ||
		    (*env)[n] != '=' ||
		    n - strlen(CONFIG_OPTIONS_PREFIX) >= sizeof(name))
			continue;
		n -= strlen(CONFIG_OPTIONS_PREFIX);
		for (size_t i = 0; i < n; i++) {
			char x = (*env)[strlen(CONFIG_OPTIONS_PREFIX) + i];

			name[i] = x >= 'A' && x <= 'Z' ? (char)(x + 32) : x;
		}
		name[n] = '\0';
		take_one(c, name, *env + strlen(CONFIG_OPTIONS_PREFIX) + n + 1,
		    "the environment", problems);
	}
	return problems->len == before ? 0 : -1;
}

int
node_config_check(const struct node_config *c, struct problems *problems)
{
	size_t before = problems->len;
	const char *grpc = c->item[NODE_CONFIG_GRPC].value;
	bool https = c->item[NODE_CONFIG_HTTPS].value != NULL;
	bool far = grpc != NULL && !listen_is_local(grpc);

	for (int k = NODE_CONFIG_TLS_CERT; k <= NODE_CONFIG_TLS_KEY; k++)
		if ((c->item[k].value != NULL) != (https || far))
			problems_add(problems, "config:tls", keys[k].name,
			    https     ? "https needs it"
				: far ? "grpc needs it, but on loopback"
				      : "of no use without https");
	return problems->len == before ? 0 : -1;
}

void
node_config_put_options(const struct node_config *c, struct buf *b)
{
	for (int k = 0; k < NODE_CONFIG_KEYS; k++) {
		if (c->item[k].value == NULL)
			continue;
		buf_add_str(b, "--");
		for (const char *p = keys[k].name; *p != '\0'; p++)
			buf_add_char(b, *p == '_' ? '-' : *p);
		buf_add_char(b, '\0');
		buf_add_str(b, c->item[k].value);
		buf_add_char(b, '\0');
	}
}
