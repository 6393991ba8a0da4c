#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/json.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "messages/yaml.h"
#include "tests/unit/unit.h"

typedef struct value *parse_fn(const char *, size_t, struct err *);

static void
refuses(parse_fn *parse, const char *text, const char *why)
{
	struct err e = { .text = "" };
	struct value *v = parse(text, strlen(text), &e);

	if (v != NULL)
		fail_msg("accepted: %s", text);
	if (strstr(e.text, why) == NULL)
		fail_msg("%s: '%s' does not say '%s'", text, e.text, why);
	assert_int_equal(e.code, ERR_INVALID);
}

static struct value *
accepts(parse_fn *parse, const char *text)
{
	struct err e = { .text = "" };
	struct value *v = parse(text, strlen(text), &e);

	if (v == NULL)
		fail_msg("%s: %s", text, e.text);
	return v;
}

static void
json_refuses_what_two_readers_could_read_twice(void **state)
{
	char deep[200];

	(void)state;
	refuses(json_parse, "{\"a\":1,\"a\":2}", "duplicate");
	refuses(json_parse, "{\"a\":1} x", "end of file expected");
	refuses(json_parse, "{\"a\":01}", "line 1");
	refuses(json_parse, "{\"a\":+1}", "line 1");
	refuses(json_parse, "{\"a\":0x10}", "line 1");
	refuses(json_parse, "{\"a\":NaN}", "line 1");
	refuses(json_parse, "{\"a\":1e999}", "real number overflow");
	refuses(json_parse, "{\"a\":9223372036854775808}", "too big integer");
	refuses(json_parse, "{\"a\":\"\xff\"}", "decode");
	refuses(json_parse, "{\"a\":\"\\ud800\"}", "Unicode");
	refuses(json_parse, "{\"a\":\"\\u0000\"}", "\\u0000");
	refuses(json_parse, "{\"a\":1,}", "line 1");
	refuses(json_parse, "{'a':1}", "line 1");
	refuses(json_parse, "\xef\xbb\xbf{}", "line 1");
	refuses(json_parse, "1", "line 1");
	refuses(json_parse, "", "line 1");
	memset(deep, '[', 70);
	deep[70] = '\0';
	refuses(json_parse, deep, "deeper than 64 levels");
}

static void
json_takes_values_as_they_are(void **state)
{
	struct value *v = accepts(json_parse,
	    "{\"i\":-5,\"r\":1.5,\"t\":true,\"n\":null,\"s\":\"\\ud83d\\ude00\","
	    "\"l\":[1,\"]\"]}");
	char *text;

	(void)state;
	assert_int_equal(value_get_int(v, "i", 0), -5);
	assert_true(value_get_bool(v, "t", false));
	assert_string_equal(value_get_text(v, "s"), "\xf0\x9f\x98\x80");
	assert_int_equal(value_get(v, "l")->len, 2);
	text = json_emit(v, JSON_AS_CANONICAL);
	assert_string_equal(text,
	    "{\"i\":-5,\"l\":[1,\"]\"],\"n\":null,\"r\":1.5,"
	    "\"s\":\"\xf0\x9f\x98\x80\",\"t\":true}");
	free(text);
	value_free(v);
}

static void
yaml_refuses_what_makes_it_dangerous(void **state)
{
	char deep[200];

	(void)state;
	refuses(yaml_parse, "a: &x 1\nb: *x\n", "line 1, column 4: an anchor");
	refuses(yaml_parse, "a: 1\nb: *x\n", "line 2, column 4: an alias");
	refuses(yaml_parse, "a: !!python/object:x {}\n", "an anchor or a tag");
	refuses(yaml_parse, "<<: {a: 1}\n", "a merge key");
	refuses(yaml_parse, "a: 1\nb: 2\na: 3\n",
	    "line 3, column 1: a duplicate key");
	refuses(yaml_parse, "a: 1\n---\nb: 2\n", "a second document");
	refuses(yaml_parse, "%YAML 1.1\n---\na: 1\n", "a directive");
	refuses(yaml_parse, "[a]: 1\n", "a key is no scalar");
	refuses(yaml_parse, "&k a: 1\n", "an anchor or a tag on a key");
	refuses(yaml_parse, "a: \"x\\0y\"\n", "a NUL in a scalar");
	refuses(yaml_parse, "\"a\\0\": 1\n", "a NUL in a key");
	refuses(yaml_parse, "a: 99999999999999999999\n", "out of range");
	refuses(yaml_parse, "a: 1e999\n", "out of range");
	refuses(yaml_parse, "a:\t[\n", "line");
	refuses(yaml_parse, "a: \xff\n", "line 1: not UTF-8");
	refuses(yaml_parse, "", "no document");
	memset(deep, '[', 70);
	deep[70] = '\0';
	refuses(yaml_parse, deep, "too deep");
}

static void
yaml_scalars_are_of_the_core_schema(void **state)
{
	struct value *v = accepts(yaml_parse,
	    "no: no\noff: off\nten: 010\nhex: 0x10\nt: true\nq: 'true'\n"
	    "r: 1.5\nn: ~\ndate: 2001-01-01\nsexagesimal: 1:30\n");

	(void)state;
	assert_string_equal(value_get_text(v, "no"), "no");
	assert_string_equal(value_get_text(v, "off"), "off");
	assert_int_equal(value_get_int(v, "ten", 0), 10);
	assert_string_equal(value_get_text(v, "hex"), "0x10");
	assert_true(value_get_bool(v, "t", false));
	assert_string_equal(value_get_text(v, "q"), "true");
	assert_int_equal(value_get(v, "r")->kind, VALUE_REAL);
	assert_int_equal(value_get(v, "n")->kind, VALUE_NULL);
	assert_string_equal(value_get_text(v, "date"), "2001-01-01");
	assert_string_equal(value_get_text(v, "sexagesimal"), "1:30");
	assert_int_equal(value_get(v, "ten")->line, 3);
	assert_int_equal(value_get(v, "ten")->column, 6);
	value_free(v);
}

static void
yaml_reads_the_proposals_as_they_circulate(void **state)
{
	/* Trailing commas: no JSON, but YAML's flow style. */
	struct value *v = accepts(yaml_parse,
	    "{\n  \"a\": {\"b\": 1,},\n  \"c\": [1, 2,],\n}\n");

	(void)state;
	assert_int_equal(value_get_int(value_get(v, "a"), "b", 0), 1);
	value_free(v);
}

static void
equality_is_jsons(void **state)
{
	struct value *a = accepts(json_parse, "{\"x\":1,\"y\":[1,2]}");
	struct value *b = accepts(json_parse, "{\"y\":[1,2],\"x\":1.0}");
	struct value *c = accepts(json_parse, "{\"x\":true,\"y\":[1,2]}");

	(void)state;
	assert_true(value_equal(a, b));
	assert_false(value_equal(a, c));
	value_free(a);
	value_free(b);
	value_free(c);
}

static void
problems_stand_where_the_field_stands(void **state)
{
	static const char text[] = "a:\n  b: [1, {c: x}]\n  b.d: 2\n"
				   "resources:\n  memory: 0\n";
	static const struct {
		const char *path;
		unsigned line, column;
	} cases[] = {
		{ "a.b[0]", 2, 7 },
		{ "a.b[1].c", 2, 14 },
		{ "a.b[1].missing", 2, 10 },
		{ "a.b[7]", 2, 6 },
		{ "a.b.d", 3, 8 },
		{ "content.resources.memory", 5, 11 },
		{ "missing", 1, 1 },
	};
	struct value *v = accepts(yaml_parse, text);
	struct problems p = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		problems_add(&p, "id", cases[i].path, "wrong");
	problems_locate(&p, v);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(p.item[i].line, cases[i].line);
		assert_int_equal(p.item[i].column, cases[i].column);
	}
	problems_fini(&p);
	value_free(v);
}

/* A tree whose keys are in order, so that both forms have the same. */
static struct value *
any(unsigned *seed, int depth)
{
	static const char *const texts[] = { "", "plain", "q\"b\\s/",
		"\b\f\n\r\t\x01\x1f\x7f", "\xc3\xa9\xf0\x9f\x98\x80",
		"\xff\xfe", "a\xc3", "\xed\xa0\x80", "\xe2\x80\xa8" };
	static const char *const keys[] = { "", "a", "b\"", "c\n", "\xc3\xa9" };
	unsigned n = (unsigned)rand_r(seed);
	struct value *v;

	switch (n % (depth > 4 ? 5 : 7)) {
	case 0:
		return value_new(VALUE_NULL);
	case 1:
		v = value_new(VALUE_BOOL);
		v->truth = n % 2 == 0;
		return v;
	case 2:
		return value_of_int(n % 3 == 0 ? INT64_MIN : (int64_t)n);
	case 3:
		v = value_new(VALUE_REAL);
		v->real = (double)n / 7;
		return v;
	case 4:
		return value_of_text(texts[n / 8 % 9]);
	case 5:
		v = value_new(VALUE_LIST);
		for (unsigned i = 0; i < n / 8 % 4; i++)
			value_add(v, any(seed, depth + 1));
		return v;
	default:
		v = value_new(VALUE_MAP);
		for (unsigned i = 0; i < n / 8 % 6; i++)
			value_set(v, keys[i], any(seed, depth + 1));
		return v;
	}
}

/* One line is written by us, the canonical form by the library. */
static void
both_writers_write_the_same(void **state)
{
	unsigned seed = 11;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct value *v = any(&seed, 0);
		char *ours = json_emit(v, JSON_AS_LINE);
		char *theirs = json_emit(v, JSON_AS_CANONICAL);

		assert_string_equal(ours, theirs);
		free(ours);
		free(theirs);
		value_free(v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_writers_write_the_same),
		cmocka_unit_test(
		    json_refuses_what_two_readers_could_read_twice),
		cmocka_unit_test(json_takes_values_as_they_are),
		cmocka_unit_test(yaml_refuses_what_makes_it_dangerous),
		cmocka_unit_test(yaml_scalars_are_of_the_core_schema),
		cmocka_unit_test(yaml_reads_the_proposals_as_they_circulate),
		cmocka_unit_test(problems_stand_where_the_field_stands),
		cmocka_unit_test(equality_is_jsons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
