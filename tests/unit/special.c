#include "base/str.h"
#include "messages/aleph.h"
#include "messages/value.h"
#include "tests/unit/edit.h"
#include "tests/unit/special.h"

static struct value *
inline_body(struct document *d)
{
	d->in_envelope = true;
	d->dialect = ALEPH_LOCAL;
	value_free(d->body);
	d->body = edit_fixture("local");
	return d->body;
}

#define BREAKER(name, statement)                  \
	static void name(struct document *d)      \
	{                                         \
		struct value *b = inline_body(d); \
		statement;                        \
	}

BREAKER(mount_relative,
    edit_put(edit_at(b, "volumes[1]"), "mount", value_of_text("data")))
BREAKER(mount_proc,
    edit_put(edit_at(b, "volumes[1]"), "mount", value_of_text("/proc/1")))
BREAKER(mount_root,
    edit_put(edit_at(b, "volumes[1]"), "mount", value_of_text("/")))
BREAKER(mount_over_code,
    edit_put(edit_at(b, "volumes[1]"), "mount", value_of_text("/opt")))
BREAKER(mount_twice,
    edit_put(edit_at(b, "volumes[1]"), "mount", value_of_text("/opt/venv")))
BREAKER(entry_empty,
    edit_put(edit_at(b, "code"), "entrypoint", value_of_text("")))
BREAKER(entry_module,
    edit_put(edit_at(b, "code"), "entrypoint", value_of_text("../x:app")))
BREAKER(
    entry_path,
    edit_put(edit_at(b, "code"), "interface", value_of_text("exec"));
    edit_put(edit_at(b, "code"), "entrypoint", value_of_text("../../bin/sh")))
BREAKER(name_with_equals,
    edit_put(b, "variables", edit_map_with("A=B", value_of_text("x"))))
BREAKER(no_code, edit_drop(edit_at(b, "code"), "content"))
BREAKER(two_codes,
    edit_put(edit_at(b, "code"), "ref",
	value_of_text("c5e40cd89103d3c57327a514f465b83cd193d1331f307bc5a4c38b"
		      "fec36ab37d")))
BREAKER(zip_text,
    edit_put(edit_at(b, "code"), "encoding", value_of_text("zip")))
BREAKER(long_arg, struct value *l = value_new(VALUE_LIST);
	value_add(l, edit_long_text((128 << 10) + 1));
	edit_put(edit_at(b, "code"), "args", l))
BREAKER(cron_number, edit_put(edit_at(b, "on"), "cron", value_of_int(5)))
BREAKER(cron_none, edit_put(edit_at(b, "on"), "cron", value_new(VALUE_LIST)))
BREAKER(cron_seconds,
    edit_put(edit_at(b, "on"), "cron", value_of_text("0 * * * * *")))
BREAKER(any_message, struct value *l = value_new(VALUE_LIST);
	value_add(l, value_new(VALUE_MAP));
	edit_put(edit_at(b, "on"), "message", l))
BREAKER(long_subscription, struct value *l = value_new(VALUE_LIST);
	value_add(l, edit_map_with("sender", edit_long_text(16 << 10)));
	edit_put(edit_at(b, "on"), "message", l))
BREAKER(volume_text, value_free(edit_at(b, "volumes")->item[0]);
	edit_at(b, "volumes")->item[0] = value_of_int(3))
BREAKER(two_states, struct value *x = value_new(VALUE_MAP);
	value_set_text(x, "encoding", "zip");
	value_set_text(x, "mount", "/one"); edit_put(b, "export", x);
	x = value_copy(x); edit_put(x, "mount", value_of_text("/two"));
	value_set_text(x, "ref",
	    "c5e40cd89103d3c57327a514f465b83cd193d1331f307bc5a4c38bfec36ab37d");
	edit_put(b, "data", x);
	edit_put(edit_at(b, "code"), "interface", value_of_text("channel")))
BREAKER(state_beside, struct value *x = edit_at(b, "volumes[1]");
	edit_drop(x, "ephemeral"); value_set_text(x, "persistence", "host");
	value_set_text(x, "name", "n");
	edit_put(edit_at(b, "code"), "interface", value_of_text("rollup")))
BREAKER(bad_memory,
	edit_put(b, "variables",
	    edit_map_with("CELLA_MEMORY", value_of_text("some")));
	edit_put(edit_at(b, "code"), "interface", value_of_text("rollup")))
BREAKER(bad_reuse,
	edit_put(b, "variables",
	    edit_map_with("CELLA_REUSE", value_of_text("some")));
	edit_put(edit_at(b, "code"), "interface", value_of_text("channel")))
BREAKER(
    kept_zygote,
    edit_put(b, "variables",
	edit_map_with("CELLA_REUSE", value_of_text("zygote")));
    edit_put(edit_at(b, "variables"), "CELLA_MEMORY", value_of_text("kept"));
    edit_put(edit_at(b, "code"), "interface", value_of_text("channel")))
BREAKER(rollup_zygote,
	edit_put(b, "variables",
	    edit_map_with("CELLA_REUSE", value_of_text("zygote")));
	edit_put(edit_at(b, "code"), "interface", value_of_text("rollup")))
BREAKER(not_ephemeral,
    edit_put(edit_at(b, "volumes[1]"), "ephemeral", value_new(VALUE_BOOL)))

const struct special special_rules[] = {
	{ "mount:path", "content.volumes[1].mount",
	    "\"data\" is not a clean absolute path", mount_relative },
	{ "mount:node", "content.volumes[1].mount",
	    "\"/proc/1\" belongs to the node", mount_proc },
	{ "mount:node", "content.volumes[1].mount", "\"/\" belongs to the node",
	    mount_root },
	{ "mount:code", "content.volumes[1].mount",
	    "\"/opt\" would hide the code at /opt/code", mount_over_code },
	{ "mount:twice", "content.volumes[1].mount",
	    "\"/opt/venv\" is mounted twice", mount_twice },
	{ "entrypoint:empty", "content.code.entrypoint", "empty", entry_empty },
	{ "entrypoint:module", "content.code.entrypoint",
	    "\"../x:app\" is not module:callable", entry_module },
	{ "entrypoint:path", "content.code.entrypoint",
	    "\"../../bin/sh\" is not a path below the code", entry_path },
	{ "variable:name", "content.variables",
	    "\"A=B\" cannot name a variable", name_with_equals },
	{ "code:none", "content.code", "neither a reference nor content",
	    no_code },
	{ "code:both", "content.code",
	    "a reference and content exclude each other", two_codes },
	{ "code:content", "content.code",
	    "content is text, so its encoding is plain", zip_text },
	{ "args:length", "content.code.args[0]", "longer than 131072 bytes",
	    long_arg },
	{ "cron:kind", "content.on.cron", "not a cron expression",
	    cron_number },
	{ "cron:many", "content.on.cron", "not 1 to 8 expressions", cron_none },
	{ "cron:expression", "content.on.cron",
	    "\"0 * * * * *\" cron: more than five fields; seconds are not "
	    "offered",
	    cron_seconds },
	{ "subscription:empty", "content.on.message[0]",
	    "it would match every message", any_message },
	{ "subscription:size", "content.on.message", "longer than 16383 bytes",
	    long_subscription },
	{ "state:mounts", "content.export.mount",
	    "\"/one\" is not where data is: a machine has one state",
	    two_states },
	{ "state:memory", "content.variables.CELLA_MEMORY",
	    "\"some\" is neither reset nor kept", bad_memory },
	{ "state:reuse", "content.variables.CELLA_REUSE",
	    "\"some\" is neither fresh nor zygote", bad_reuse },
	{ "state:reuse", "content.variables.CELLA_REUSE",
	    "\"zygote\" is for the interface channel, with memory that is "
	    "reset",
	    kept_zygote },
	{ "state:reuse", "content.variables.CELLA_REUSE",
	    "\"zygote\" is for the interface channel, with memory that is "
	    "reset",
	    rollup_zygote },
	{ "state:persistent", "content.volumes[1]",
	    "a machine's state is its data, and nothing beside it lasts",
	    state_beside },
	{ "volume:kind", "content.volumes[0]", "an integer, not an object",
	    volume_text },
	{ "volume:ephemeral", "content.volumes[1]",
	    "ephemeral can only be true", not_ephemeral },
};

const size_t special_len = nitems(special_rules);
