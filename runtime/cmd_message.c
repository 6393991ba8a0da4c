#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/json.h"
#include "messages/signature.h"
#include "messages/value.h"
#include "runtime/cli.h"

/* ---- new ---- */

struct options {
	const char *entrypoint, *interface, *code, *runtime, *encoding, *owner;
	const char *key, *chain, *channel, *type;
};

static void
add_switches(struct value *v)
{
	struct value *e = value_set_map(v, "environment");
	struct value *r = value_set_map(v, "resources");

	value_set_bool(e, "reproducible", false);
	value_set_bool(e, "internet", false);
	value_set_bool(e, "aleph_api", false);
	value_set_bool(e, "shared_cache", false);
	value_set_int(r, "vcpus", 1);
	value_set_int(r, "memory", 128);
	value_set_int(r, "seconds", 30);
}

/* Every default is written out, so that it can be sent inline. */
static int
make_new(const struct options *o, const char *arg, struct err *e)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	struct value *part;

	(void)arg;
	(void)e;
	value_set_text(v, "address",
	    o->owner != NULL ? o->owner
			     : "0x0000000000000000000000000000000000000000");
	value_set_int(v, "time", 0);
	value_set_text(v, "type", "vm-function");
	value_set_bool(v, "allow_amend", false);
	part = value_set_map(v, "code");
	value_set_text(part, "encoding",
	    o->encoding != NULL ? o->encoding : "zip");
	value_set_text(part, "entrypoint",
	    o->entrypoint != NULL ? o->entrypoint : "main:app");
	value_set_text(part, "ref", o->code != NULL ? o->code : "HASH OF CODE");
	if (o->interface != NULL)
		value_set_text(part, "interface", o->interface);
	value_set_bool(part, "use_latest", false);
	add_switches(v);
	part = value_set_map(v, "runtime");
	value_set_text(part, "ref",
	    o->runtime != NULL ? o->runtime : "HASH OF IMAGE");
	value_set_bool(part, "use_latest", false);
	value_set_text(part, "comment", "");
	value_set_list(v, "volumes");
	value_set_bool(value_set_map(v, "on"), "http", true);
	cli_print(v);
	return 0;
}

/* ---- hash and sign ---- */

static struct value *
read_document(const char *path, char **data, size_t *len, struct err *e)
{
	fd_auto int fd = cli_open(path, e);
	struct value *v;

	*data = NULL;
	if (fd == -1)
		return NULL;
	if (fd_read_all(fd, ALEPH_SIZE_MAX, data, len, e) == -1) {
		err_in(e, "%s", path);
		return NULL;
	}
	v = cli_parse(path, *data, *len, e);
	if (v == NULL) {
		free(*data);
		*data = NULL;
	}
	return v;
}

static int
print_hash(const struct options *o, const char *path, struct err *e)
{
	static struct aleph_program p;
	static struct problems problems;
	struct aleph_envelope n;
	struct value *v;
	char *data;
	size_t len;

	(void)o;
	v = read_document(path, &data, &len, e);
	if (v == NULL)
		return -1;
	(void)aleph_read(&p, &n, v, data, len, -1, &problems);
	puts(n.computed);
	aleph_fini(&p);
	problems_fini(&problems);
	free(data);
	return 0;
}

static int
read_key(const char *path, unsigned char key[32], struct err *e)
{
	fd_auto int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *data, *hex;
	size_t len;
	bool good;

	if (fd == -1)
		return err_sys(e, "%s", path);
	if (fd_read_all(fd, 4096, &data, &len, e) == -1)
		return err_in(e, "%s", path);
	data[strcspn(data, "\r\n")] = '\0';
	hex = strncmp(data, "0x", 2) == 0 ? data + 2 : data;
	good = str_unhex(key, 32, hex);
	explicit_bzero(data, len);
	free(data);
	return good
	    ? 0
	    : err_set(e, ERR_INVALID, "%s: not 64 hexadecimal digits", path);
}

/* The envelope around the content, whose bytes are hashed as they are. */
static struct value *
wrap(const struct options *o, const char *text, const char *sender,
    const struct value *time)
{
	struct value *v = value_new(VALUE_MAP);
	char hash[SHA256_HEX];

	sha256_of(text, strlen(text), hash);
	value_set_text(v, "chain", o->chain);
	value_set_text(v, "sender", sender);
	value_set_text(v, "type", o->type);
	value_set_text(v, "channel", o->channel);
	value_set(v, "time", time == NULL ? value_of_int(0) : value_copy(time));
	value_set_text(v, "item_type", "inline");
	value_set_text(v, "item_content", text);
	value_set_text(v, "item_hash", hash);
	return v;
}

static int
sign_content(const struct options *o, const struct value *content,
    const unsigned char key[32], struct err *e)
{
	char *text = json_emit(content, JSON_AS_LINE), *sender, *signature;
	struct signature_input in = { .chain = o->chain, .type = o->type };
	value_auto struct value *v = NULL;

	sender = signature_address(o->chain, key, e);
	if (sender == NULL) {
		free(text);
		return -1;
	}
	v = wrap(o, text, sender, value_get(content, "time"));
	in.sender = sender;
	in.item_hash = value_get_text(v, "item_hash");
	signature = signature_sign(&in, key, e);
	if (signature != NULL) {
		value_set_text(v, "signature", signature);
		value_set(v, "content", value_copy(content));
		cli_print(v);
	}
	free(text);
	free(sender);
	free(signature);
	return signature == NULL ? -1 : 0;
}

static int
sign(const struct options *o, const char *path, struct err *e)
{
	value_auto struct value *v = NULL;
	unsigned char key[32];
	char *data;
	size_t len;
	int r;

	if (o->key == NULL)
		return err_set(e, ERR_INVALID, "sign: --key FILE is needed");
	v = read_document(path, &data, &len, e);
	free(data);
	if (v == NULL || read_key(o->key, key, e) == -1)
		return -1;
	r = sign_content(o, v, key, e);
	explicit_bzero(key, sizeof(key));
	return r;
}

static const struct {
	const char *name;
	bool takes;
	int (*run)(const struct options *, const char *, struct err *);
} verbs[] = {
	{ "new", false, make_new },
	{ "hash", true, print_hash },
	{ "sign", true, sign },
};

static int
run_verb(const struct options *o, const char *verb, const char *arg)
{
	struct err e;

	for (size_t i = 0; i < nitems(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0 ||
		    verbs[i].takes != (arg != NULL))
			continue;
		if (verbs[i].run(o, arg, &e) == 0)
			return 0;
		cli_error(&e, false);
		return 1;
	}
	return cli_usage(&cmd_message_command);
}

static int
run(int argc, char **argv)
{
	static const struct option names[] = {
		{ "entrypoint", required_argument, NULL, 'e' },
		{ "interface", required_argument, NULL, 'i' },
		{ "encoding", required_argument, NULL, 'n' },
		{ "code", required_argument, NULL, 'c' },
		{ "runtime", required_argument, NULL, 'r' },
		{ "owner", required_argument, NULL, 'o' },
		{ "key", required_argument, NULL, 'k' },
		{ "chain", required_argument, NULL, 'h' },
		{ "channel", required_argument, NULL, 'l' },
		{ "type", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .chain = "ETH",
		.channel = "TEST",
		.type = "PROGRAM" };
	const char **fields[] = { ['e'] = &o.entrypoint,
		['i'] = &o.interface,
		['n'] = &o.encoding,
		['c'] = &o.code,
		['r'] = &o.runtime,
		['o'] = &o.owner,
		['k'] = &o.key,
		['h'] = &o.chain,
		['l'] = &o.channel,
		['t'] = &o.type };
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == '?')
			return cli_usage(&cmd_message_command);
		*fields[c] = optarg;
	}
	if (optind >= argc || argc - optind > 2)
		return cli_usage(&cmd_message_command);
	return run_verb(&o, argv[optind],
	    argc - optind == 2 ? argv[optind + 1] : NULL);
}

const struct cli_command cmd_message_command = { "message",
	"new [--entrypoint E] [--interface I] [--code HASH] [--runtime HASH] | "
	"hash FILE | sign FILE --key FILE [--type PROGRAM|STORE|FORGET] "
	"[--chain ETH|SOL] [--channel C]",
	"make, hash and sign messages", run };
