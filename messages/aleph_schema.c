#include "base/str.h"
#include "messages/aleph_schema.h"

#define REQ SCHEMA_REQUIRED
#define NUL SCHEMA_NULLABLE
#define DEF SCHEMA_WRITTEN
#define TABLE(id, label, is_open, rows)                    \
	static const struct schema id = { .name = (label), \
		.open = (is_open),                         \
		.len = nitems(rows),                       \
		.field = (rows) }
#define OBJECT(label, flag, to)                                          \
	{                                                                \
		.name = (label), .type = SCHEMA_OBJECT, .flags = (flag), \
		.sub = &(to)                                             \
	}
#define TEXT(label, flag, most)                                        \
	{                                                              \
		.name = (label), .type = SCHEMA_TEXT, .flags = (flag), \
		.max = (most)                                          \
	}
#define HASH(label, flag)                                             \
	{                                                             \
		.name = (label), .type = SCHEMA_HASH, .flags = (flag) \
	}
#define BOOL(label, flag)                                             \
	{                                                             \
		.name = (label), .type = SCHEMA_BOOL, .flags = (flag) \
	}
#define INT(label, flag, least, most)                                 \
	{                                                             \
		.name = (label), .type = SCHEMA_INT, .flags = (flag), \
		.min = (least), .max = (most)                         \
	}
#define WORD(label, flag, list)                                        \
	{                                                              \
		.name = (label), .type = SCHEMA_WORD, .flags = (flag), \
		.words = (list)                                        \
	}
#define LIST(label, flag, most, of)                                    \
	{                                                              \
		.name = (label), .type = SCHEMA_LIST, .flags = (flag), \
		.max = (most), .item = &(of)                           \
	}
#define ANY(label, flag)                                             \
	{                                                            \
		.name = (label), .type = SCHEMA_ANY, .flags = (flag) \
	}

/* Ten years of 365 days, one TiB in MiB, 2048 GB in MiB. */
#define SECONDS_MAX 315360000
#define MEMORY_MAX 1048576
#define PERSISTENT_MAX 1953125
#define EPHEMERAL_MAX 1000
/* The largest count of seconds whose nanoseconds fit in 63 bits. */
#define TIME_MAX 9223372036

static const char *const types[] = { "POST", "AGGREGATE", "STORE", "PROGRAM",
	"INSTANCE", "FORGET", NULL };
static const char *const item_types[] = { "inline", "storage", "ipfs", NULL };
static const char *const hash_types[] = { "sha256", NULL };
static const char *const vm_types[] = { "vm-function", NULL };
static const char *const code_encodings[] = { "plain", "zip", "squashfs",
	NULL };
static const char *const all_encodings[] = { "plain", "zip", "squashfs",
	"tar.gzip", NULL };
static const char *const interfaces[] = { "asgi", "binary", NULL };
static const char *const all_interfaces[] = { "asgi", "binary", "exec",
	"channel", "rollup", NULL };
static const char *const protocols[] = { "tcp", "udp", NULL };
static const char *const payments[] = { "hold", "superfluid", "credit", NULL };
static const char *const architectures[] = { "x86_64", "arm64", NULL };
static const char *const hypervisors[] = { "qemu", "firecracker", NULL };
static const char *const classes[] = { "0300", "0302", NULL };
static const char *const persistences[] = { "host", "store", NULL };

/* ---- the envelope ---- */

static const struct schema_field oid_rows[] = { TEXT("$oid", REQ, 0) };
TABLE(oid, "_id", false, oid_rows);

static const struct schema_field confirmation_rows[] = {
	{ .name = "chain", .type = SCHEMA_TEXT, .flags = REQ },
	INT("height", REQ, 0, INT64_MAX),
	ANY("hash", REQ),
	{ .name = "time", .type = SCHEMA_TIME, .flags = NUL },
	TEXT("publisher", NUL, 0),
};
TABLE(confirmation, "confirmation", false, confirmation_rows);
static const struct schema_field confirmation_item =
    OBJECT("confirmations", 0, confirmation);
static const struct schema_field forgotten_item = TEXT("forgotten_by", 0, 0);

static const struct schema_field envelope_rows[] = {
	OBJECT("_id", NUL, oid),
	TEXT("chain", REQ, 0), /* aleph.c: the list is signature.h's */
	TEXT("sender", REQ, 0),
	WORD("type", REQ, types),
	TEXT("channel", NUL, 128),
	LIST("confirmations", NUL, 0, confirmation_item),
	BOOL("confirmed", NUL),
	TEXT("signature", REQ | NUL, 0),
	INT("size", NUL, 0, INT64_MAX),
	{ .name = "time", .type = SCHEMA_TIME, .flags = REQ },
	WORD("item_type", REQ, item_types),
	ANY("item_content", NUL), /* aleph.c: depends on item_type */
	WORD("hash_type", NUL, hash_types),
	ANY("item_hash", 0), /* aleph.c: says more than a table can */
	ANY("content", 0),
	LIST("forgotten_by", NUL, 0, forgotten_item),
};
TABLE(envelope, "envelope", false, envelope_rows);

/* ---- the parts of a program ---- */

static const struct schema_field trusted_rows[] = {
	HASH("firmware", NUL),
	INT("policy", 0, 0, INT64_MAX),
};
TABLE(trusted, "trusted_execution", false, trusted_rows);

static const struct schema_field environment_rows[] = {
	BOOL("reproducible", DEF),
	BOOL("internet", DEF),
	BOOL("aleph_api", DEF),
	BOOL("shared_cache", DEF),
	WORD("hypervisor", NUL, hypervisors),
	OBJECT("trusted_execution", NUL, trusted),
};
TABLE(environment, "environment", true, environment_rows);

static const struct schema_field port_rows[] = {
	WORD("protocol", DEF, protocols),
	INT("port", REQ, 1, 65535),
};
TABLE(port, "published_port", false, port_rows);
static const struct schema_field port_item = OBJECT("published_ports", 0, port);

static const struct schema_field resources_rows[] = {
	INT("vcpus", DEF, 1, 256),
	INT("memory", DEF, 1, MEMORY_MAX),
	INT("seconds", DEF, 1, SECONDS_MAX),
	LIST("published_ports", NUL, 0, port_item),
};
TABLE(resources, "resources", true, resources_rows);

static const struct schema_field payment_rows[] = {
	WORD("type", REQ, payments),
	TEXT("chain", NUL, 0),
	TEXT("receiver", NUL, 0),
};
TABLE(payment, "payment", true, payment_rows);

static const struct schema_field feature_item = TEXT("features", 0, 0);
static const struct schema_field cpu_rows[] = {
	WORD("architecture", NUL, architectures),
	TEXT("vendor", NUL, 0),
	LIST("features", NUL, 0, feature_item),
};
TABLE(cpu, "requirements.cpu", false, cpu_rows);

static const struct schema_field node_rows[] = {
	TEXT("owner", NUL, 0),
	TEXT("address_regex", NUL, 256),
	HASH("node_hash", NUL),
	HASH("terms_and_conditions", NUL),
};
TABLE(node, "requirements.node", false, node_rows);

static const struct schema_field gpu_rows[] = {
	TEXT("vendor", REQ, 0),
	TEXT("device_name", REQ, 0),
	WORD("device_class", REQ, classes),
	TEXT("device_id", REQ, 0),
};
TABLE(gpu, "requirements.gpu", false, gpu_rows);
static const struct schema_field gpu_item = OBJECT("gpu", 0, gpu);

static const struct schema_field requirements_rows[] = {
	OBJECT("cpu", NUL, cpu),
	OBJECT("node", NUL, node),
	LIST("gpu", NUL, 0, gpu_item),
};
TABLE(requirements, "requirements", false, requirements_rows);

static const struct schema_field arg_item = TEXT("args", 0, 0);
static const struct schema_field code_rows[] = {
	WORD("encoding", REQ, code_encodings),
	TEXT("entrypoint", REQ, 0),
	HASH("ref", REQ),
	WORD("interface", NUL, interfaces),
	LIST("args", NUL, 0, arg_item),
	BOOL("use_latest", DEF),
};
TABLE(code, "code", true, code_rows);

static const struct schema_field runtime_rows[] = {
	HASH("ref", REQ),
	BOOL("use_latest", DEF),
	TEXT("comment", REQ, 0),
};
TABLE(runtime, "runtime", true, runtime_rows);

static const struct schema_field data_rows[] = {
	WORD("encoding", REQ, code_encodings),
	TEXT("mount", REQ, 0),
	HASH("ref", REQ),
	BOOL("use_latest", DEF | NUL),
};
TABLE(data, "data", true, data_rows);

static const struct schema_field export_rows[] = {
	WORD("encoding", REQ, code_encodings),
	TEXT("mount", REQ, 0),
};
TABLE(export, "export", true, export_rows);

static const struct schema_field subscription_item = { .name = "message",
	.type = SCHEMA_FREE,
	.max = 32 };
static const struct schema_field on_rows[] = {
	BOOL("http", REQ),
	LIST("message", NUL, 0, subscription_item),
	BOOL("persistent", NUL),
};
TABLE(on, "on", false, on_rows);

/* ---- volumes ---- */

static const struct schema_field immutable_rows[] = {
	TEXT("comment", NUL, 256),
	TEXT("mount", NUL, 256),
	HASH("ref", 0),
	BOOL("use_latest", DEF),
};
TABLE(immutable, "immutable_volume", false, immutable_rows);

static const struct schema_field ephemeral_rows[] = {
	TEXT("comment", NUL, 256),
	TEXT("mount", NUL, 256),
	BOOL("ephemeral", DEF),
	INT("size_mib", REQ, 1, EPHEMERAL_MAX),
};
TABLE(ephemeral, "ephemeral_volume", false, ephemeral_rows);

static const struct schema_field parent_rows[] = {
	HASH("ref", REQ),
	BOOL("use_latest", DEF),
};
TABLE(parent, "parent", false, parent_rows);

static const struct schema_field persistent_rows[] = {
	TEXT("comment", NUL, 256),
	TEXT("mount", NUL, 256),
	TEXT("name", NUL, 256),
	WORD("persistence", NUL, persistences),
	INT("size_mib", REQ, 1, PERSISTENT_MAX),
	OBJECT("parent", NUL, parent),
};
TABLE(persistent, "persistent_volume", false, persistent_rows);

const struct schema *
aleph_schema_volume(enum aleph_volume_kind kind)
{
	static const struct schema *const kinds[] = { &immutable, &ephemeral,
		&persistent };

	return kinds[kind];
}

/* ---- accepted ---- */

static const struct schema_field key_item = TEXT("authorized_keys", 0, 8192);

/* What accepted and local content have in common, but for three objects. */
#define CONTENT_ROWS(its_code, its_data, its_export, its_on)                   \
	{                                                                      \
		TEXT("address", REQ, 0),                                       \
		    { .name = "time",                                          \
			    .type = SCHEMA_REAL,                               \
			    .flags = REQ,                                      \
			    .min = 0,                                          \
			    .max = TIME_MAX },                                 \
		    WORD("type", REQ, vm_types), BOOL("allow_amend", REQ),     \
		    { .name = "metadata",                                      \
			    .type = SCHEMA_FREE,                               \
			    .flags = NUL,                                      \
			    .max = 256 },                                      \
		    LIST("authorized_keys", NUL, 256, key_item),               \
		    { .name = "variables",                                     \
			    .type = SCHEMA_TEXTS,                              \
			    .flags = NUL,                                      \
			    .max = 256 },                                      \
		    OBJECT("environment", REQ, environment),                   \
		    OBJECT("resources", REQ, resources),                       \
		    OBJECT("payment", NUL, payment),                           \
		    OBJECT("requirements", NUL, requirements),                 \
		    { .name = "volumes",                                       \
			    .type = SCHEMA_LIST,                               \
			    .flags = DEF,                                      \
			    .max = ALEPH_VOLUMES_MAX },                        \
		    TEXT("replaces", NUL, 128), OBJECT("code", REQ, its_code), \
		    OBJECT("runtime", REQ, runtime),                           \
		    OBJECT("data", NUL, its_data),                             \
		    OBJECT("export", NUL, its_export),                         \
		    OBJECT("on", REQ, its_on),                                 \
	}

static const struct schema_field accepted_rows[] =
    CONTENT_ROWS(code, data, export, on);
TABLE(accepted, "program", false, accepted_rows);

/* ---- local ---- */

static const struct schema_field local_code_rows[] = {
	WORD("encoding", REQ, all_encodings),
	TEXT("entrypoint", REQ, 0),
	HASH("ref", 0),
	TEXT("content", 0, 0),
	WORD("interface", NUL, all_interfaces),
	LIST("args", NUL, 0, arg_item),
	BOOL("use_latest", DEF),
};
TABLE(local_code, "local.code", true, local_code_rows);

static const struct schema_field local_data_rows[] = {
	WORD("encoding", REQ, all_encodings),
	TEXT("mount", REQ, 0),
	HASH("ref", REQ),
	BOOL("use_latest", DEF | NUL),
};
TABLE(local_data, "local.data", true, local_data_rows);

static const struct schema_field local_export_rows[] = {
	WORD("encoding", REQ, all_encodings),
	TEXT("mount", REQ, 0),
};
TABLE(local_export, "local.export", true, local_export_rows);

static const struct schema_field local_on_rows[] = {
	BOOL("http", REQ), LIST("message", NUL, 0, subscription_item),
	BOOL("persistent", NUL),
	ANY("cron", NUL), /* aleph_checks.c: one expression, or a list */
};
TABLE(local_on, "local.on", false, local_on_rows);

static const struct schema_field local_rows[] =
    CONTENT_ROWS(local_code, local_data, local_export, local_on);
TABLE(local, "local", false, local_rows);

/* ---- the two proposals ---- */

static const struct schema_field old_environment_rows[] = {
	BOOL("reproducible", 0),
	BOOL("internet", 0),
	BOOL("aleph_api", 0),
};
TABLE(old_environment, "proposal.environment", true, old_environment_rows);

static const struct schema_field old_resources_rows[] = {
	INT("vcpus", 0, 1, 256),
	INT("memory", 0, 1, MEMORY_MAX),
	INT("seconds", 0, 1, SECONDS_MAX),
};
TABLE(old_resources, "proposal.resources", true, old_resources_rows);

static const struct schema_field old_subscription_item = { .name = "aleph",
	.type = SCHEMA_FREE,
	.max = 32 };
static const struct schema_field old_on_rows[] = {
	BOOL("http", 0),
	ANY("cron", 0),
	LIST("aleph", 0, 0, old_subscription_item),
};
TABLE(old_on, "proposal.on", true, old_on_rows);

static const struct schema_field old_export_rows[] = {
	WORD("encoding", REQ, all_encodings),
	TEXT("mount", REQ, 0),
};
TABLE(old_export, "proposal.export", true, old_export_rows);

/* References of the first name a publisher, those of the second a message. */
static const struct schema_field p1_code_rows[] = {
	WORD("encoding", REQ, all_encodings),
	TEXT("entrypoint", REQ, 0),
	TEXT("content", 0, 0),
	TEXT("address", 0, 0),
};
TABLE(p1_code, "proposal-1.code", true, p1_code_rows);
static const struct schema_field p1_runtime_rows[] = {
	TEXT("address", REQ, 0),
	TEXT("comment", 0, 0),
};
TABLE(p1_runtime, "proposal-1.runtime", true, p1_runtime_rows);
static const struct schema_field p1_data_rows[] = {
	WORD("encoding", REQ, all_encodings),
	TEXT("mount", REQ, 0),
	TEXT("address", REQ, 0),
};
TABLE(p1_data, "proposal-1.data", true, p1_data_rows);

static const struct schema_field p2_code_rows[] = {
	WORD("encoding", REQ, all_encodings),
	TEXT("entrypoint", REQ, 0),
	TEXT("content", 0, 0),
	HASH("ref", 0),
	BOOL("latest_amend", 0),
};
TABLE(p2_code, "proposal-2.code", true, p2_code_rows);
static const struct schema_field p2_runtime_rows[] = {
	HASH("ref", REQ),
	BOOL("latest_amend", 0),
	TEXT("comment", 0, 0),
};
TABLE(p2_runtime, "proposal-2.runtime", true, p2_runtime_rows);
static const struct schema_field p2_data_rows[] = {
	WORD("encoding", REQ, all_encodings),
	TEXT("mount", REQ, 0),
	HASH("ref", REQ),
	BOOL("latest_amend", 0),
};
TABLE(p2_data, "proposal-2.data", true, p2_data_rows);

#define PROPOSAL_CONTENT(its_code, its_runtime, its_data)                 \
	{                                                                 \
		OBJECT("code", REQ, its_code), OBJECT("on", REQ, old_on), \
		    OBJECT("environment", REQ, old_environment),          \
		    OBJECT("resources", REQ, old_resources),              \
		    OBJECT("runtime", REQ, its_runtime),                  \
		    OBJECT("data", 0, its_data),                          \
		    OBJECT("export", 0, old_export),                      \
	}

static const struct schema_field p1_content_rows[] =
    PROPOSAL_CONTENT(p1_code, p1_runtime, p1_data);
TABLE(p1_content, "proposal-1.content", true, p1_content_rows);
static const struct schema_field p2_content_rows[] =
    PROPOSAL_CONTENT(p2_code, p2_runtime, p2_data);
TABLE(p2_content, "proposal-2.content", true, p2_content_rows);

#define PROPOSAL_ROWS(its_content)                                    \
	{                                                             \
		WORD("type", REQ, vm_types), TEXT("address", REQ, 0), \
		    OBJECT("content", REQ, its_content),              \
		    { .name = "time",                                 \
			    .type = SCHEMA_REAL,                      \
			    .flags = REQ,                             \
			    .min = 0,                                 \
			    .max = TIME_MAX },                        \
		    TEXT("ref", 0, 0),                                \
	}

static const struct schema_field p1_rows[] = PROPOSAL_ROWS(p1_content);
TABLE(p1, "proposal-1", false, p1_rows);
static const struct schema_field p2_rows[] = PROPOSAL_ROWS(p2_content);
TABLE(p2, "proposal-2", false, p2_rows);

const struct schema *
aleph_schema_envelope(void)
{
	return &envelope;
}

const struct schema *
aleph_schema_program(enum aleph_dialect dialect)
{
	static const struct schema *const dialects[ALEPH_DIALECTS] = {
		[ALEPH_PROPOSAL_1] = &p1,
		[ALEPH_PROPOSAL_2] = &p2,
		[ALEPH_ACCEPTED] = &accepted,
		[ALEPH_LOCAL] = &local,
	};

	return dialects[dialect];
}
