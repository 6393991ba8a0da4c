/* A message that is accepted has every field that a run relies on. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/aleph.h"
#include "messages/aleph_item.h"
#include "messages/json.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "tests/fuzz/fuzz.h"

static struct {
	const char *wanted;
	bool found;
} search;

static void
compare_id(void *arg, const char *id)
{
	(void)arg;
	search.found |= strcmp(id, search.wanted) == 0;
}

/* Whatever is reported stands in the list that tests and manuals go by. */
static void
check_ids(const struct problems *p)
{
	for (size_t i = 0; i < p->len; i++) {
		search.wanted = p->item[i].id;
		search.found = false;
		aleph_ids(compare_id, NULL);
		invariant(search.found);
	}
}

/* One that is accepted has what whoever acts on it relies on. */
static void
read_item(const struct aleph_program *p, const struct aleph_envelope *n,
    struct problems *problems)
{
	struct aleph_item m;

	if (aleph_item_read(&m, n, p->root, problems) == -1)
		return;
	invariant(problems->len == 0 && item_hash_kind(m.id) != ITEM_HASH_NONE);
	invariant(m.time_us >= 0 && m.address != NULL);
	if (m.kind == ALEPH_STORE)
		invariant(item_hash_kind(m.file) != ITEM_HASH_NONE);
	else
		invariant(m.hashes->len > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct aleph_program program;
	static struct problems problems;
	const struct decide_wish wish = { .tier = -1 };
	struct aleph_envelope n;
	struct decision d;
	struct ceiling c;
	struct err e;
	struct value *v = json_parse((const char *)data, size, &e);

	if (v == NULL)
		return 0;
	if (aleph_read(&program, &n, v, (const char *)data, size, -1,
		&problems) == 0) {
		invariant(problems.len == 0);
		invariant(program.code.entrypoint != NULL);
		invariant(!program.data.present || program.data.mount != NULL);
		ceiling_default(&c);
		if (decide(&program, &c, &wish, &d, &e) == 0)
			invariant(grant_within(&d.grant, &c.grant));
	} else {
		invariant(problems.len > 0 || !n.is_program);
		check_ids(&problems);
		read_item(&program, &n, &problems);
	}
	problems_fini(&problems);
	aleph_fini(&program);
	/* As every dialect in turn, whichever it is. */
	v = json_parse((const char *)data, size, &e);
	(void)aleph_read(&program, &n, v, (const char *)data, size,
	    (int)(size % 4), &problems);
	problems_fini(&problems);
	aleph_fini(&program);
	return 0;
}
