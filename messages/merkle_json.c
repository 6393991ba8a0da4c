#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/base64.h"
#include "messages/merkle.h"
#include "messages/merkle_json.h"
#include "messages/value.h"

static const struct name {
	const char *snake, *camel;
} target_address = { "target_address", "targetAddress" },
  log2_target = { "log2_target_size", "log2TargetSize" },
  target_hash = { "target_hash", "targetHash" },
  log2_root = { "log2_root_size", "log2RootSize" },
  root_hash = { "root_hash", "rootHash" },
  sibling_hashes = { "sibling_hashes", "siblingHashes" };

static const struct value *
get(const struct value *v, const struct name *n)
{
	const struct value *item = value_get(v, n->snake);

	return item != NULL ? item : value_get(v, n->camel);
}

static int
read_number(const struct value *v, const struct name *n, uint64_t *out,
    struct err *e)
{
	const struct value *item = get(v, n);
	char *end;

	*out = 0;
	if (item == NULL)
		return 0;
	if (item->kind == VALUE_INT && item->number >= 0) {
		*out = (uint64_t)item->number;
		return 0;
	}
	if (item->kind == VALUE_STRING && item->text[0] >= '0' &&
	    item->text[0] <= '9') {
		errno = 0;
		*out = strtoull(item->text, &end, 10);
		if (errno == 0 && *end == '\0')
			return 0;
	}
	return err_set(e, ERR_INVALID, "%s: no number", n->snake);
}

static bool
read_hash(const struct value *v, struct merkle_hash *out)
{
	const char *text, *data = value_get_text(v, "data");
	bool good = false;
	size_t len;
	char *bytes;

	if (data != NULL) {
		bytes = base64_bytes(data, strlen(data), &len);
		good = bytes != NULL && len == MERKLE_HASH;
		if (good)
			memcpy(out->byte, bytes, MERKLE_HASH);
		free(bytes);
		return good;
	}
	if (v == NULL || v->kind != VALUE_STRING)
		return false;
	text = v->text + (strncmp(v->text, "0x", 2) == 0 ? 2 : 0);
	return strlen(text) == 2 * MERKLE_HASH &&
	    str_unhex(out->byte, MERKLE_HASH, text);
}

static int
read_hash_of(const struct value *v, const struct name *n,
    struct merkle_hash *out, struct err *e)
{
	return read_hash(get(v, n), out)
	    ? 0
	    : err_set(e, ERR_INVALID, "%s: no hash of 32 bytes", n->snake);
}

static int
read_siblings(const struct value *v, struct merkle_proof *p, struct err *e)
{
	const struct value *list = get(v, &sibling_hashes);
	size_t n = list != NULL && list->kind == VALUE_LIST ? list->len : 0;

	if (n != p->log2_root - p->log2_target)
		return err_set(e, ERR_INVALID,
		    "sibling_hashes: %zu, and from 2^%u to 2^%u there are %u",
		    n, p->log2_target, p->log2_root,
		    p->log2_root - p->log2_target);
	for (size_t i = 0; i < n; i++)
		if (!read_hash(list->item[i], &p->sibling[i]))
			return err_set(e, ERR_INVALID,
			    "sibling_hashes[%zu]: no hash of 32 bytes", i);
	return 0;
}

static int
read_proof(const struct value *v, struct merkle_proof *p, struct err *e)
{
	uint64_t target, root;

	if (read_number(v, &target_address, &p->address, e) == -1 ||
	    read_number(v, &log2_target, &target, e) == -1 ||
	    read_number(v, &log2_root, &root, e) == -1 ||
	    read_hash_of(v, &target_hash, &p->target, e) == -1 ||
	    read_hash_of(v, &root_hash, &p->root, e) == -1)
		return -1;
	if (target < MERKLE_WORD || target > root || root > MERKLE_MEMORY)
		return err_set(e, ERR_INVALID,
		    "a part of 2^%llu bytes in one of 2^%llu",
		    (unsigned long long)target, (unsigned long long)root);
	p->log2_target = (unsigned)target;
	p->log2_root = (unsigned)root;
	if (p->log2_target < MERKLE_MEMORY &&
	    (p->address & ((UINT64_C(1) << p->log2_target) - 1)) != 0)
		return err_set(e, ERR_INVALID,
		    "target_address: it is not aligned to the target's size");
	return read_siblings(v, p, e);
}

static int
check_proof(const struct value *v, struct err *e)
{
	struct merkle_proof p;
	struct merkle_hash root;

	if (read_proof(v, &p, e) == -1)
		return -1;
	merkle_proof_root(&p, &root);
	return merkle_is_same(&root, &p.root)
	    ? 0
	    : err_set(e, ERR_DENIED, "it leads to another root");
}

/* Whatever has a part of one is one. */
static bool
is_proof(const struct value *v)
{
	return get(v, &sibling_hashes) != NULL ||
	    get(v, &target_hash) != NULL || get(v, &root_hash) != NULL;
}

/* "what" goes in front, with a dot but where an index follows. */
static int
within(struct err *e, const char *what)
{
	bool joined = e->text[0] == '[' || e->text[0] == ':';
	struct err whole = *e;

	err_set(e, whole.code, "%s%s%s", what, joined ? "" : ".", whole.text);
	return -1;
}

/* The sentence of a proof follows its path with a colon. */
static int
check(const struct value *v, size_t *proofs, struct err *e)
{
	char index[32];
	struct err why;

	if (v->kind == VALUE_MAP && is_proof(v)) {
		++*proofs;
		return check_proof(v, &why) == 0
		    ? 0
		    : err_set(e, why.code, ": %s", why.text);
	}
	for (size_t i = 0; i < v->len; i++) {
		if (check(v->item[i], proofs, e) == 0)
			continue;
		if (v->kind == VALUE_MAP)
			return within(e, v->key[i]);
		snprintf(index, sizeof(index), "[%zu]", i);
		return within(e, index);
	}
	return 0;
}

int
merkle_json_check(const struct value *v, size_t *proofs, struct err *e)
{
	*proofs = 0;
	if (check(v, proofs, e) == 0)
		return 0;
	if (e->text[0] == ':') /* the document is one */
		memmove(e->text, e->text + 2, strlen(e->text + 2) + 1);
	return -1;
}
