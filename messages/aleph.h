/*
 * A VM message, in any of the dialects that circulate, as one struct.
 *
 *   proposal-1  the first proposal of 2021: code.content or code.address
 *   proposal-2  the second: code.content or code.ref, latest_amend
 *   accepted    an envelope with its content inline or apart, or that alone
 *   local       accepted, and on.cron, code.content, tar.gzip, more interfaces
 *
 * The hash is over the bytes; what is run is what the hash covers: of an
 * inline message item_content, and never the copy beside it.
 */
#ifndef MESSAGES_ALEPH_H
#define MESSAGES_ALEPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/item_hash.h"
#include "messages/problems.h"
#include "messages/signature.h"

struct err;
struct value;

#define ALEPH_SIZE_MAX (1 << 20) /* bytes of a message */
#define ALEPH_CRON_MAX 8
#define ALEPH_SUBSCRIPTIONS_MAX (16 << 10) /* bytes of JSON, and a NUL */
#define ALEPH_VOLUMES_MAX 256

enum aleph_dialect {
	ALEPH_PROPOSAL_1,
	ALEPH_PROPOSAL_2,
	ALEPH_ACCEPTED,
	ALEPH_LOCAL,
	ALEPH_DIALECTS,
};

enum aleph_encoding {
	ALEPH_PLAIN,
	ALEPH_ZIP,
	ALEPH_SQUASHFS,
	ALEPH_TAR_GZIP,
	ALEPH_ENCODINGS
};

enum aleph_interface {
	ALEPH_ASGI,
	ALEPH_BINARY,
	ALEPH_EXEC,
	ALEPH_CHANNEL,
	ALEPH_ROLLUP,
	ALEPH_INTERFACES
};
#define ALEPH_FUNCTIONS ALEPH_CHANNEL /* from here on: machines of sessions */

enum aleph_volume_kind { ALEPH_IMMUTABLE, ALEPH_EPHEMERAL, ALEPH_PERSISTENT };

/* All strings are borrowed from the tree, NULL where there is none. */
struct aleph_code {
	enum aleph_encoding encoding;
	enum aleph_interface interface;
	bool
	    callable; /* entrypoint names a callable of plain code, no module */
	bool use_latest;
	const char *entrypoint, *ref, *address, *content;
	const struct value *args; /* list of strings, or NULL */
};

struct aleph_data {
	bool present, use_latest;
	enum aleph_encoding encoding;
	const char *mount, *ref, *address;
};

struct aleph_export {
	bool present;
	enum aleph_encoding encoding;
	const char *mount;
};

struct aleph_volume {
	enum aleph_volume_kind kind;
	bool use_latest, store; /* persistence: store */
	int64_t size_mib;
	const char *mount, *ref, *name, *parent;
};

struct aleph_program {
	enum aleph_dialect dialect;
	struct value *root; /* owned */
	char id[ITEM_HASH_MAX];
	bool unverified; /* the id is of the bytes received: no one vouches */
	enum signature_verdict signature;

	const char *address;
	struct aleph_code code;
	struct {
		const char *ref, *address;
		bool use_latest;
	} runtime;
	struct aleph_data data;
	struct aleph_export export;
	size_t nvolumes;
	struct aleph_volume volume[ALEPH_VOLUMES_MAX];
	int64_t vcpus, memory_mib, seconds;
	bool has_vcpus, has_memory, has_seconds; /* asked for, not defaulted */
	bool internet, aleph_api, shared_cache, reproducible;
	bool on_http, on_persistent;
	const struct value *cron; /* a text, a list of texts, or NULL */
	const struct value *subscriptions; /* a list of objects, or NULL */
	const struct value *variables;     /* object of strings, or NULL */
	/* Lists of texts: paths of fields. */
	struct value *not_enforced; /* changes nothing on this node */
	struct value *not_granted;  /* asked for and not offered */
};

/* Of a message before it is known to be a program. */
struct aleph_envelope {
	bool present;
	const char *type; /* NULL without an envelope */
	bool is_program;
	char item_hash[ITEM_HASH_MAX]; /* as given; "" if it is no hash */
	char computed[ITEM_HASH_MAX];  /* of item_content, or of the bytes */
	bool hash_good;
	enum signature_verdict signature;
	char why[160]; /* of the signature's verdict */
};

/*
 * Reads a document that a parser has made.  root is taken over, also on
 * failure.  bytes: the file as received.  force: a dialect, or -1 to detect.
 * Returns 0 if it is a program that fits its dialect; else -1, with everything
 * that is wrong in problems.  The envelope is filled in either way.
 */
int aleph_read(struct aleph_program *, struct aleph_envelope *,
    struct value *root, const char *bytes, size_t len, int force,
    struct problems *);

void aleph_fini(struct aleph_program *);

const char *aleph_dialect_name(enum aleph_dialect);
int aleph_dialect_find(const char *); /* or -1 */
const char *aleph_encoding_name(enum aleph_encoding);
const char *aleph_interface_name(enum aleph_interface);

/* Every id that aleph_read() can report. */
void aleph_ids(void (*)(void *, const char *), void *);

#endif
