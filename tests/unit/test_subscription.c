/* Which messages a subscription matches; and that it always has an answer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/subscription.h"
#include "messages/value.h"

static struct value *
parse(const char *text)
{
	struct err e;
	struct value *v = json_parse(text, strlen(text), &e);

	if (v == NULL)
		fail_msg("%s: %s", text, e.text);
	return v;
}

static bool
matches(const char *subscription, const char *message)
{
	value_auto struct value *s = parse(subscription);
	value_auto struct value *m = parse(message);

	return subscription_matches(s, m);
}

#define MESSAGE                                                          \
	"{\"type\":\"POST\",\"sender\":\"0xA\",\"time\":1.5,\"size\":3," \
	"\"channel\":null,\"ok\":true,\"list\":[1],"                     \
	"\"content\":{\"type\":\"x\",\"content\":{\"a\":\"b\"}}}"

static void
fields_are_what_they_say(void **state)
{
	static const struct {
		const char *subscription;
		bool matches;
	} rows[] = {
		{ "{\"type\":\"POST\"}", true },
		{ "{\"type\":\"post\"}", false },
		{ "{\"type\":\"POST\",\"sender\":\"0xA\"}", true },
		{ "{\"type\":\"POST\",\"sender\":\"0xB\"}", false },
		{ "{\"sender\":[\"0xB\",\"0xA\"]}", true },
		{ "{\"sender\":[\"0xB\"]}", false },
		{ "{\"sender\":[]}", false },
		{ "{\"time\":1.5}", true },
		{ "{\"size\":3.0}", true },
		{ "{\"size\":\"3\"}", false },
		{ "{\"channel\":null}", true },
		{ "{\"ok\":true}", true },
		{ "{\"ok\":1}", false },
		{ "{\"content\":{\"type\":\"x\"}}", true },
		{ "{\"content\":{\"content\":{\"a\":\"b\"}}}", true },
		{ "{\"content\":{\"content\":{\"a\":\"c\"}}}", false },
		/* What the message does not have. */
		{ "{\"nope\":\"x\"}", false },
		{ "{\"nope\":null}", false },
		{ "{\"type\":{\"a\":1}}", false },
		{ "{\"content\":\"x\"}", false },
		{ "{}", false },
		{ "{\"content\":{}}", false },
	};

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++)
		if (matches(rows[i].subscription, MESSAGE) != rows[i].matches)
			fail_msg("%s", rows[i].subscription);
}

static void
one_of_a_list_is_enough(void **state)
{
	value_auto struct value *m = parse(MESSAGE);
	value_auto struct value *some =
	    parse("[{\"nope\":1},{\"type\":\"POST\"}]");
	value_auto struct value *none = parse("[{\"nope\":1},{},3]");

	(void)state;
	assert_true(subscription_matches_any(some, m));
	assert_false(subscription_matches_any(none, m));
	assert_false(subscription_matches_any(m, m)); /* no list */
}

/* A tree of anything, of a few names, so that they meet. */
static struct value *
any(unsigned *seed, int depth)
{
	static const char *const names[] = { "a", "b", "c" };
	struct value *v;
	int n = rand_r(seed) % 3;

	switch (rand_r(seed) % (depth > 3 ? 4 : 6)) {
	case 0:
		return value_new(VALUE_NULL);
	case 1:
		return value_of_int(n);
	case 2:
		return value_of_text(names[n]);
	case 3:
		v = value_new(VALUE_BOOL);
		v->truth = n == 0;
		return v;
	case 4:
		v = value_new(VALUE_LIST);
		for (int i = 0; i < n; i++)
			value_add(v, any(seed, depth + 1));
		return v;
	default:
		v = value_new(VALUE_MAP);
		for (int i = 0; i < n; i++)
			value_set(v, names[i], any(seed, depth + 1));
		return v;
	}
}

/* Some of a message's own fields, or something else. */
static struct value *
like(unsigned *seed, const struct value *m)
{
	struct value *s = value_new(VALUE_MAP);

	for (size_t i = 0; m->kind == VALUE_MAP && i < m->len; i++)
		if (rand_r(seed) % 4 != 0)
			value_set(s, m->key[i], value_copy(m->item[i]));
	if (s->len > 0 && rand_r(seed) % 2 == 0)
		return s;
	value_free(s);
	return any(seed, 0);
}

/* Adding a field never makes it match more; a message matches its own words. */
static void
more_fields_match_less(void **state)
{
	unsigned seed = 7;
	size_t matched = 0;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		value_auto struct value *m = any(&seed, 0);
		value_auto struct value *s = like(&seed, m);
		bool before = subscription_matches(s, m);

		matched += before;
		if (s->kind != VALUE_MAP)
			continue;
		value_set(s, "d", any(&seed, 2));
		if (!before && s->len > 1)
			assert_false(subscription_matches(s, m));
	}
	assert_true(matched > 1000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_what_they_say),
		cmocka_unit_test(one_of_a_list_is_enough),
		cmocka_unit_test(more_fields_match_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
