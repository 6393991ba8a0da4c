/* What machine directories say of themselves, and proofs in JSON: what is taken
 * is written again as it was. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "messages/json.h"
#include "messages/machine_config.h"
#include "messages/manifest.h"
#include "messages/merkle_json.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "tests/fuzz/fuzz.h"

static void
fuzz_manifest(const uint8_t *data, size_t size)
{
	struct merkle_hash a, b;
	const struct buf *bytes;
	struct manifest m;
	struct err e;

	if (manifest_read(&m, data, size, &e) == 0) {
		bytes = manifest_bytes(&m);
		invariant(m.len > 0 && bytes->len <= size);
		invariant(memcmp(bytes->data, data, bytes->len) == 0);
		invariant(
		    manifest_root(&m, UINT64_C(1) << 30, 30, &a, &e) == 0);
		/* All that is in it can go, and be taken back. */
		manifest_begin(&m);
		manifest_remove(&m, "");
		invariant(m.len == 0);
		manifest_roll_back(&m);
		invariant(
		    manifest_root(&m, UINT64_C(1) << 30, 30, &b, &e) == 0);
		invariant(merkle_is_same(&a, &b));
	}
	manifest_fini(&m);
}

static void
fuzz_config(const uint8_t *data, size_t size)
{
	buf_auto struct buf first = { 0 }, second = { 0 };
	struct machine_config c;
	struct err e;

	if (machine_config_get(&c, data, size, &e) == -1)
		return;
	/* Who says nothing of a drive has none: it is written, and refused. */
	if (c.drive_length == 0)
		return;
	machine_config_put(&first, &c);
	invariant(machine_config_get(&c, first.data, first.len, &e) == 0);
	machine_config_put(&second, &c);
	invariant(first.len == second.len &&
	    memcmp(first.data, second.data, first.len) == 0);
}

static void
fuzz_json(const uint8_t *data, size_t size)
{
	struct problems problems = { .len = 0 };
	struct machine_config c;
	struct err e;
	value_auto struct value *v = json_parse((const char *)data, size, &e);
	size_t proofs;

	if (v == NULL)
		return;
	(void)merkle_json_check(v, &proofs, &e);
	machine_config_default(&c);
	if (machine_config_read(&c, v, &problems))
		invariant(problems.len == 0 && c.drive_length >= 4096);
	problems_fini(&problems);
}

/* The first byte says what of it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (data[0] % 3 == 0)
		fuzz_manifest(data + 1, size - 1);
	else if (data[0] % 3 == 1)
		fuzz_config(data + 1, size - 1);
	else
		fuzz_json(data + 1, size - 1);
	return 0;
}
